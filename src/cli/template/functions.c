#include "cli/template/functions.h"

#include "base/cleanup.h"
#include "oci/json.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

enum { TEXT_MAX = 64 << 20 };

bool template_truth(const json_t *v)
{
	switch (v ? json_typeof(v) : JSON_NULL) {
	case JSON_OBJECT:
		return json_object_size(v) > 0;
	case JSON_ARRAY:
		return json_array_size(v) > 0;
	case JSON_STRING:
		return json_string_length(v) > 0;
	case JSON_INTEGER:
		return json_integer_value(v) != 0;
	case JSON_REAL:
		return json_real_value(v) != 0;
	case JSON_TRUE:
		return true;
	default:
		return false;
	}
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* map[a:1 b:2], keys sorted. */
static void print_object(const json_t *v, struct buf *out)
{
	size_t len = json_object_size(v), n = 0;
	autofree const char **keys = calloc(len ? len : 1, sizeof(*keys));
	const char *key;
	json_t *value;

	if (!keys)
		return;
	json_object_foreach((json_t *)v, key, value) keys[n++] = key;
	qsort(keys, n, sizeof(*keys), compare_keys);
	buf_add_str(out, "map[");
	for (size_t i = 0; i < n; i++) {
		buf_addf(out, "%s%s:", i ? " " : "", keys[i]);
		template_print(json_object_get(v, keys[i]), false, out);
	}
	buf_add_char(out, ']');
}

void template_print(const json_t *v, bool top, struct buf *out)
{
	size_t i;
	json_t *item;

	switch (v ? json_typeof(v) : JSON_NULL) {
	case JSON_OBJECT:
		print_object(v, out);
		break;
	case JSON_ARRAY:
		buf_add_char(out, '[');
		json_array_foreach(v, i, item)
		{
			if (i)
				buf_add_char(out, ' ');
			template_print(item, false, out);
		}
		buf_add_char(out, ']');
		break;
	case JSON_STRING:
		buf_add(out, json_string_value(v), json_string_length(v));
		break;
	case JSON_INTEGER:
		buf_addf(out, "%lld", (long long)json_integer_value(v));
		break;
	case JSON_REAL:
		buf_addf(out, "%g", json_real_value(v));
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		buf_add_str(out, json_is_true(v) ? "true" : "false");
		break;
	case JSON_NULL:
		buf_add_str(out, top ? "<no value>" : "<nil>");
		break;
	}
}

static int text_result(struct buf *text, json_t **ret, struct err *err)
{
	*ret = text->error ? NULL : json_text(buf_str(text));
	return *ret ? 0 : err_oom(err);
}

static int call_json(json_t **args, size_t len, json_t **ret, struct err *err)
{
	autobuf struct buf text = BUF_INIT(TEXT_MAX);
	autojson json_t *null = json_null();
	int r = json_write(args[0] ? args[0] : null, &text, err);

	(void)len;
	return r < 0 ? r : text_result(&text, ret, err);
}

static int call_index(json_t **args, size_t len, json_t **ret, struct err *err)
{
	json_t *at = args[0];

	for (size_t i = 1; i < len; i++) {
		if (json_is_integer(args[i]) && (json_is_array(at) || json_is_null(at))) {
			json_int_t n = json_integer_value(args[i]);

			if (n < 0 || (size_t)n >= json_array_size(at))
				return err_set(err, EINVAL, "format: index: %lld is out of range", (long long)n);
			at = json_array_get(at, (size_t)n);
		} else if (json_is_string(args[i])) {
			at = json_object_get(at, json_string_value(args[i]));
		} else {
			return err_set(err, EINVAL, "format: index: a list needs a number, a map a string");
		}
	}
	*ret = json_incref(at);
	return 0;
}

static int call_len(json_t **args, size_t len, json_t **ret, struct err *err)
{
	const json_t *v = args[0];
	size_t n = json_is_string(v)  ? json_string_length(v)
		   : json_is_array(v) ? json_array_size(v)
				      : json_object_size(v);

	(void)len;
	*ret = json_integer((json_int_t)n);
	return *ret ? 0 : err_oom(err);
}

static int call_join(json_t **args, size_t len, json_t **ret, struct err *err)
{
	autobuf struct buf text = BUF_INIT(TEXT_MAX);
	json_t *item;
	size_t i;

	(void)len;
	json_array_foreach(args[0], i, item)
	{
		if (i)
			template_print(args[1], true, &text);
		template_print(item, true, &text);
	}
	return text_result(&text, ret, err);
}

static int call_split(json_t **args, size_t len, json_t **ret, struct err *err)
{
	const char *s = json_string_value(args[0]), *by = json_string_value(args[1]), *next;
	autojson json_t *list = json_array();

	(void)len;
	if (!s || !by || !*by)
		return err_set(err, EINVAL, "format: split needs two strings");
	for (; (next = strstr(s, by)); s = next + strlen(by))
		json_array_append_new(list, json_stringn(s, (size_t)(next - s)));
	if (json_array_append_new(list, json_string(s)) < 0)
		return err_oom(err);
	*ret = TAKE_PTR(list);
	return 0;
}

static int change_case(json_t *v, int (*change)(int), bool words, json_t **ret, struct err *err)
{
	autobuf struct buf text = BUF_INIT(TEXT_MAX);
	bool start = true;

	template_print(v, true, &text);
	for (size_t i = 0; i < text.len; i++) {
		if (!words || start)
			text.data[i] = (char)change((unsigned char)text.data[i]);
		start = isspace((unsigned char)text.data[i]);
	}
	return text_result(&text, ret, err);
}

static int call_lower(json_t **args, size_t len, json_t **ret, struct err *err)
{
	(void)len;
	return change_case(args[0], tolower, false, ret, err);
}

static int call_upper(json_t **args, size_t len, json_t **ret, struct err *err)
{
	(void)len;
	return change_case(args[0], toupper, false, ret, err);
}

static int call_title(json_t **args, size_t len, json_t **ret, struct err *err)
{
	(void)len;
	return change_case(args[0], toupper, true, ret, err);
}

static int print_all(json_t **args, size_t len, const char *between, const char *end, json_t **ret, struct err *err)
{
	autobuf struct buf text = BUF_INIT(TEXT_MAX);

	for (size_t i = 0; i < len; i++) {
		buf_add_str(&text, i ? between : "");
		template_print(args[i], true, &text);
	}
	buf_add_str(&text, end);
	return text_result(&text, ret, err);
}

static int call_print(json_t **args, size_t len, json_t **ret, struct err *err)
{
	return print_all(args, len, "", "", ret, err);
}

static int call_println(json_t **args, size_t len, json_t **ret, struct err *err)
{
	return print_all(args, len, " ", "\n", ret, err);
}

static int call_eq(json_t **args, size_t len, json_t **ret, struct err *err)
{
	bool equal = false;

	(void)err;
	for (size_t i = 1; i < len; i++)
		equal |= args[0] && args[i] && json_equal(args[0], args[i]);
	*ret = json_boolean(equal);
	return 0;
}

static int call_ne(json_t **args, size_t len, json_t **ret, struct err *err)
{
	(void)len;
	(void)err;
	*ret = json_boolean(!args[0] || !args[1] || !json_equal(args[0], args[1]));
	return 0;
}

static int call_not(json_t **args, size_t len, json_t **ret, struct err *err)
{
	(void)len;
	(void)err;
	*ret = json_boolean(!template_truth(args[0]));
	return 0;
}

/* The first that decides, or the last. */
static int decide(json_t **args, size_t len, bool by, json_t **ret)
{
	size_t at = 0;

	while (at + 1 < len && template_truth(args[at]) != by)
		at++;
	*ret = json_incref(args[at]);
	return 0;
}

static int call_and(json_t **args, size_t len, json_t **ret, struct err *err)
{
	(void)err;
	return decide(args, len, false, ret);
}

static int call_or(json_t **args, size_t len, json_t **ret, struct err *err)
{
	(void)err;
	return decide(args, len, true, ret);
}

static int call_slice(json_t **args, size_t len, json_t **ret, struct err *err)
{
	size_t total = json_string_length(args[0]);
	json_int_t from = len > 1 ? json_integer_value(args[1]) : 0;
	json_int_t to = len > 2 ? json_integer_value(args[2]) : (json_int_t)total;

	if (!json_is_string(args[0]) || from < 0 || to < from || (size_t)to > total)
		return err_set(err, EINVAL, "format: slice: out of range, or not a string");
	*ret = json_stringn(json_string_value(args[0]) + from, (size_t)(to - from));
	return *ret ? 0 : err_oom(err);
}

static int call_truncate(json_t **args, size_t len, json_t **ret, struct err *err)
{
	size_t total = json_string_length(args[0]);
	json_int_t max = json_integer_value(args[1]);

	(void)len;
	if (!json_is_string(args[0]) || max < 0)
		return err_set(err, EINVAL, "format: truncate needs a string and a length");
	*ret = json_stringn(json_string_value(args[0]), total < (size_t)max ? total : (size_t)max);
	return *ret ? 0 : err_oom(err);
}

static int call_pad(json_t **args, size_t len, json_t **ret, struct err *err)
{
	autobuf struct buf text = BUF_INIT(TEXT_MAX);

	(void)len;
	buf_addf(&text, "%*s", (int)(json_integer_value(args[1]) & 0xffff), "");
	template_print(args[0], true, &text);
	buf_addf(&text, "%*s", (int)(json_integer_value(args[2]) & 0xffff), "");
	return text_result(&text, ret, err);
}

static const struct {
	const char *name;
	size_t min, max;
	int (*fn)(json_t **args, size_t len, json_t **ret, struct err *err);
} functions[] = {
	{ "json", 1, 1, call_json },
	{ "index", 1, TEMPLATE_ARGS_MAX, call_index },
	{ "len", 1, 1, call_len },
	{ "join", 2, 2, call_join },
	{ "split", 2, 2, call_split },
	{ "lower", 1, 1, call_lower },
	{ "upper", 1, 1, call_upper },
	{ "title", 1, 1, call_title },
	{ "print", 0, TEMPLATE_ARGS_MAX, call_print },
	{ "println", 0, TEMPLATE_ARGS_MAX, call_println },
	{ "eq", 2, TEMPLATE_ARGS_MAX, call_eq },
	{ "ne", 2, 2, call_ne },
	{ "not", 1, 1, call_not },
	{ "and", 1, TEMPLATE_ARGS_MAX, call_and },
	{ "or", 1, TEMPLATE_ARGS_MAX, call_or },
	{ "slice", 1, 3, call_slice },
	{ "truncate", 2, 2, call_truncate },
	{ "pad", 3, 3, call_pad },
};

int template_call(const char *name, json_t **args, size_t len, json_t **ret, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
		if (strcmp(functions[i].name, name) != 0)
			continue;
		if (len < functions[i].min || len > functions[i].max)
			return err_set(err, EINVAL, "format: function '%s' takes %zu to %zu arguments, not %zu", name,
				       functions[i].min, functions[i].max, len);
		return functions[i].fn(args, len, ret, err);
	}
	err_set(err, EINVAL, "format: there is no function '%s'", name);
	return err_hint(
		err, "json index len join split lower upper title println print eq ne not and or slice truncate pad");
}

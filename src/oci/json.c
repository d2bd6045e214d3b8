#include "oci/json.h"

#include "base/str.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>

/* Deeper than this the recursion stops; jansson's own limit is 2,048 and not ours to choose. */
static bool too_deep(const json_t *j, int depth)
{
	const char *key;
	json_t *value;
	size_t i;

	if (!json_is_array(j) && !json_is_object(j))
		return false;
	if (depth >= JSON_DEPTH_MAX)
		return true;
	json_array_foreach(j, i, value) if (too_deep(value, depth + 1)) return true;
	json_object_foreach((json_t *)j, key, value) if (too_deep(value, depth + 1)) return true;
	return false;
}

/*
 * Without a seed of ours the library opens /dev/urandom at the first object. The kernel has given each process 16
 * random bytes already (getauxval(3), AT_RANDOM).
 */
__attribute__((constructor)) static void seed_hashes(void)
{
	const void *random = (const void *)getauxval(AT_RANDOM);
	size_t seed = 0;

	if (random)
		memcpy(&seed, random, sizeof(seed));
	if (seed)
		json_object_seed(seed);
}

int json_parse(const char *data, size_t len, const char *what, json_t **ret, struct err *err)
{
	json_error_t error;
	autojson json_t *root = NULL;

	if (len > JSON_SIZE_MAX)
		return err_set(err, E2BIG, "%s: %zu bytes are over the limit of %d", what, len, JSON_SIZE_MAX);
	root = json_loadb(data, len, JSON_REJECT_DUPLICATES, &error);
	if (!root)
		return err_set(err, EBADMSG, "%s: not valid JSON: line %d, column %d: %s", what, error.line,
			       error.column, error.text);
	if (too_deep(root, 0))
		return err_set(err, E2BIG, "%s: nested deeper than %d levels", what, JSON_DEPTH_MAX);
	*ret = TAKE_PTR(root);
	return 0;
}

/* The path to AT, outermost first. */
static void add_path(struct buf *b, const struct json_at *at)
{
	if (!at->up) {
		buf_addf(b, "%s: ", at->key);
		return;
	}
	add_path(b, at->up);
	if (!at->key)
		buf_addf(b, "[%zu]", at->index);
	else
		buf_addf(b, "%s%.80s", at->up->up ? "." : "", at->key);
}

int json_err(const struct json_at *at, struct err *err, int code, const char *fmt, ...)
{
	autobuf struct buf path = BUF_INIT(2048);
	char message[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	add_path(&path, at);
	return err_set(err, code, "%s%s%s", buf_str(&path), at->up ? ": " : "", message);
}

static const char *type_name(const json_t *j)
{
	switch (j ? json_typeof(j) : JSON_NULL) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "an array";
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
		return "a whole number";
	case JSON_REAL:
		return "a fraction";
	case JSON_TRUE:
	case JSON_FALSE:
		return "a truth value";
	case JSON_NULL:
		break;
	}
	return "null";
}

static bool is_wanted(const json_t *j, enum json_want want)
{
	switch (want) {
	case JSON_WANT_OBJECT:
		return json_is_object(j);
	case JSON_WANT_ARRAY:
		return json_is_array(j);
	case JSON_WANT_STRING:
		return json_is_string(j);
	case JSON_WANT_INTEGER:
		return json_is_integer(j);
	case JSON_WANT_BOOL:
		return json_is_boolean(j);
	}
	return false;
}

int json_check(const struct json_at *at, enum json_want want, struct err *err)
{
	static const char *const wanted[] = {
		[JSON_WANT_OBJECT] = "an object",   [JSON_WANT_ARRAY] = "an array",
		[JSON_WANT_STRING] = "a string",    [JSON_WANT_INTEGER] = "a whole number",
		[JSON_WANT_BOOL] = "a truth value",
	};
	size_t items = json_is_array(at->value) ? json_array_size(at->value) : json_object_size(at->value);

	if (!is_wanted(at->value, want))
		return json_err(at, err, EBADMSG, "expected %s, not %s", wanted[want], type_name(at->value));
	if (items > JSON_ITEMS_MAX)
		return json_err(at, err, E2BIG, "%zu items are over the limit of %d", items, JSON_ITEMS_MAX);
	return 0;
}

int json_get(const struct json_at *at, const char *key, enum json_want want, struct json_at *ret, struct err *err)
{
	struct json_at found = { json_object_get(at->value, key), at, key, 0 };
	int r;

	if (!json_is_object(at->value))
		return json_check(at, JSON_WANT_OBJECT, err);
	if (!found.value || json_is_null(found.value)) {
		found.value = NULL;
		*ret = found;
		return 0;
	}
	r = json_check(&found, want, err);
	if (r < 0)
		return r;
	*ret = found;
	return 1;
}

int json_need(const struct json_at *at, const char *key, enum json_want want, struct json_at *ret, struct err *err)
{
	int r = json_get(at, key, want, ret, err);

	if (r == 0)
		return json_err(ret, err, EBADMSG, "is missing");
	return r < 0 ? r : 0;
}

int json_element(const struct json_at *at, size_t index, enum json_want want, struct json_at *ret, struct err *err)
{
	struct json_at found = { json_array_get(at->value, index), at, NULL, index };
	int r = json_check(&found, want, err);

	if (r < 0)
		return r;
	*ret = found;
	return 0;
}

static int copy_string(const struct json_at *at, char **ret, struct err *err)
{
	const char *s = json_string_value(at->value);

	if (strlen(s) != json_string_length(at->value))
		return json_err(at, err, EBADMSG, "contains a NUL character");
	*ret = strdup(s);
	return *ret ? 0 : err_oom(err);
}

int json_get_string(const struct json_at *at, const char *key, char **ret, struct err *err)
{
	struct json_at found;
	int r = json_get(at, key, JSON_WANT_STRING, &found, err);

	return r <= 0 ? r : copy_string(&found, ret, err);
}

int json_need_string(const struct json_at *at, const char *key, char **ret, struct err *err)
{
	struct json_at found;
	int r = json_need(at, key, JSON_WANT_STRING, &found, err);

	return r < 0 ? r : copy_string(&found, ret, err);
}

int json_get_bool(const struct json_at *at, const char *key, bool *ret, struct err *err)
{
	struct json_at found;
	int r = json_get(at, key, JSON_WANT_BOOL, &found, err);

	if (r <= 0)
		return r;
	*ret = json_is_true(found.value);
	return 0;
}

int json_get_int(const struct json_at *at, const char *key, int64_t min, int64_t max, int64_t *ret, struct err *err)
{
	struct json_at found;
	int r = json_get(at, key, JSON_WANT_INTEGER, &found, err);
	int64_t value;

	if (r <= 0)
		return r;
	value = json_integer_value(found.value);
	if (value < min || value > max)
		return json_err(&found, err, EBADMSG, "%" PRId64 " is not between %" PRId64 " and %" PRId64, value, min,
				max);
	*ret = value;
	return 0;
}

int json_get_strings(const struct json_at *at, const char *key, struct strv *ret, struct err *err)
{
	struct json_at array, item;
	int r = json_get(at, key, JSON_WANT_ARRAY, &array, err);

	if (r <= 0)
		return r;
	for (size_t i = 0; i < json_array_size(array.value); i++) {
		char *s = NULL;

		r = json_element(&array, i, JSON_WANT_STRING, &item, err);
		if (r >= 0)
			r = copy_string(&item, &s, err);
		if (r < 0)
			return r;
		if (strv_take(ret, s) < 0)
			return err_oom(err);
	}
	return 1;
}

/* --- writing --- */

static int append(const char *data, size_t len, void *arg)
{
	return buf_add(arg, data, len);
}

int json_write(const json_t *j, struct buf *out, struct err *err)
{
	if (json_dump_callback(j, append, out, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_ENCODE_ANY) < 0)
		return out->error ? err_errno(err, -out->error, "write JSON") : err_oom(err);
	return 0;
}

int json_write_pretty(const json_t *j, struct buf *out, struct err *err)
{
	if (json_dump_callback(j, append, out, JSON_INDENT(4) | JSON_PRESERVE_ORDER | JSON_ENCODE_ANY) < 0)
		return out->error ? err_errno(err, -out->error, "write JSON") : err_oom(err);
	return 0;
}

int json_add(json_t *object, const char *key, json_t *value)
{
	return value && json_object_set_new(object, key, value) == 0 ? 0 : -ENOMEM;
}

/* The length of the UTF-8 sequence at P by its first byte and its tail; 0: not one. Finer faults jansson finds. */
static size_t sequence_length(const char *p)
{
	unsigned char c = (unsigned char)*p;
	size_t len = c < 0x80 ? 1 : (c & 0xe0) == 0xc0 ? 2 : (c & 0xf0) == 0xe0 ? 3 : (c & 0xf8) == 0xf0 ? 4 : 0;
	json_t *valid;

	for (size_t i = 1; i < len; i++)
		if (((unsigned char)p[i] & 0xc0) != 0x80)
			return 0;
	if (len < 2)
		return len;
	valid = json_stringn(p, len);
	json_decref(valid);
	return valid ? len : 0;
}

json_t *json_text(const char *s)
{
	autobuf struct buf fixed = BUF_INIT(3 * strlen(s) + 1);
	json_t *text = json_string(s);

	if (text)
		return text;
	while (*s) {
		size_t len = sequence_length(s);

		buf_add(&fixed, len ? s : "\xef\xbf\xbd", len ? len : 3);
		s += len ? len : 1;
	}
	return fixed.error ? NULL : json_string(buf_str(&fixed));
}

int json_add_string(json_t *object, const char *key, const char *value)
{
	return value && *value ? json_add(object, key, json_text(value)) : 0;
}

int json_add_int(json_t *object, const char *key, int64_t value)
{
	return json_add(object, key, json_integer(value));
}

int json_add_bool(json_t *object, const char *key, bool value)
{
	return json_add(object, key, json_boolean(value));
}

int json_add_strings(json_t *object, const char *key, const struct strv *values, bool even_empty)
{
	autojson json_t *array = NULL;

	if (values->len == 0 && !even_empty)
		return 0;
	array = json_array();
	for (size_t i = 0; i < values->len; i++)
		if (!array || json_array_append_new(array, json_text(values->items[i])) < 0)
			return -ENOMEM;
	return json_add(object, key, TAKE_PTR(array));
}

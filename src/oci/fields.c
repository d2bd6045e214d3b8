#include "oci/fields.h"

#include "base/cleanup.h"
#include "base/vec.h"

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ITEMS_MAX = 65536 }; /* of one array or map */

/* The shape of every DEFINE_VEC array. */
struct any_vec {
	char *items;
	size_t len, cap;
};

static void *member(const struct field *f, const void *s)
{
	return (char *)(uintptr_t)s + f->offset;
}

static bool *has_flag(const struct field *f, const void *s)
{
	return f->has_offset ? (bool *)((char *)(uintptr_t)s + f->has_offset - 1) : NULL;
}

/* --- parsing --- */

/*
 * jansson's integers end at 2^63-1, but "no limit" is written as 2^64-1. Appends TEXT with every number from 2^63 to
 * 2^64-1 that stands outside strings as the negative number of the same bits, which FIELD_U64 turns back.
 */
static void fold_large_numbers(const char *text, struct buf *dst)
{
	bool in_string = false;

	while (*text) {
		unsigned long long n;
		char *end;

		if (in_string && text[0] == '\\' && text[1]) {
			buf_add(dst, text, 2);
			text += 2;
			continue;
		}
		if (*text == '"')
			in_string = !in_string;
		if (in_string || *text < '1' || *text > '9') {
			buf_add_char(dst, *text++);
			continue;
		}
		errno = 0;
		n = strtoull(text, &end, 10);
		if (n > INT64_MAX && errno == 0)
			buf_addf(dst, "%lld", (long long)n);
		else
			buf_add(dst, text, (size_t)(end - text));
		text = end;
	}
}

int json_parse_text(const char *text, size_t len, json_t **ret, struct err *err)
{
	json_error_t why;
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);

	if (!root && json_error_code(&why) == json_error_numeric_overflow) {
		autofree char *copy = strndup(text, len);
		autobuf struct buf folded = BUF_INIT(2 * len + 1);

		if (!copy)
			return err_oom(err);
		fold_large_numbers(copy, &folded);
		if (folded.error)
			return err_oom(err);
		root = json_loadb(buf_str(&folded), folded.len, JSON_REJECT_DUPLICATES, &why);
	}
	if (!root)
		return err_set(err, EBADMSG, "line %d, column %d: %s", why.line, why.column, why.text);
	*ret = root;
	return 0;
}

static int wrong_type(const char *wanted, struct err *err)
{
	return err_set(err, EBADMSG, "is not %s", wanted);
}

static int parse_string(json_t *v, char **ret, struct err *err)
{
	if (!json_is_string(v))
		return wrong_type("a string", err);
	if (strlen(json_string_value(v)) != json_string_length(v))
		return err_set(err, EBADMSG, "has a NUL character");
	free(*ret);
	*ret = strdup(json_string_value(v));
	return *ret ? 0 : err_oom(err);
}

static int parse_strv(json_t *v, struct strv *ret, struct err *err)
{
	size_t i;
	json_t *item;

	if (!json_is_array(v))
		return wrong_type("a list of strings", err);
	if (json_array_size(v) > ITEMS_MAX)
		return err_set(err, E2BIG, "has more than %d items", ITEMS_MAX);
	json_array_foreach(v, i, item)
	{
		char *s = NULL;
		int r = parse_string(item, &s, err);

		if (r < 0)
			return err_wrap(err, "[%zu]", i);
		if (strv_take(ret, s) < 0)
			return err_oom(err);
	}
	return 0;
}

static int parse_map(json_t *v, struct strv *ret, struct err *err)
{
	const char *key;
	json_t *item;

	if (!json_is_object(v))
		return wrong_type("an object of strings", err);
	if (json_object_size(v) > ITEMS_MAX)
		return err_set(err, E2BIG, "has more than %d items", ITEMS_MAX);
	json_object_foreach(v, key, item)
	{
		char *s = NULL;
		int r = parse_string(item, &s, err);

		if (r < 0)
			return err_wrap(err, "'%s'", key);
		if (strv_add(ret, key) < 0 || strv_take(ret, s) < 0)
			return err_oom(err);
	}
	return 0;
}

static int parse_integer(json_t *v, int64_t min, int64_t max, int64_t *ret, struct err *err)
{
	json_int_t n = json_integer_value(v);

	if (!json_is_integer(v))
		return wrong_type("a whole number", err);
	if (n < min || n > max)
		return err_set(err, EBADMSG, "%" JSON_INTEGER_FORMAT " is not within %" PRId64 " and %" PRId64, n, min,
			       max);
	*ret = n;
	return 0;
}

/* See fold_large_numbers. */
static int parse_u64(json_t *v, uint64_t *ret, struct err *err)
{
	int64_t n;
	int r = parse_integer(v, INT64_MIN, INT64_MAX, &n, err);

	if (r >= 0)
		*ret = (uint64_t)n;
	return r;
}

static int parse_u32s(json_t *v, struct any_vec *ret, struct err *err)
{
	uint32_t *items;
	size_t i;
	json_t *item;

	if (!json_is_array(v))
		return wrong_type("a list of numbers", err);
	if (json_array_size(v) == 0)
		return 0;
	items = calloc(json_array_size(v), sizeof(*items));
	if (!items)
		return err_oom(err);
	free(ret->items);
	ret->items = (char *)items;
	ret->len = ret->cap = json_array_size(v);
	json_array_foreach(v, i, item)
	{
		int64_t n;
		int r = parse_integer(item, 0, UINT32_MAX, &n, err);

		if (r < 0)
			return err_wrap(err, "[%zu]", i);
		items[i] = (uint32_t)n;
	}
	return 0;
}

static int parse_array(const struct field_type *type, json_t *v, struct any_vec *ret, struct err *err)
{
	size_t i;
	json_t *item;

	if (!json_is_array(v))
		return wrong_type("a list", err);
	if (json_array_size(v) == 0)
		return 0;
	if (json_array_size(v) > ITEMS_MAX)
		return err_set(err, E2BIG, "has more than %d items", ITEMS_MAX);
	ret->items = calloc(json_array_size(v), type->size);
	if (!ret->items)
		return err_oom(err);
	ret->len = ret->cap = json_array_size(v);
	json_array_foreach(v, i, item)
	{
		int r = fields_parse(type, item, ret->items + i * type->size, err);

		if (r < 0)
			return err_wrap(err, "[%zu]", i);
	}
	return 0;
}

static int parse_keyed(const struct field_type *type, json_t *v, struct any_vec *ret, struct err *err)
{
	const char *key;
	json_t *item;

	if (!json_is_object(v))
		return wrong_type("an object of objects", err);
	if (json_object_size(v) == 0)
		return 0;
	if (json_object_size(v) > ITEMS_MAX)
		return err_set(err, E2BIG, "has more than %d items", ITEMS_MAX);
	ret->items = calloc(json_object_size(v), type->size);
	if (!ret->items)
		return err_oom(err);
	ret->cap = json_object_size(v);
	json_object_foreach(v, key, item)
	{
		char *at = ret->items + ret->len * type->size;
		int r;

		*(char **)(void *)at = strdup(key);
		if (!*(char **)(void *)at)
			return err_oom(err);
		ret->len++;
		r = fields_parse(type, item, at, err);
		if (r < 0)
			return err_wrap(err, "'%s'", key);
	}
	return 0;
}

static int parse_raw(json_t *v, char **ret, struct err *err)
{
	char *text = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
	char *copy = text ? strdup(text) : NULL;

	free(text);
	if (!copy)
		return err_oom(err);
	free(*ret);
	*ret = copy;
	return 0;
}

static int parse_bool(json_t *v, bool *ret, struct err *err)
{
	if (!json_is_boolean(v))
		return wrong_type("true or false", err);
	*ret = json_is_true(v);
	return 0;
}

static int parse_u32(json_t *v, uint32_t *ret, struct err *err)
{
	int64_t n;
	int r = parse_integer(v, 0, UINT32_MAX, &n, err);

	if (r >= 0)
		*ret = (uint32_t)n;
	return r;
}

static int parse_i32(json_t *v, int32_t *ret, struct err *err)
{
	int64_t n;
	int r = parse_integer(v, INT32_MIN, INT32_MAX, &n, err);

	if (r >= 0)
		*ret = (int32_t)n;
	return r;
}

static int parse_field(const struct field *f, json_t *v, void *m, struct err *err)
{
	switch (f->kind) {
	case FIELD_STRING:
		return parse_string(v, m, err);
	case FIELD_BOOL:
		return parse_bool(v, m, err);
	case FIELD_U32:
		return parse_u32(v, m, err);
	case FIELD_I32:
		return parse_i32(v, m, err);
	case FIELD_I64:
		return parse_integer(v, INT64_MIN, INT64_MAX, m, err);
	case FIELD_U64:
		return parse_u64(v, m, err);
	case FIELD_STRV:
		return parse_strv(v, m, err);
	case FIELD_MAP:
		return parse_map(v, m, err);
	case FIELD_OBJECT:
		return fields_parse(f->type, v, m, err);
	case FIELD_ARRAY:
		return parse_array(f->type, v, m, err);
	case FIELD_U32S:
		return parse_u32s(v, m, err);
	case FIELD_RAW:
		return parse_raw(v, m, err);
	case FIELD_KEYED:
		return parse_keyed(f->type, v, m, err);
	}
	return -EINVAL;
}

int fields_parse(const struct field_type *type, json_t *obj, void *dst, struct err *err)
{
	if (!json_is_object(obj))
		return wrong_type("an object", err);
	for (const struct field *f = type->fields; f->name; f++) {
		json_t *v = json_object_get(obj, f->name);
		bool *has = has_flag(f, dst);
		int r;

		/* null is how Go's encoders write what is not there. */
		if ((!v || json_is_null(v)) && f->flags & FIELD_REQUIRED)
			return err_set(err, EBADMSG, "%s: is not there", f->name);
		if (!v || json_is_null(v) || f->flags & FIELD_WRITE_ONLY)
			continue;
		r = parse_field(f, v, member(f, dst), err);
		if (r < 0)
			return err_wrap(err, "%s", f->name);
		if (has)
			*has = true;
	}
	return 0;
}

/* --- writing --- */

void json_write_string(struct buf *buf, const char *s)
{
	const char *plain = s;

	buf_add_char(buf, '"');
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f)
			continue;
		buf_add(buf, plain, (size_t)(s - plain));
		plain = s + 1;
		if (c == '"' || c == '\\')
			buf_addf(buf, "\\%c", c);
		else
			buf_addf(buf, "\\u%04x", c);
	}
	buf_add(buf, plain, (size_t)(s - plain));
	buf_add_char(buf, '"');
}

static void write_strv(const struct strv *v, struct buf *buf)
{
	buf_add_char(buf, '[');
	for (size_t i = 0; i < v->len; i++) {
		if (i > 0)
			buf_add_char(buf, ',');
		json_write_string(buf, v->items[i]);
	}
	buf_add_char(buf, ']');
}

static void write_map(const struct strv *v, struct buf *buf)
{
	buf_add_char(buf, '{');
	for (size_t i = 0; i + 1 < v->len; i += 2) {
		if (i > 0)
			buf_add_char(buf, ',');
		json_write_string(buf, v->items[i]);
		buf_add_char(buf, ':');
		json_write_string(buf, v->items[i + 1]);
	}
	buf_add_char(buf, '}');
}

static void write_array(const struct field *f, const struct any_vec *v, struct buf *buf)
{
	buf_add_char(buf, '[');
	for (size_t i = 0; i < v->len; i++) {
		if (i > 0)
			buf_add_char(buf, ',');
		if (f->kind == FIELD_U32S)
			buf_addf(buf, "%" PRIu32, ((const uint32_t *)(const void *)v->items)[i]);
		else
			fields_write(f->type, v->items + i * f->type->size, buf);
	}
	buf_add_char(buf, ']');
}

static void write_keyed(const struct field *f, const struct any_vec *v, struct buf *buf)
{
	buf_add_char(buf, '{');
	for (size_t i = 0; i < v->len; i++) {
		const char *item = v->items + i * f->type->size;

		if (i > 0)
			buf_add_char(buf, ',');
		json_write_string(buf, *(char *const *)(const void *)item);
		buf_add_char(buf, ':');
		fields_write(f->type, item, buf);
	}
	buf_add_char(buf, '}');
}

static void write_field(const struct field *f, const void *m, struct buf *buf)
{
	switch (f->kind) {
	case FIELD_STRING:
		json_write_string(buf, *(char *const *)m ? *(char *const *)m : "");
		break;
	case FIELD_BOOL:
		buf_add_str(buf, *(const bool *)m ? "true" : "false");
		break;
	case FIELD_U32:
		buf_addf(buf, "%" PRIu32, *(const uint32_t *)m);
		break;
	case FIELD_I32:
		buf_addf(buf, "%" PRId32, *(const int32_t *)m);
		break;
	case FIELD_I64:
		buf_addf(buf, "%" PRId64, *(const int64_t *)m);
		break;
	case FIELD_U64:
		buf_addf(buf, "%" PRIu64, *(const uint64_t *)m);
		break;
	case FIELD_STRV:
		write_strv(m, buf);
		break;
	case FIELD_MAP:
		write_map(m, buf);
		break;
	case FIELD_OBJECT:
		fields_write(f->type, m, buf);
		break;
	case FIELD_ARRAY:
	case FIELD_U32S:
		write_array(f, m, buf);
		break;
	case FIELD_RAW:
		buf_add_str(buf, *(char *const *)m);
		break;
	case FIELD_KEYED:
		write_keyed(f, m, buf);
		break;
	}
}

static bool is_there(const struct field *f, const void *s);

static bool object_is_there(const struct field_type *type, const void *s)
{
	for (const struct field *f = type->fields; f->name; f++)
		if (is_there(f, s))
			return true;
	return false;
}

/* True if the field is to be written. */
static bool is_there(const struct field *f, const void *s)
{
	const void *m = member(f, s);
	const bool *has = has_flag(f, s);

	if (has)
		return *has;
	if (f->flags & FIELD_ALWAYS)
		return true;
	switch (f->kind) {
	case FIELD_STRING:
	case FIELD_RAW:
		return *(char *const *)m != NULL;
	case FIELD_BOOL:
		return *(const bool *)m;
	case FIELD_U32:
	case FIELD_I32:
		return *(const uint32_t *)m != 0;
	case FIELD_I64:
	case FIELD_U64:
		return *(const uint64_t *)m != 0;
	case FIELD_STRV:
	case FIELD_MAP:
		return ((const struct strv *)m)->len > 0;
	case FIELD_ARRAY:
	case FIELD_KEYED:
	case FIELD_U32S:
		return ((const struct any_vec *)m)->len > 0;
	case FIELD_OBJECT:
		return object_is_there(f->type, m);
	}
	return false;
}

void fields_write(const struct field_type *type, const void *src, struct buf *buf)
{
	bool first = true;

	buf_add_char(buf, '{');
	for (const struct field *f = type->fields; f->name; f++) {
		if (!is_there(f, src))
			continue;
		if (!first)
			buf_add_char(buf, ',');
		first = false;
		json_write_string(buf, f->name);
		buf_add_char(buf, ':');
		write_field(f, member(f, src), buf);
	}
	buf_add_char(buf, '}');
}

/* --- release --- */

static void release_field(const struct field *f, void *m)
{
	struct any_vec *v = m;

	switch (f->kind) {
	case FIELD_STRING:
	case FIELD_RAW:
		free(*(char **)m);
		break;
	case FIELD_STRV:
	case FIELD_MAP:
		strv_done(m);
		break;
	case FIELD_OBJECT:
		fields_done(f->type, m);
		break;
	case FIELD_KEYED:
		for (size_t i = 0; i < v->len; i++)
			free(*(char **)(void *)(v->items + i * f->type->size));
		__attribute__((fallthrough));
	case FIELD_ARRAY:
		for (size_t i = 0; i < v->len; i++)
			fields_done(f->type, v->items + i * f->type->size);
		free(v->items);
		break;
	case FIELD_U32S:
		free(v->items);
		break;
	case FIELD_BOOL:
	case FIELD_U32:
	case FIELD_I32:
	case FIELD_I64:
	case FIELD_U64:
		break;
	}
}

void fields_done(const struct field_type *type, void *dst)
{
	for (const struct field *f = type->fields; f->name; f++)
		if (!(f->flags & FIELD_WRITE_ONLY))
			release_field(f, member(f, dst));
	memset(dst, 0, type->size);
}

/*
 * JSON from outside, read with types, limits and the place of each mistake.
 *
 * A `struct json_at` is a value together with the path that led to it, so that an error reads
 * "manifest: layers[2].digest: expected a string, not a number". The path costs nothing until an error
 * is written: each step is a struct on the caller's stack that points at the one before.
 *
 *     json_t *root = NULL;
 *     r = json_parse(data, len, "manifest", &root, err);
 *     struct json_at top = json_top(root, "manifest");
 *     struct json_at layers;
 *     r = json_get(&top, "layers", JSON_WANT_ARRAY, &layers, err);
 *
 * A missing member and a null one are the same thing throughout. Reading gives -EBADMSG for what has
 * the wrong type and -E2BIG for what is over a limit.
 */
#pragma once

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/vec.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	JSON_SIZE_MAX = 4 << 20, /* bytes of one document: the limit that registries hold manifests to */
	JSON_DEPTH_MAX = 64,
	JSON_ITEMS_MAX = 65536, /* of one array or object */
};

static inline void cleanup_json(json_t **j)
{
	json_decref(*j);
}
/* For an owned `json_t *`. */
#define autojson CLEANUP(cleanup_json)

/*
 * Reads one document of at most JSON_SIZE_MAX bytes and JSON_DEPTH_MAX levels; duplicate names in an
 * object are refused, since two readers may take different ones. WHAT names it in errors. The caller
 * owns the result.
 */
int json_parse(const char *data, size_t len, const char *what, json_t **ret, struct err *err);

struct json_at {
	json_t *value;		  /* borrowed; NULL: not there */
	const struct json_at *up; /* NULL: the document */
	const char *key;	  /* of a member, or the document's name; NULL for an element */
	size_t index;		  /* of an element */
};

static inline struct json_at json_top(json_t *root, const char *what)
{
	return (struct json_at){ root, NULL, what, 0 };
}

enum json_want { JSON_WANT_OBJECT, JSON_WANT_ARRAY, JSON_WANT_STRING, JSON_WANT_INTEGER, JSON_WANT_BOOL };

/* The member KEY of AT (which must be an object) as RET, of the wanted type. 1: there; 0: missing or null (RET->value is NULL). */
int json_get(const struct json_at *at, const char *key, enum json_want want, struct json_at *ret, struct err *err);
/* As above, and a missing one is an error. */
int json_need(const struct json_at *at, const char *key, enum json_want want, struct json_at *ret, struct err *err);
/* Element INDEX of the array AT. */
int json_element(const struct json_at *at, size_t index, enum json_want want, struct json_at *ret, struct err *err);
/* Checks AT's own type. */
int json_check(const struct json_at *at, enum json_want want, struct err *err);

/* A copy of the string; *RET stays NULL where it is missing. Strings with a NUL inside are refused. */
int json_get_string(const struct json_at *at, const char *key, char **ret, struct err *err);
int json_need_string(const struct json_at *at, const char *key, char **ret, struct err *err);
/* *RET is left alone where it is missing. */
int json_get_bool(const struct json_at *at, const char *key, bool *ret, struct err *err);
int json_get_int(const struct json_at *at, const char *key, int64_t min, int64_t max, int64_t *ret, struct err *err);
/* An array of strings, appended to RET. 1: there (perhaps empty); 0: missing. */
int json_get_strings(const struct json_at *at, const char *key, struct strv *ret, struct err *err);

/* Fills in ERR: "<path>: <message>"; returns -CODE. */
int json_err(const struct json_at *at, struct err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* --- writing --- */

/* The canonical bytes of J: compact, names in the order in which they were added. */
int json_write(const json_t *j, struct buf *out, struct err *err);
/* For people: four blanks a level, as `docker inspect` prints. */
int json_write_pretty(const json_t *j, struct buf *out, struct err *err);

/* A JSON string; bytes that are not UTF-8 become U+FFFD, as JSON can't say them. NULL without memory. */
json_t *json_text(const char *s);
/* Adds KEY = VALUE (NULL or empty: nothing is added). 0 or -ENOMEM. */
int json_add_string(json_t *object, const char *key, const char *value);
int json_add_int(json_t *object, const char *key, int64_t value);
int json_add_bool(json_t *object, const char *key, bool value);
/* An array; an empty one is added only if EVEN_EMPTY. */
int json_add_strings(json_t *object, const char *key, const struct strv *values, bool even_empty);
/* Takes over VALUE, also on failure. */
int json_add(json_t *object, const char *key, json_t *value);

/*
 * JSON objects <-> C structs, by tables: one table per struct names its fields, and both directions come
 * from it, so that what is written is what is read.
 *
 * An array field is a struct {items, len, cap} as DEFINE_VEC makes; a list of strings a struct strv; a map
 * of strings a struct strv of name, value, name, value.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum field_kind {
	FIELD_STRING, /* char *, owned; NULL: not there */
	FIELD_BOOL,   /* bool */
	FIELD_U32,    /* uint32_t */
	FIELD_I32,    /* int32_t */
	FIELD_I64,    /* int64_t */
	FIELD_U64,    /* uint64_t, whole range */
	FIELD_STRV,   /* struct strv */
	FIELD_MAP,    /* struct strv of pairs */
	FIELD_OBJECT, /* an embedded struct, described by `type` */
	FIELD_ARRAY,  /* of structs that are described by `type` */
	FIELD_U32S,   /* array of uint32_t */
	FIELD_RAW,    /* char *, owned: the JSON text of any value */
	FIELD_KEYED, /* an object of objects: an array of structs, described by `type`, whose first member is the key (char *, owned) */
};

enum field_flags {
	FIELD_ALWAYS = 1,     /* written also when it is zero or empty */
	FIELD_WRITE_ONLY = 2, /* borrowed: neither parsed nor released */
	FIELD_REQUIRED = 4,   /* the parser misses it */
};

struct field_type;

struct field {
	const char *name;
	enum field_kind kind;
	size_t offset;
	const struct field_type *type; /* OBJECT, ARRAY and KEYED */
	int flags;
	size_t has_offset; /* of a bool that says whether it is there, plus one; 0: zero means not there */
};

struct field_type {
	size_t size;
	const struct field *fields; /* ends with name NULL */
};

#define FIELD(n, k, type_, member)                                                                                     \
	{                                                                                                              \
		.name = n, .kind = k, .offset = offsetof(type_, member)                                                \
	}
#define FIELD_SUB(n, k, type_, member, sub)                                                                            \
	{                                                                                                              \
		.name = n, .kind = k, .offset = offsetof(type_, member), .type = sub                                   \
	}

/*
 * Fills in *DST (zeroed before) from OBJ. -EBADMSG or -ENOMEM with the field's path in the message; DST is
 * then to be released with fields_done like a whole one.
 */
int fields_parse(const struct field_type *type, json_t *obj, void *dst, struct err *err);
/* Appends the object; errors stick in BUF. */
void fields_write(const struct field_type *type, const void *src, struct buf *buf);
/* Releases all that *DST owns and zeroes it. */
void fields_done(const struct field_type *type, void *dst);

/* Appends S as a JSON string. */
void json_write_string(struct buf *buf, const char *s);

/* json_loadb; duplicate keys are refused, numbers up to 2^64-1 are let through for FIELD_U64. -EBADMSG with line and column. */
int json_parse_text(const char *text, size_t len, json_t **ret, struct err *err);

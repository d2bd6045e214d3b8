/*
 * The part of TOML (toml.io, 1.0) that configuration files of container tools use: tables, arrays of tables, and keys
 * with strings, numbers, booleans and arrays of these. Inline tables, dotted keys before "=", dates and multi-line strings are refused by
 * their line. An event for each thing, in the order of the file; nothing is kept.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum { TOML_NAME_MAX = 256, TOML_STRING_MAX = 4096, TOML_ARRAY_MAX = 4096 };

enum toml_kind { TOML_TABLE, TOML_ARRAY_TABLE, TOML_STRING, TOML_BOOL, TOML_NUMBER };

struct toml_event {
	enum toml_kind kind;
	unsigned line;
	const char *table; /* "registry.mirror"; "": before the first */
	const char *key;   /* not of tables */
	bool in_array;	   /* an element of the array KEY */
	size_t index;
	const char *text; /* TOML_STRING: the string; TOML_NUMBER: as it stands */
	bool value;	  /* TOML_BOOL */
};

/* Strings are borrowed for the call. A negative result of ON_EVENT ends the reading with its error. -EBADMSG: "NAME:LINE: …". */
int toml_read(const char *text, const char *name,
	      int (*on_event)(const struct toml_event *e, void *arg, struct err *err), void *arg, struct err *err);

/* The kinds of things that `inspect` knows. A kind is a row in cmd_inspect.c; names are looked for in that order. */
#pragma once

#include "engine/open.h"

#include <jansson.h>

struct inspect_kind {
	const char *type; /* of --type */
	/* RET is an object that the caller owns. -ENOENT: there is none of that name, the next kind is asked. */
	int (*inspect)(struct engine *e, const char *name, json_t **ret, struct err *err);
};

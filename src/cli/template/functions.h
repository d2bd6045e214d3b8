/* Functions of templates, and how values print. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>

enum { TEMPLATE_ARGS_MAX = 16 };

/* Calls NAME; *RET is an owned reference, or NULL for no value. -EINVAL: no such function, or wrong arguments. */
int template_call(const char *name, json_t **args, size_t len, json_t **ret, struct err *err);
/* As Go's text/template prints V; TOP: not inside a list. */
void template_print(const json_t *v, bool top, struct buf *out);
/* Whether V is true, not zero, not empty. */
bool template_truth(const json_t *v);

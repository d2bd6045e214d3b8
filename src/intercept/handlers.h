/*
 * The handlers of the calls in calls.h, in files by family (do_*.c). Each gets a request and returns a negative
 * errno, 0 (request.value is the result), or one of the ANSWER_ values.
 */
#pragma once

#include "intercept/request.h"

#include <asm/unistd.h>

#include "intercept/calls.h"

#define DECLARE_HANDLER(name, level, cond, handler) int handler(struct request *r);
INTERCEPT_CALLS(DECLARE_HANDLER)
#undef DECLARE_HANDLER

typedef int (*handler_fn)(struct request *r);

/* The handler of system call NR, or NULL. */
handler_fn handler_of(int nr);

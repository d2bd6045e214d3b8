/*
 * The seccomp filter that hands the calls of calls.h to the supervisor.
 *
 * Calls are decided by a balanced tree over their numbers. Of foreign call conventions (32-bit programs,
 * x32) the same families give ENOSYS, so that they can't go round the emulation; io_uring_setup too.
 */
#pragma once

#include "base/err.h"

#include <linux/filter.h>
#include <stddef.h>

/* What is emulated; each level includes those before. docs/id-emulation.md has the lists and the costs. */
enum intercept_level {
	INTERCEPT_WRITE = 1,  /* ids, owners and devices can be set, and ids read */
	INTERCEPT_READ = 2,   /* files show their owners: the default */
	INTERCEPT_ACCESS = 3, /* users are refused what they should be refused */
	INTERCEPT_LEVEL_DEFAULT = INTERCEPT_READ,
};

/* For installing: SECCOMP_FILTER_FLAG_NEW_LISTENER and _WAIT_KILLABLE_RECV (kernel 5.19; without it, signals run finished calls again). */
enum { INTERCEPT_FILTER_FLAGS = (1 << 3) | (1 << 5) };

/* Builds it for our architecture. The caller owns *RET (free). -ENOMEM; -ENOSYS on an architecture that we don't know. */
int intercept_filter_build(enum intercept_level level, struct sock_filter **ret, size_t *ret_len, struct err *err);

/* Seccomp profiles: from the OCI model to a filter. */
#pragma once

#include "base/err.h"
#include "oci/spec.h"

#include <stddef.h>

struct sock_filter;

/* The flags that a profile may have; ended by a NULL. */
struct profile_flag {
	const char *name;
	unsigned flag; /* of seccomp(2) */
};
extern const struct profile_flag profile_flags[];

/*
 * Compiles PROFILE for the native architecture and those that it lists; other architectures' calls kill the
 * process. The caller owns *RET (free). -EINVAL for a word that the model does not have, -EOPNOTSUPP for
 * SCMP_ACT_NOTIFY, -E2BIG.
 */
int profile_compile(const struct oci_seccomp *profile, struct sock_filter **ret, size_t *ret_len, struct err *err);

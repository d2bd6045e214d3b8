/*
 * Seccomp profiles as people give them: our default one, and docker's JSON files.
 *
 * The default is a list of what is allowed (seccomp_default.def); everything else gives EPERM, or ENOSYS
 * where a program then falls back to an older call. For the default capabilities it is compiled when cloche is
 * built.
 */
#pragma once

#include "base/err.h"
#include "oci/spec.h"
#include "sys/caps.h"

/* The default profile for the default capabilities. */
void seccomp_default_ready(struct oci_seccomp_ready *ret);

/* The default profile as capabilities CAPS open it. RET is empty before; the caller releases it. */
int seccomp_default_profile(cap_set caps, struct oci_seccomp *ret, struct err *err);

/*
 * A profile in docker's form (archMap, and includes and excludes by capability, architecture and kernel
 * version in its rules), at most 1 MiB, reduced to what applies here. OCI's own form is read too.
 */
int seccomp_docker_read(int dir_fd, const char *path, cap_set caps, struct oci_seccomp *ret, struct err *err);
int seccomp_docker_parse(const char *text, size_t len, cap_set caps, struct oci_seccomp *ret, struct err *err);

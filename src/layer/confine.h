/* How the helper gives up all that its job doesn't need, before it reads the first byte from outside. */
#pragma once

#include "base/err.h"
#include "sys/landlock.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * No new privileges, Landlock with TREES only, limits, and a seccomp filter that allows the system calls
 * that the jobs use and answers all others with EPERM: no program can be started, no socket made, no other
 * process touched, nothing mounted. For good, and for all threads that are started afterwards.
 *
 * ROOT_FD (-1: none) becomes the root folder, where we have the right to that (as root, or as root of a user
 * namespace): Landlock doesn't know chmod, chown, utimes and attributes, so no path may lead to what is
 * outside. The working folder is changed to it. Descriptors of folders outside would undo this.
 *
 * MANY_FILES: as many as may be are open at a time.
 *
 * Returns Landlock's version, 0 where the kernel has none.
 */
int confine(int root_fd, const struct landlock_tree *trees, size_t len, bool many_files, struct err *err);

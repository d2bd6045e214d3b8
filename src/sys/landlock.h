/*
 * Landlock: a process gives up all access to files but to the trees that it names (landlock(7)). What is
 * already open stays usable. Kernels without it, or with an older version, hold less; the caller learns
 * which version did.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct landlock_tree {
	int fd;	       /* a folder; O_PATH will do */
	bool writable; /* else: to read files and folders only */
	bool is_file;  /* FD is one file, to be read */
};

/* The version of the kernel's Landlock, 0 if there is none that is of use. */
int landlock_version(void);

/*
 * Confines the calling thread (and those that it starts later) to TREES for good; also, where the kernel
 * knows how: no TCP, no signals to and no abstract sockets of processes outside. Needs no_new_privs, which
 * it sets. Returns the version of the kernel's Landlock, 0 if there is none that is of use (not an error).
 */
int landlock_confine(const struct landlock_tree *trees, size_t len, struct err *err);
/* The same for one whose work is the network: files, signals and abstract sockets only. */
int landlock_confine_files(const struct landlock_tree *trees, size_t len, struct err *err);

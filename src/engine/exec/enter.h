/*
 * `cloche enter`: nsenter(1) with a choice of namespaces. What isn't chosen stays ours, the mount namespace above all: then the host's
 * own programs look at the container's network, or its processes.
 */
#pragma once

#include "base/err.h"
#include "base/vec.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

/* The words of the command line, borrowed. */
struct enter_options {
	struct strv namespaces; /* each "net,mnt,…"; none: all */
	const char *workdir;
};

/* "net,mnt" as CLONE_NEW* flags, added to *FLAGS; the names of /proc/PID/ns, of namespaces(7), or "all". -EINVAL. */
int enter_parse_namespaces(const char *text, uint64_t *flags, struct err *err);

/*
 * Runs ARGS (none: a shell) there, to the end. It keeps our control groups and limits, and has all capabilities that the
 * user namespace gives; an ordinary user always joins that, since it gives the right to join the others. ON_NOTICE is told of what
 * is dangerous. Returns the exit code, or a negative errno with *RET_EXIT 125, 126, 127.
 */
int engine_enter(const struct store_options *where, const struct enter_options *options, const char *name,
		 const struct strv *args, void (*on_notice)(const char *text), int *ret_exit, struct err *err);

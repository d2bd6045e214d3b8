/*
 * `cloche debug`: a shell with tools beside a container that has none.
 *
 * It is a container of its own, of an image with tools, that shares the other one's processes, network and so on, and has its files at
 * /container. Without an image the host's static busybox serves as one. It goes when its shell ends, or with the other.
 */
#pragma once

#include "base/err.h"
#include "base/vec.h"
#include "engine/run/run.h"

#define DEBUG_TOOLS_IMAGE "cloche-debug-tools:busybox"
#define DEBUG_FILES "/container"

struct debug_options {
	const char *image; /* NULL: the host's busybox */
};

/* Runs ARGS (none: sh). The exit code, or a negative errno with *RET_EXIT as run_container. */
int engine_debug(const struct store_options *where, const struct debug_options *options, const char *name,
		 const struct strv *args, const struct run_callbacks *callbacks, int *ret_exit, struct err *err);

/*
 * `cloche run` in the foreground: the one place where store, runtime and interceptor meet.
 *
 * Theory of operation. The image is looked up and its layers made sure of; the container's folder and live
 * state are made; the spec is written as config.json; the runtime starts exactly that; signals and terminal
 * are passed on until the end; then the end is written down, or with --rm the folder goes. The container dies
 * with us: there is nothing to be orphaned. Nothing on the way is synced.
 */
#pragma once

#include "base/err.h"
#include "base/vec.h"
#include "engine/run/options.h"
#include "runtime/runtime.h"
#include "store/containers.h"
#include "store/store.h"

struct run_callbacks {
	void (*on_step)(const struct runtime_step *step, void *arg); /* NULL: nothing is traced */
	void (*on_notice)(const char *text, void *arg);		     /* something to tell; NULL: silence */
	void *arg;
};

/*
 * Runs the image to the end. Returns the exit code of the program, or a negative errno with *RET_EXIT 125, 126 or
 * 127 as docker means them. STORE's `single` is set by us.
 */
int run_container(const struct store_options *store, const struct run_options *options, const char *image,
		  const struct strv *args, const struct run_callbacks *callbacks, int *ret_exit, struct err *err);

/* Makes a container and leaves it unstarted. */
int create_container(const struct store_options *store, const struct run_options *options, const char *image,
		     const struct strv *args, const struct run_callbacks *callbacks,
		     char ret_id[static CONTAINER_ID_MAX], struct err *err);

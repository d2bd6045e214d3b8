/*
 * `cloche run`, `create`, `start` and `attach`: the one place where store, runtime, interceptor and monitor meet.
 *
 * Theory of operation. The image is looked up and its layers made sure of; the container's folder and live
 * state are made; the spec is written as config.json; the runtime starts exactly that; then somebody stays with it until its
 * end: this command, if nothing is to be left (it passes signals and terminal on, and the container dies with it), or a monitor,
 * which keeps the log and to which any number of commands attach. Then the end is written down, or with --rm the folder goes.
 * Nothing on the way is synced.
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
 * Runs the image, in the foreground to the end, or with options->detach until it has begun. Returns the exit code of the program
 * (0 where it was left running), or a negative errno with *RET_EXIT 125, 126 or 127 as docker means them. STORE's `single` is
 * set by us. RET_ID is the container's, or "" if none was made.
 */
int run_container(const struct store_options *store, const struct run_options *options, const char *image,
		  const struct strv *args, const struct run_callbacks *callbacks, char ret_id[static CONTAINER_ID_MAX],
		  int *ret_exit, struct err *err);

struct start_options {
	bool attach, interactive; /* stay with it, and pass our input on */
	const char *sig_proxy, *detach_keys;
	bool all; /* the command's own: instead of names, those that pass FILTERS */
	struct strv filters;
};
/*
 * Starts the container that CONTAINER names from disk. One that runs is left as it is, or attached to. With `attach` returns its exit
 * code, else 0.
 */
int start_container(const struct store_options *store, const char *container, const struct start_options *options,
		    const struct run_callbacks *callbacks, int *ret_exit, struct err *err);
/* Attaches to one that runs: the same without a start. -ESRCH: it doesn't. */
struct attach_request {
	bool no_stdin;
	const char *sig_proxy, *detach_keys;
};
int attach_container(const struct store_options *store, const char *container, const struct attach_request *request,
		     int *ret_exit, struct err *err);

/* Makes a container and leaves it unstarted. */
int create_container(const struct store_options *store, const struct run_options *options, const char *image,
		     const struct strv *args, const struct run_callbacks *callbacks,
		     char ret_id[static CONTAINER_ID_MAX], struct err *err);

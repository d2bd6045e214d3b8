/*
 * `cloche exec`: a further program in a container that runs.
 *
 * All that is needed is on disk and in /proc: config.json says what the container's processes are like, its live file who
 * pid 1 is, and that one is joined. The program is our child while we wait for it, but is not tied to us: as with docker,
 * it goes on when we are killed. Without a terminal it has our own descriptors; with one, its terminal hangs up with us.
 */
#pragma once

#include "base/err.h"
#include "base/vec.h"
#include "runtime/runtime.h"
#include "store/store.h"

#include <stdbool.h>

/* The words of the command line, borrowed. */
struct exec_options {
	bool interactive, tty, detach, privileged, explain;
	const char *user, *workdir, *detach_keys;
	struct strv env, env_files;
};

struct exec_callbacks {
	void (*on_step)(const struct runtime_step *step, void *arg); /* NULL: nothing is traced */
	void *arg;
};

/*
 * Runs ARGS in the container NAME to the end, or with --detach until it has been executed. Returns the program's exit code, or
 * a negative errno with *RET_EXIT 125, 126 or 127 as docker means them.
 */
int engine_exec(const struct store_options *where, const struct exec_options *options, const char *name,
		const struct strv *args, const struct exec_callbacks *callbacks, int *ret_exit, struct err *err);

/*
 * Makes SPEC's process, which is pid 1's, the one that OPTIONS and ARGS ask for; ROOT_FD is the container's root, whose
 * /etc/passwd and /etc/group give names their numbers. *RET_EXIT 126 where docker has that.
 */
int exec_make_process(struct oci_spec *spec, int root_fd, const struct exec_options *options, const struct strv *args,
		      int *ret_exit, struct err *err);

/* Asking a container to end. */
#pragma once

#include "base/err.h"
#include "engine/container/container.h"
#include "store/store.h"

#include <signal.h>

enum { STOP_TIMEOUT_OWN = -2 }; /* what the container was made with */

/*
 * Sends its stop signal (or SIGNAL, unless 0) to pid 1, and SIGKILL after TIMEOUT seconds (-1: never); waits until it has ended
 * and its monitor has written that down. No policy starts it again. Fine if it doesn't live.
 */
int container_stop(struct store *s, const char *id, int signal, int64_t timeout, struct err *err);

/*
 * The same in two, for several at once: the first asks, from when on the time counts; the second waits for the end. Done with it, or
 * not, container_stopping_done is called.
 */
struct container_stopping {
	struct container_record record;
	bool lived; /* there is something to end */
	int signal;
	int64_t timeout; /* seconds; -1: for ever */
	/* The life that has been sent the signal (0: none), and when it is killed (0: never). */
	pid_t pid;
	struct timespec started;
	uint64_t deadline_us;
};
#define CONTAINER_STOPPING_INIT ((struct container_stopping){ .signal = SIGKILL, .timeout = -1 })
int container_stop_begin(struct store *s, const char *id, int signal, int64_t timeout, struct container_stopping *ret,
			 struct err *err);
int container_stop_finish(struct store *s, const char *id, struct container_stopping *st, struct err *err);
void container_stopping_done(struct container_stopping *st);

/* Kills it as container_kill (container.h) does, which is to follow, but waits for nothing. What goes wrong is told by that. */
void container_kill_begin(struct store *s, const char *id);

/*
 * Sends SIGNAL to pid 1, and returns at once, but for SIGKILL, after which it waits for the end. After that or its stop signal no
 * policy starts it again. -ESRCH: it doesn't run.
 */
int container_signal(struct store *s, const char *id, int signal, struct err *err);

/*
 * Waits until it doesn't live any more; *RET_EXIT is its exit code. -ENODATA: it was removed at its end, and nobody could say the
 * code.
 */
int container_wait(struct store *s, const char *id, int *ret_exit, struct err *err);

/* Asking a container to end. */
#pragma once

#include "base/err.h"
#include "store/store.h"

enum { STOP_TIMEOUT_OWN = -2 }; /* what the container was made with */

/*
 * Sends its stop signal (or SIGNAL, unless 0) to pid 1, and SIGKILL after TIMEOUT seconds (-1: never); waits until it has ended
 * and its monitor has written that down. No policy starts it again. Fine if it doesn't live.
 */
int container_stop(struct store *s, const char *id, int signal, int64_t timeout, struct err *err);

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

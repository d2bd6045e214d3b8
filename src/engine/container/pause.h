/*
 * Stopping all processes of a container for a while.
 *
 * By the freezer of a control group, which no process can notice or escape; a container without a group gets one for it where
 * that is possible. Else by SIGSTOP to each process, until a look at all of them finds none that runs: they can't escape
 * that either, but their parents may notice, and `unpause` also wakes what the program itself had stopped.
 */
#pragma once

#include "base/err.h"
#include "store/store.h"

#include <stdbool.h>
#include <sys/types.h>

enum pause_way { PAUSE_BY_FREEZER, PAUSE_BY_SIGNALS };

/* -ESRCH: it isn't running; -EALREADY: it is paused. RET_WAY and RET_WHY (512 bytes: why not by the freezer) may be NULL. */
int container_pause(struct store *s, const char *id, enum pause_way *ret_way, char *ret_why, struct err *err);
/* -EALREADY: it is not paused. */
int container_unpause(struct store *s, const char *id, struct err *err);

bool container_is_paused(struct store *s, const char *id);

/*
 * For as long as we do something: whatever ends us, the container goes on then. One that doesn't run, or is paused already, is
 * left as it is: 0, else 1.
 */
struct container_pausing {
	int pipe;
	pid_t waker; /* a process that waits for our end */
};
#define CONTAINER_PAUSING_INIT ((struct container_pausing){ -1, 0 })
int container_pause_begin(struct store *s, const char *id, struct container_pausing *ret, struct err *err);
void container_pause_end(struct container_pausing *p);

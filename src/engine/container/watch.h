/* Waiting for a container to change, without asking again and again. */
#pragma once

#include "base/cleanup.h"
#include "base/err.h"
#include "store/store.h"

/* Where no inotify instance is to be had (an ordinary user may have 128), one looks again after so long. */
enum { WATCH_STEP_MS = 50 };

struct container_watch {
	int fd; /* inotify, for poll: readable after a change; -1: it does not live, or look every WATCH_STEP_MS */
};
#define CONTAINER_WATCH_INIT ((struct container_watch){ -1 })

/* Watches the live file of container ID. To be called before its status is read, so that no change is missed. */
int container_watch_open(struct store *s, const char *id, struct container_watch *ret, struct err *err);
/*
 * Waits for a change, at most TIMEOUT_MS (-1: for ever), and forgets it. The end of a process that was killed is told a
 * moment before its lock is free: after any change the status is looked at again shortly, which is what 1 says
 * (look again); 0: the time is over.
 */
int container_watch_wait(struct container_watch *w, int timeout_ms);
void container_watch_done(struct container_watch *w);
#define autowatch CLEANUP(container_watch_done)

/* *RET: inotify of the folder DIR_FD for the events in MASK, nonblocking; -1: look every WATCH_STEP_MS. */
int watch_folder(int dir_fd, uint32_t mask, int *ret, struct err *err);

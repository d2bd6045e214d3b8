/* Waiting for a container to change, without asking again and again. */
#pragma once

#include "base/cleanup.h"
#include "base/err.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

struct container_watch {
	int fd;	      /* inotify, for poll: readable after a change; -1: it does not live, or there is none */
	int again_ms; /* after a change: when to look once more; 0: at the next one */
};
#define CONTAINER_WATCH_INIT ((struct container_watch){ -1, 0 })

/*
 * Watches the live file of container ID that is there now. To be called before its status is read, so that no change is missed; also
 * again, after each change, with the same RET.
 */
int container_watch_open(struct store *s, const char *id, struct container_watch *ret, struct err *err);
/*
 * Waits for a change, at most TIMEOUT_MS (-1: for ever), and forgets it. The end of a process that was killed is told a
 * moment before its lock is free, so it also returns some times after a change, without one: the status tells.
 */
void container_watch_wait(struct container_watch *w, int timeout_ms);
/* The same for who polls by himself: how long at most, and what to call after that. */
int container_watch_timeout(const struct container_watch *w, int left_ms);
void container_watch_heard(struct container_watch *w, bool has_changed);
void container_watch_done(struct container_watch *w);
#define autowatch CLEANUP(container_watch_done)

/* *RET: inotify of the folder DIR_FD for the events in MASK, nonblocking; -1: there is none. */
int watch_folder(int dir_fd, uint32_t mask, int *ret, struct err *err);
/* How long to poll such a descriptor where LEFT_MS are left (-1: for ever): without one, one has to look again soon. */
int watch_timeout(int fd, int left_ms);

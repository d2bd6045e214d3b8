/* A container's end. */
#pragma once

#include "lifecycle/life.h"

/*
 * Deletes ID, which must have ended or never have been started; FORCE: whatever it is, and one that isn't there is fine. Errors
 * of the poststop hooks are told by ON_WARNING (may be NULL), as all that does not change the result.
 */
int life_delete(int root_fd, const char *id, bool force, void (*on_warning)(const struct err *err), struct err *err);
/* Ends L, which is locked, whatever it is, and removes it: group, hooks, folder. Never fails: what could not be undone stays found. */
void life_remove(struct life *l);
/* Goes on where somebody was killed who removed ID. */
void life_finish_removal(int root_fd, const char *id);

/* SIG to its pid 1, or to ALL of its processes. -ESRCH: "container not running". */
int life_kill(int root_fd, const char *id, int sig, bool all, struct err *err);

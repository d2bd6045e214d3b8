/*
 * A container's state on disk, and the truth about it.
 *
 *     containers/<id>/roots          keeps image and layers from the collector  (store/containers.h)
 *                     config.json    the OCI bundle's
 *                     state.json     what it was made as (record.h)
 *                     created        empty: it was made and not started yet
 *                     exit.json      how its last life ended; written to a new name, removed when the next one begins
 *                     stopped        empty: somebody asked it to end, so no policy starts it again
 *                     policy         when it is to be started again, where `update --restart` changed that (monitor/restart.h)
 *                     upper/ work/      or rootfs/, where the kernel refuses an overlay
 *     <runroot>/containers/<id>      live state, locked by the living process (live.h)
 *     <runroot>/files/<id>/          hosts, hostname, resolv.conf …
 *
 * A container has any number of lives, one after the other: each start begins one. What is in its folder but exit.json,
 * `created` and work/ stays from one to the next.
 *
 * Invariants:
 *  1. A container lives as long as its live file is locked: by the command that runs it, or by its monitor, which restarts it
 *     under the same lock. The lock goes with the process, however it ends, and the container goes with the process
 *     (PDEATHSIG). So nobody needs to be asked, and kill -9 leaves nothing that says otherwise.
 *  2. The live file is locked before containers/<id> appears, and whoever starts the container again locks it before
 *     anything else. So a folder without a locked live file belongs to nobody: it has `created` and was never started, or
 *     exit.json and has ended, or neither, and then its process was killed: while it was made (no state.json), or in its life.
 *  3. Whoever removes a container, or begins a life of it, holds its lock.
 *  4. state.json is the last thing that `create` writes, and `created` the first that a start removes.
 */
#pragma once

#include "base/err.h"
#include "base/vec.h"
#include "engine/container/live.h"
#include "engine/container/record.h"
#include "store/containers.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

/* docker's rule: letters, digits, and behind the first also _ . -; at least two. */
bool container_is_name(const char *name);
enum { CONTAINER_NAME_MAX = 128 };

enum container_phase {
	CONTAINER_CREATED,  /* made, never started */
	CONTAINER_STARTING, /* a command holds it: to start it, or for another reason; no program has begun */
	CONTAINER_RUNNING,
	CONTAINER_RESTARTING, /* alive: its monitor waits to start it again */
	CONTAINER_EXITED,
	CONTAINER_LOST, /* ended with the process that ran it: killed, or the machine was switched off */
};
/* Does somebody hold its lock? */
static inline bool container_is_alive(enum container_phase phase)
{
	return phase == CONTAINER_STARTING || phase == CONTAINER_RUNNING || phase == CONTAINER_RESTARTING;
}

struct container_status {
	enum container_phase phase;
	pid_t pid;			   /* of pid 1, RUNNING only */
	struct timespec started, finished; /* zero: not known */
	int exit_code;			   /* EXITED, RESTARTING, STARTING (of its last life); LOST: 137 */
	int64_t restarts;		   /* by its policy, since somebody started it */
	bool oom_killed;		   /* the kernel ended a process of it for want of memory */
	bool paused;			   /* RUNNING only */
};
/* What it is for people: one that is held for another reason than to be started, say, has still exited. */
enum container_phase container_shown_phase(const struct container_status *st);
/* docker's word for that, or "paused". */
const char *container_state_name(const struct container_status *st);
int container_status_read(struct store *s, const char *id, struct container_status *ret, struct err *err);
/* The same with its folder open. */
int container_status_read_at(struct store *s, const char *id, int dir_fd, struct container_status *ret,
			     struct err *err);
/* The same of one that was seen alive. *RET is what its folder says, and becomes what it is. */
void container_status_of_live(struct store *s, const struct live_seen *seen, struct container_status *ret);

/* Writes exit.json; never replaces one. ERROR: why it could not be started; "". */
int container_exit_write(int dir_fd, const struct container_status *status, const char *error, struct err *err);
/* That error of its last life; "" where there is none. */
enum { CONTAINER_ERROR_MAX = 512 };
void container_exit_error(int dir_fd, char dst[static CONTAINER_ERROR_MAX]);

/* Says on disk that it was made and never started. */
int container_mark_created(int dir_fd, struct err *err);
/*
 * Begins a life: forgets `created` and how the last one ended; and, unless it is BY_POLICY, `stopped`: who asks a container to end
 * while its monitor starts it again finds a new life, and must not be forgotten in it. The caller holds the lock.
 */
int container_begin_life(int dir_fd, bool by_policy, struct err *err);
/* From now on no policy starts it again, until somebody does. */
int container_mark_stopped(struct store *s, const char *id, struct err *err);

/*
 * The upper folder of the container DIR_FD, which has what was changed. -EOPNOTSUPP for a container without one: where
 * the kernel refused an overlay, it has a tree of its own, rootfs/.
 */
int container_open_upper(int dir_fd, struct err *err);

/* --- ends --- */

/* A pidfd of pid 1 of a running container; -ESRCH if it isn't running. */
int container_pidfd(struct store *s, const char *id, pid_t *ret_pid, struct err *err);

/* Ends a container (SIGKILL to its pid 1), for good, and waits until whoever ran it has let go of it. One that doesn't live is fine (stop.c). */
int container_kill(struct store *s, const char *id, struct err *err);

/* Moves a container that isn't running to trash/. -EBUSY if it is. */
int container_remove(struct store *s, const char *id, struct err *err);
/* The same, with the volumes that were made for it alone, without a name. */
int container_remove_all(struct store *s, const char *id, struct err *err);

/*
 * Cleans up after killed commands: containers that were to be removed at their end and whose process is
 * gone, and live files that nobody holds. Looks at LIMIT live files (0: all), and at all containers if
 * EVERYTHING. Never fails: what stays is met again.
 */
void containers_sweep(struct store *s, size_t limit, bool everything);

/*
 * The parts of it, for those who look at all containers anyhow (list.c): live files that nobody holds, where RET_HELD (may be NULL)
 * gets the others in the order of their IDs; the container ID, if nobody has it and it was to go; names that lead nowhere, if
 * there are more than KNOWN of them.
 */
void containers_sweep_live(struct store *s, size_t limit, struct lives_seen *ret_held);
void container_sweep_one(struct store *s, const char *id);
void containers_sweep_names(struct store *s, size_t known);

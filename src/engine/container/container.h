/*
 * A container's state on disk, and the truth about it.
 *
 *     containers/<id>/roots          keeps image and layers from the collector  (store/containers.h)
 *                     config.json    the OCI bundle's
 *                     state.json     what it was made as: struct container_record; written once
 *                     exit.json      how it ended; written once, to a new name
 *                     upper/ work/      or rootfs/, where the kernel refuses an overlay
 *     <runroot>/containers/<id>      live state, locked by the living process: "<pid> <start> <time>\n"
 *     <runroot>/files/<id>/          hosts, hostname, resolv.conf
 *
 * Invariants:
 *  1. A container lives as long as its live file is locked: the lock goes with the process, however it ends,
 *     and the container goes with the process (PDEATHSIG). So nobody needs to be asked, and kill -9 leaves
 *     nothing that says otherwise.
 *  2. The live file is locked before containers/<id> appears. So a folder without a locked live file belongs
 *     to nobody: it has ended, or its maker was killed while it was made.
 *  3. Whoever removes a container holds its lock.
 */
#pragma once

#include "base/err.h"
#include "base/vec.h"
#include "store/containers.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

/* What a container was made as. Strings are owned; NULL: not known. */
struct container_record {
	char *id, *name;
	char *image;	/* as it was typed */
	char *image_id; /* "sha256:…" */
	char *manifest; /* "sha256:…" */
	struct timespec created;
	struct strv args;
	int64_t entrypoint_len;		/* so many of ARGS are the entry point; the rest is the command */
	char *user;			/* as it was said; "": the image's default */
	struct strv labels;		/* key, value, key, value … */
	char *hostname, *network, *ids; /* "host" or "none"; id_mode_name */
	char *stop_signal;
	bool tty, remove;
};
void container_record_done(struct container_record *r);
#define autorecord CLEANUP(container_record_done)

/* Writes state.json into the container's folder; not synced. */
int container_record_write(int dir_fd, const struct container_record *r, struct err *err);
int container_record_read(struct store *s, const char *id, struct container_record *ret, struct err *err);

enum container_phase {
	CONTAINER_CREATED, /* alive, its program hasn't begun */
	CONTAINER_RUNNING,
	CONTAINER_EXITED,
	CONTAINER_LOST, /* ended with the process that ran it: killed, or the machine was switched off */
};
const char *container_phase_name(enum container_phase phase);

struct container_status {
	enum container_phase phase;
	pid_t pid;			   /* of pid 1, RUNNING only */
	struct timespec started, finished; /* zero: not known */
	int exit_code;			   /* EXITED; LOST: 137 */
	char error[512];		   /* why it could not be started; "" */
};
int container_status_read(struct store *s, const char *id, struct container_status *ret, struct err *err);

/* Writes exit.json; never replaces one. */
int container_exit_write(int dir_fd, const struct container_status *status, struct err *err);

/*
 * The upper folder of the container DIR_FD, which has what was changed. -EOPNOTSUPP for a container without one: where
 * the kernel refused an overlay, it has a tree of its own, rootfs/.
 */
int container_open_upper(int dir_fd, struct err *err);

/* --- live state --- */

struct container_live {
	int fd; /* locked; -1: none */
	struct store *store;
	char id[CONTAINER_ID_MAX];
};
#define CONTAINER_LIVE_INIT ((struct container_live){ .fd = -1 })

/* Makes and locks the live file; -EBUSY if somebody holds it. S is borrowed as long as RET. */
int container_live_take(struct store *s, const char *id, struct container_live *ret, struct err *err);
/* The program has begun as PID. */
int container_live_running(struct container_live *l, pid_t pid, const struct timespec *started, struct err *err);
/* Removes live file and name files, lets go of the lock. */
void container_live_done(struct container_live *l);
#define autolive CLEANUP(container_live_done)

/* --- ends --- */

/* A pidfd of pid 1 of a running container; -ESRCH if it isn't running. */
int container_pidfd(struct store *s, const char *id, pid_t *ret_pid, struct err *err);

/* Ends a container (SIGKILL to its pid 1) and waits until its command has let go of it. One that doesn't run is fine. */
int container_kill(struct store *s, const char *id, struct err *err);

/* Moves a container that isn't running to trash/. -EBUSY if it is. */
int container_remove(struct store *s, const char *id, struct err *err);

/*
 * Cleans up after killed commands: containers that were to be removed at their end and whose process is
 * gone, and live files that nobody holds. Looks at LIMIT live files (0: all), and at all containers if
 * EVERYTHING. Never fails: what stays is met again.
 */
void containers_sweep(struct store *s, size_t limit, bool everything);

/*
 * One container of the OCI command line: what is known of it between commands.
 *
 *     <root>/<id>/            0700; locked (flock) by whoever changes what it is
 *       config.json           the configuration as it was at `create`, byte by byte
 *       state.json            struct life_state
 *       go report             where its process waits for `start` (runtime/halt.c)
 *       cgroup                where its control group is, written before that is made
 *       paused                it is stopped by signals, having no group that could freeze it
 *     <root>/.<id>.gone/      deleted, and its poststop hooks are not through yet
 *
 * Theory of operation. What a container is, is asked of the kernel each time: whether the process with that number and
 * start time lives, whether it waits at the fifo, whether its group is frozen. So a command that is killed leaves nothing
 * that says otherwise. Only commands that read look without the lock; each change holds it, and `kill` needs none.
 */
#pragma once

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/vec.h"
#include "cgroup/group.h"
#include "oci/spec.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { LIFE_ID_MAX = 255, LIFE_STATE_MAX = 5 << 20 };

struct life_state {
	char *version, *id, *bundle, *rootfs, *created, *owner;
	uint32_t pid;	     /* 0: it has none yet */
	uint64_t start_time; /* of the process, proc_pid_stat(5) field 22: numbers are used again */
	struct strv annotations;
	bool has_poststart, has_poststop;
};

enum life_status { LIFE_CREATING, LIFE_CREATED, LIFE_RUNNING, LIFE_PAUSED, LIFE_STOPPED };

struct life {
	int root_fd; /* borrowed */
	int dir_fd;
	bool is_locked;
	struct life_state state;
};
#define LIFE_INIT ((struct life){ -1, -1, false, { 0 } })
void life_done(struct life *l);
#define autolife CLEANUP(life_done)

/*
 * The folder of all containers, made if it is missing: PATH, or (NULL) what the environment says. RET_PATH, owned by the caller,
 * may be NULL. Returns a descriptor.
 */
int life_open_root(const char *path, char **ret_path, struct err *err);
/* True if we are the machine's root, not just that of a user namespace. */
bool life_is_privileged(void);

/* -EINVAL: no name for a container. */
int life_check_id(const char *id, struct err *err);
/* A new folder ID, locked. -EEXIST. */
int life_make(int root_fd, const char *id, struct life *ret, struct err *err);
/* -ENOENT: "container 'x' does not exist". With LOCK it waits until nobody else changes it. */
int life_open(int root_fd, const char *id, bool lock, struct life *ret, struct err *err);
/* Reads state.json of L->dir_fd, the folder of ID; one that isn't there leaves all but the ID empty. */
int life_read_state(struct life *l, const char *id, struct err *err);
/* Writes state.json. */
int life_write(const struct life *l, struct err *err);

enum life_status life_status(const struct life *l);
const char *life_status_name(enum life_status status);
/* A pidfd of its process, surely that one; -ESRCH if it has ended. */
int life_pidfd(const struct life *l, struct err *err);
/* The start time of PID; 0: there is no such process, or it has ended. */
uint64_t life_start_time(pid_t pid);

/* Appends the state as runtime.md has it, with STATUS and PID (0: none). */
int life_state_text(const struct life_state *s, const char *status, pid_t pid, struct buf *text, struct err *err);
int life_spec(const struct life *l, struct oci_spec *ret, struct err *err);

/* 1: *RET is its control group; 0: it has none. */
int life_group(const struct life *l, struct cgroup *ret, struct err *err);
/* Writes down where it is. */
int life_write_group(const struct life *l, const char *record, struct err *err);

/* Its processes: those in its group, else those that descend from its pid 1 or share its pid namespace. */
int life_pids(const struct life *l, struct cgroup_pids *ret, struct err *err);

/* All containers' names, sorted. */
int life_list(int root_fd, struct strv *ret, struct err *err);

/*
 * Live state: a file in <runroot>/containers that is locked as long as its container lives, and a folder of small files
 * beside it. What is said in container.h about the truth rests on this lock.
 *
 *     <runroot>/containers/<id>   a struct live_line, locked (OFD lock: it passes through fork and exec)
 *     <runroot>/files/<id>/       hosts, hostname, resolv.conf; ids.sock where ids are emulated; with a monitor attach.sock and health.json;
 *                                 with limits cgroup, while it is paused also paused (group.h); with a private
 *                                 network "network"
 */
#pragma once

#include "base/cleanup.h"
#include "base/err.h"
#include "codec/live_line.h"
#include "store/containers.h"
#include "store/store.h"

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

struct container_live {
	int fd; /* locked; -1: none */
	struct store *store;
	char id[CONTAINER_ID_MAX];
};
#define CONTAINER_LIVE_INIT ((struct container_live){ .fd = -1 })

/* Makes and locks the live file; -EBUSY if somebody holds it. S is borrowed as long as RET. */
int container_live_take(struct store *s, const char *id, struct container_live *ret, struct err *err);
/* The same with FD, locked, inherited from another program; then owned by RET. -EBADF: it is no such thing. */
int container_live_adopt(struct store *s, const char *id, int fd, struct container_live *ret, struct err *err);
/* Writes what LINE says: the program has begun, or ended and will be started again. */
int container_live_write(struct container_live *l, const struct live_line *line, struct err *err);
/* Takes back what was written: the program has ended, and what becomes of the container is for the holder to say. */
void container_live_unsay(struct container_live *l);
/* Closes our descriptor; whoever else has one keeps the lock, and the files stay. */
void container_live_leave(struct container_live *l);
/* Removes the live file of ID and the small files, if they are there and nobody's. Makes nothing. */
void container_live_sweep(struct store *s, const char *id);
/* Removes live file and the small files, lets go of the lock. */
void container_live_done(struct container_live *l);
#define autolive CLEANUP(container_live_done)

/* A live file that was found locked. */
struct live_seen {
	char id[CONTAINER_ID_MAX];
	bool begun; /* there is a line in it */
	struct live_line line;
};
DEFINE_VEC(lives_seen, struct live_seen)

/*
 * 1: the live file is locked; *RET_BEGUN says whether there is a line in it yet, which is then *RET. 0: it is not locked or not
 * there. Takes no lock, so never stands in anyone's way.
 */
int container_live_read(struct store *s, const char *id, struct live_line *ret, bool *ret_begun, struct err *err);

/* Waits until whoever holds the live file that is there now has let go of it. */
int container_live_wait(struct store *s, const char *id, struct err *err);

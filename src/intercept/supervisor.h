/*
 * Starting the supervisor of a container's intercepted calls: libexec/cloche/intercept, one process per
 * container, only where one id is mapped (ID_MODE_SINGLE).
 *
 * It takes the listener of the filter that intercept_filter_build made, joins the user and the mount
 * namespace of the container's pid 1, keeps the caller's /proc as its working folder, confines itself
 * and answers until the container has ended. Lives are tied together by the caller: while the container
 * runs, it watches the supervisor's pidfd too, and when that becomes readable first, it kills the container
 * (every intercepted call would give ENOSYS from then on). The supervisor ends by itself when pid 1 has ended,
 * so the caller reaps it (process_wait) after the container. It holds no descriptor but its own.
 */
#pragma once

#include "base/err.h"
#include "intercept/filter.h"
#include "sys/spawn.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct intercept_options {
	enum intercept_level level; /* what the filter was built with */
	bool keep;		    /* files of the machine's that are ours are KEEP_UID's and KEEP_GID's: keep.h */
	uint32_t keep_uid, keep_gid;
};
#define INTERCEPT_OPTIONS_INIT ((struct intercept_options){ .level = INTERCEPT_READ })

struct intercept_helper {
	struct process process;
	int control;
	int door; /* -1: nobody may join the container later */
};
#define INTERCEPT_HELPER_INIT ((struct intercept_helper){ PROCESS_INIT, -1, -1 })

/* Starts it ahead of the container, and does not wait for it: it gets ready meanwhile. -ENOENT: helper not installed. */
int intercept_spawn(const struct intercept_options *options, struct intercept_helper *ret, struct err *err);

/*
 * Gives it the container whose pid 1 is INIT, which must have its final root by now. LISTENER is borrowed; the
 * supervisor gets a duplicate, and the caller closes its own. Returns when the supervisor answers calls, or with
 * the reason why it cannot: -EPERM …. Calls that come earlier wait for it.
 */
int intercept_attach(struct intercept_helper *helper, int listener, pid_t init, struct err *err);

/*
 * Before intercept_attach: makes the socket DIR/ids.sock, through which guests are announced (intercept_admit). DIR is a folder that only
 * we may enter; whoever made it removes the socket.
 */
int intercept_open_door(struct intercept_helper *helper, const char *dir, struct err *err);

/* A process that has joined the container from outside, with a filter of its own, and who it is to be in there. */
struct intercept_guest {
	pid_t pid; /* as we see it */
	uint32_t uid, gid, umask;
	const uint32_t *groups;
	size_t groups_len;
	uint64_t bounding, effective, permitted, inheritable, ambient; /* capabilities */
};

/*
 * Announces GUEST to the supervisor whose door is in DIR, which answers its calls from then on. LISTENER, of the guest's
 * filter, is borrowed. -ENOENT: there is no door.
 */
int intercept_admit(const char *dir, const struct intercept_guest *guest, int listener, struct err *err);

/* Ends it if it still runs, and reaps it. */
void intercept_helper_done(struct intercept_helper *helper);

/* Both at once, for a container that is there already. */
int intercept_start(const struct intercept_options *options, int listener, pid_t init, struct process *ret,
		    struct err *err);

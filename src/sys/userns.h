/*
 * New user namespaces: making them, mapping their ids, and saying well why one may not be made.
 *
 * Who writes the maps depends on the mode: a single id is mapped by the new process itself, which saves
 * a round trip; root writes them from outside; a range is written by newuidmap and newgidmap, which run
 * side by side.
 */
#pragma once

#include "base/err.h"
#include "sys/idmap.h"
#include "sys/spawn.h"

#include <stdbool.h>

/* True if a process in the new namespace can write MAP by itself: one id, the caller's own. */
bool userns_maps_own(const struct idmap *map);
/*
 * From inside the new namespace: writes the maps of this process. Async-signal-safe. Returns 0 or a
 * negative errno.
 */
int userns_write_own(const struct idmap *map);
/* From outside: writes the maps of PID. Runs newuidmap and newgidmap where the mode needs them. */
int userns_write_maps(pid_t pid, const struct idmap *map, struct err *err);

/*
 * Fills in ERR for a clone or unshare of a user namespace that failed with CODE: finds out what forbids
 * it (AppArmor's restriction, user.max_user_namespaces, kernel.unprivileged_userns_clone, a container's
 * seccomp filter) and names the remedy. Returns -CODE.
 */
int userns_refused(int code, struct err *err);

enum userns_flags {
	USERNS_MOUNT = 1, /* a mount namespace too, all private */
};

/*
 * As spawn_start, in a new user namespace with MAP, as its root with all capabilities there. For work on
 * trees whose owners are shifted, or that hold overlay whiteouts. FLAGS of enum userns_flags.
 */
int userns_start(const struct spawn *s, const struct idmap *map, int flags, struct process *ret, struct err *err);

/*
 * Runs FN(ARG) in a child in such a namespace and waits for it. FN has a copy of this process's memory
 * and of its descriptors; what it returns (0, or a negative errno with ERR filled in) is returned here,
 * ERR with it; other changes to memory are lost. MAP NULL: no new user namespace, just a child.
 */
int userns_run(const struct idmap *map, int flags, int (*fn)(void *arg, struct err *err), void *arg, struct err *err);

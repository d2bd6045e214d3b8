/*
 * The control group of one container: where it is, how it is made, and what is done to all of its processes at once.
 *
 * Theory of operation. A container whose configuration asks for limits gets one folder in each tree that has a controller
 * that is needed, and one in the tree of version 2 if there is any place for it, since that can kill and freeze. Where:
 *
 *   - what linux.cgroupsPath says: "/a/b" from the top of the trees, "a/b" below our own group, "x.slice:prefix:name" a
 *     scope that systemd makes;
 *   - version 1: below our own group, which has to be ours to write to;
 *   - version 2 without controllers: below our own group, if that is ours to write to;
 *   - version 2 with controllers: below the nearest group at or above our own that is delegated to us and gives
 *     controllers to its children; else systemd is asked for a scope, over the system's bus by root and the user's by
 *     others. In the scope a further group has the limits, since systemd keeps the settings of the scope itself.
 *
 * Moving a process costs the kernel 0.2 ms a tree (it waits for all processors), so a container without limits has none;
 * cgroup_gather makes one later, for those who pause it or limit it while it runs.
 *
 * A group is written down (cgroup_record) before anything is made, so that what a killed command leaves is found.
 */
#pragma once

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/vec.h"
#include "cgroup/settings.h"
#include "cgroup/trees.h"
#include "oci/resources.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { CGROUP_RECORD_MAX = 65536 };

struct cgroup_dir {
	int version;
	char *controllers; /* of the tree, version 1; those that are needed here, by blanks, version 2 */
	char *path;	   /* absolute */
	char *top; /* PATH's part that is there anyway: folders below are made, and removed; NULL in what was read back */
};
DEFINE_VEC(cgroup_dirs, struct cgroup_dir)

struct cgroup {
	struct cgroup_dirs dirs; /* at most one of version 2 */
	char *scope, *slice;	 /* of systemd; NULL: none. The folder in it is added when it is made */
	char *scope_controllers; /* what is needed of it */
	bool scope_made;
};
void cgroup_done(struct cgroup *g);
#define autocgroup CLEANUP(cgroup_done)

DEFINE_VEC(cgroup_pids, pid_t)

struct cgroup_request {
	const struct oci_resources *resources;
	const char *path;  /* linux.cgroupsPath or NULL */
	const char *name;  /* of the group where PATH says nothing: "cloche-<id>" */
	bool device_rules; /* those of RESOURCES are to be obeyed */
	/* For processes that run already: who is to stand for "our own" group, and the group that they have. 0, NULL: none. */
	pid_t beside;
	const struct cgroup *present;
};

/*
 * Decides where, and what is written (RET_SETTINGS). Makes nothing, but may give controllers to the children of a
 * group that is delegated to us. Without anything asked RET has the folder of version 2, or of the freezer of
 * version 1, if there may be one. Errors name the controller that can't be used and what would help.
 */
int cgroup_choose(const struct cgroup_request *q, struct cgroup *ret, struct cgroup_settings *ret_settings,
		  struct err *err);

/* Lines of text, and back: "2 memory,pids /sys/fs/cgroup/…\n" and "scope NAME\n". 0; -ENOMEM; -EBADMSG. */
int cgroup_record(const struct cgroup *g, struct buf *text);
int cgroup_parse_record(const char *text, struct cgroup *ret);

/*
 * Makes it with SETTINGS and DEVICE_RULES (NULL: none) and moves the processes PIDS into it. ON_CHANGE is
 * called when a scope's folder is known and G has become longer. After a failure the caller removes what was made
 * (cgroup_remove), once the processes have ended.
 */
struct cgroup_enter {
	const struct cgroup_settings *settings;
	const struct oci_resources *device_rules;
	const pid_t *pids;
	size_t pids_len;
	/*
	 * Our own process goes into a scope too, beside the container: systemd removes a scope with all groups below as soon as it is
	 * empty, and with it what the kernel has counted there (kills for want of memory).
	 */
	bool stay;
	int (*on_change)(const struct cgroup *g, void *arg, struct err *err); /* may be NULL */
	void *arg;
};
int cgroup_enter(struct cgroup *g, const struct cgroup_enter *e, struct err *err);
/* Moves further processes into it. Those that have ended meanwhile don't count. */
int cgroup_move(const struct cgroup *g, const pid_t *pids, size_t len, struct err *err);
/* Writes SETTINGS into a group that is there; -ENOENT if it has no folder for one of them. */
int cgroup_write(const struct cgroup *g, const struct cgroup_settings *settings, struct err *err);

/* The folder of version 2, or NULL. */
const struct cgroup_dir *cgroup_unified(const struct cgroup *g);
/* That with CONTROLLER, or NULL. */
const struct cgroup_dir *cgroup_with(const struct cgroup *g, const char *controller);

/* All processes in it and in groups below. */
int cgroup_list(const struct cgroup *g, struct cgroup_pids *ret, struct err *err);
/* Stops all of them, or lets them go on. Waits until they stand still. -EOPNOTSUPP: the group has no freezer. */
int cgroup_freeze(const struct cgroup *g, bool frozen, struct err *err);
/* 1: they stand still; 0; -EOPNOTSUPP. */
int cgroup_is_frozen(const struct cgroup *g);
/* SIGKILL to all, frozen ones too. 0; -EOPNOTSUPP where the group can't. */
int cgroup_kill(const struct cgroup *g, struct err *err);
/* Removes it with groups below; what still runs in it is killed first. What isn't there is fine. -EBUSY. */
int cgroup_remove(const struct cgroup *g, struct err *err);

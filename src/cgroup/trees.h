/*
 * The control group trees of this machine, as /proc/self/mountinfo and /proc/self/cgroup tell: one of version 2, or
 * one of version 1 for each controller or few, or both beside one another ("hybrid"). cgroups(7).
 */
#pragma once

#include "base/cleanup.h"
#include "base/err.h"
#include "base/vec.h"

#include <stdbool.h>
#include <sys/types.h>

enum { CGROUP_TREES_MAX = 32, CGROUP_FILE_MAX = 16 << 20 };

struct cgroup_tree {
	int version; /* 1 or 2 */
	char *controllers; /* version 1: "cpu,cpuacct", "name=systemd"; version 2: those that the mount's top has, by blanks */
	char *mount; /* where it is mounted */
	char *root;  /* which group that is: "/", or one further down in a container */
	char *own;   /* the folder of our own group; NULL: it is outside of what is mounted */
};
DEFINE_VEC(cgroup_trees, struct cgroup_tree)
void cgroup_trees_done(struct cgroup_trees *t);
#define autotrees CLEANUP(cgroup_trees_done)

/* Reads both files, `own` being the groups of process PID (0: ours). No tree at all is no error. */
int cgroup_trees_read(pid_t pid, struct cgroup_trees *ret, struct err *err);

/* The parts of it, for tests. The first of several mounts of one tree counts. 0, -ENOMEM, or -E2BIG. */
int cgroup_trees_parse_mounts(const char *mountinfo, struct cgroup_trees *ret);
/* Fills in `own` from the text of /proc/PID/cgroup. 0 or -ENOMEM. */
int cgroup_trees_parse_own(struct cgroup_trees *t, const char *text);

/* True if LIST ("cpu,cpuacct" or "cpu io memory") has the word. */
bool cgroup_list_has(const char *list, const char *word);
/* The tree with CONTROLLER, that of version 2 first; NULL: none. */
const struct cgroup_tree *cgroup_trees_with(const struct cgroup_trees *t, const char *controller);
/* The tree of version 2, with or without controllers; NULL: none. */
const struct cgroup_tree *cgroup_trees_unified(const struct cgroup_trees *t);

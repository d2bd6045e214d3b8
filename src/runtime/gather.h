/*
 * A control group for a container that runs already, and standing still without one.
 *
 * A container without limits has no group of its own, since moving a process costs a twentieth of its start. Whoever pauses it
 * or limits it later gathers its processes into one then.
 */
#pragma once

#include "base/err.h"
#include "cgroup/group.h"

#include <stdbool.h>
#include <sys/types.h>

struct gather {
	int pidfd; /* of its pid 1, INIT */
	pid_t init;
	const struct cgroup *present; /* the group that it has; NULL: none */
	const char *name;	      /* of a new one */
	const struct oci_resources *resources;
	/* Is told where a new group is, as cgroup_record has it, before it is made and when it has changed. */
	int (*on_record)(const char *record, void *arg, struct err *err);
	void *arg;
};

/*
 * The group that it has, if that can do what RESOURCES ask for, or a new one, beside where its pid 1 is now, into which all its
 * processes are moved. RET_SETTINGS is what RESOURCES mean there; the caller writes it.
 */
int runtime_gather(const struct gather *g, struct cgroup *ret, struct cgroup_settings *ret_settings, struct err *err);

/* SIGSTOP to all its processes, until none moves, or SIGCONT. Its processes may notice. */
int runtime_stop_all(int pidfd, pid_t init, struct err *err);
int runtime_continue_all(int pidfd, pid_t init, struct err *err);

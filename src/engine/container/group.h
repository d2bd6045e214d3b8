/*
 * The control group of a living container: where it is, is written in its live state, so that other commands find it and a
 * sweep removes what a killed command left.
 *
 *     <runroot>/files/<id>/cgroup   cgroup_record's lines; there only if the container has a group
 *                        paused     "freezer" or "signals": it is paused, and by what
 */
#pragma once

#include "base/err.h"
#include "cgroup/group.h"
#include "store/containers.h"
#include "store/store.h"

#include <stdbool.h>

enum { CONTAINER_GROUP_NAME = 8 + CONTAINER_ID_MAX };

/* "cloche-<id>". */
void container_group_name(const char *id, char dst[static CONTAINER_GROUP_NAME]);

/* Writes down where it is, in place of what was written before. */
int container_group_write(struct store *s, const char *id, const char *record, struct err *err);
/* 1: *RET is it; 0: the container has none. */
int container_group_read(struct store *s, const char *id, struct cgroup *ret, struct err *err);
/* True if the kernel ended a process in it for want of memory. */
bool container_group_had_oom(struct store *s, const char *id);
/* Kills all that runs in it, if there is one. */
void container_group_kill(struct store *s, const char *id);
/* Removes it, and what still runs in it. The caller holds the container's lock. Never fails: there is nobody to tell. */
void container_group_end(struct store *s, const char *id);

/*
 * The container's group, for changing it while it runs: that which it has, or a new one with what R asks for, chosen beside where
 * its pid 1 (INIT, whose descriptor is PIDFD) is now, into which all its processes are moved. RET_SETTINGS is what R means there; the caller writes it.
 */
int container_group_gather(struct store *s, const char *id, int pidfd, pid_t init, const struct oci_resources *r,
			   struct cgroup *ret, struct cgroup_settings *ret_settings, struct err *err);

/*
 * Which namespaces a process is in, and who else is: namespaces(7), /proc/PID/ns.
 *
 * Two processes share a namespace if the links in their /proc/PID/ns have the same inode number.
 */
#pragma once

#include "base/err.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum ns_kind { NS_USER, NS_MOUNT, NS_PID, NS_NETWORK, NS_UTS, NS_IPC, NS_CGROUP, NS_TIME, NS_KINDS };

/* "user", and what such a namespace holds: "ids and capabilities". Static. */
const char *ns_name(enum ns_kind kind);
const char *ns_meaning(enum ns_kind kind);

struct ns_view {
	pid_t pid;
	uint64_t inode[NS_KINDS]; /* 0: we may not look, or the kernel has none of that kind */
};

/* Of the process PID (0: our own). -ESRCH, or -EACCES where we may see none of them. */
int ns_view_read(pid_t pid, struct ns_view *ret, struct err *err);
/* The host's: process 1's where we may look, else our own. */
int ns_view_host(struct ns_view *ret, struct err *err);

/* One namespace that some process of this machine is in. */
struct ns_group {
	enum ns_kind kind;
	uint64_t inode;
	size_t processes;
	pid_t first;	  /* the lowest pid in it */
	char command[32]; /* of that one */
};
DEFINE_VEC(ns_groups, struct ns_group)

/* All that the processes which we may look at are in, by kind, then by pid. *RET_HIDDEN: how many processes we may not look at. */
int ns_overview(struct ns_groups *ret, size_t *ret_hidden, struct err *err);

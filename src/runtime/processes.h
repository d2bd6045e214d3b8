/* The processes of a running container, as the host's procfs shows them. */
#pragma once

#include "base/err.h"
#include "base/vec.h"

#include <stdint.h>
#include <sys/types.h>

struct container_task {
	pid_t pid, parent; /* as we see them */
	pid_t inside;	   /* in the innermost pid namespace */
	char state;	   /* 'R', 'S' … */
	uint64_t cpu_ms;   /* user and system time so far */
	uint64_t memory;   /* resident bytes */
	uint64_t started;  /* clock ticks since the machine's start */
	int depth;	   /* below pid 1, in the order of the tree */
	char *command;	   /* owned; arguments with blanks between, or [name] */
};
DEFINE_VEC(container_tasks, struct container_task)
void container_tasks_done(struct container_tasks *t);

/*
 * Those that are INIT or descend from it, and those that have joined its pid namespace, each parent before its children.
 */
int container_tasks_read(pid_t init, struct container_tasks *ret, struct err *err);
/*
 * For those who act on them: PIDFD is INIT's, and -ESRCH says that it has ended, so that its number may have been somebody
 * else's while we looked.
 */
int container_tasks_read_of(int pidfd, pid_t init, struct container_tasks *ret, struct err *err);
/* A pidfd of just this process; -ESRCH if it has ended, whoever has its number now. */
int container_task_open(const struct container_task *t);

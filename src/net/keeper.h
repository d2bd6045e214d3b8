/*
 * The keeper: that half of the helper which has rights and meets nothing hostile (docs/ARCHITECTURE.md).
 *
 * It joins the container's user and network namespaces, makes the link there, and from then on does two things that the
 * stack asks it for: it opens connections to the container's own ports from inside, and reads the host's resolv.conf again
 * when that has changed. It ends when the container's first process does, and the stack with it.
 */
#pragma once

#include "base/err.h"
#include "sys/spawn.h"

/*
 * CONTROL: the command's socket. STACK: the other half, and the socket to it. Returns when the container has ended (0), or
 * with a failure, which the command has been told.
 */
int keeper_run(int control, struct process *stack, int stack_sock, struct err *err);

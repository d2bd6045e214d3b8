/*
 * What the two halves of the helper may still do, once they are set up (docs/ARCHITECTURE.md, "The network helper"). Both:
 * no new privileges, no files but those named here, an allow-list of system calls.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * The stack, in namespaces of its own, which it is alone in: an empty read-only root folder, no other processes. Only the
 * network stays the host's. To be called first in the new process; before it has threads. A namespace that can't be had
 * is no failure: the rest holds. 0 if it has that root folder, -1 if it still has the host's.
 */
int isolate_stack(void);
/*
 * For good: sockets of TCP, UDP and ICMP, and the descriptors that it has. OWN_ROOT: isolate_stack gave it one; then also
 * Unix sockets, which lead nowhere but to its own.
 */
int confine_stack(bool own_root, struct err *err);
/* For good: TCP connections in the container's network, and reading files of the host. */
int confine_keeper(struct err *err);

/* CLONE_NEW* for the stack's process. */
uint64_t isolate_stack_flags(void);

/* The name of the stack's own socket for name service by TCP, in its own root folder; nothing in there can be seen from outside. */
#define STACK_NAMES_SOCKET "/names"

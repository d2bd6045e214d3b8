/*
 * Children that use our memory until they execute a program or end, as after vfork(2).
 *
 * fork(2) copies the tables of all our pages, and then each page that either side writes to costs a fault: for a process as
 * small as ours that is several times what the rest of making a process costs, most of all in a virtual machine. Here
 * nothing is copied. The price: the child may change nothing of ours but what is meant for it, may take no lock
 * that another thread could hold, and so must not allocate memory; it calls the kernel and no more.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Makes a child with FLAGS (CLONE_NEW*, CLONE_PARENT …) that runs FN(ARG), which must not return, on a stack of its own.
 * The calling thread sleeps until the child has executed a program or has ended; that the child uses the
 * thread's own storage (errno) is no harm then. *RET_PID is set before the child begins, for other threads to see.
 * All signals are blocked in the child. Returns its pid, or -1 with errno.
 *
 * Where vfork_shares_memory is false it is a fork, and the thread does not sleep.
 */
pid_t vfork_call(uint64_t flags, void (*fn)(void *arg), void *arg, pid_t *ret_pid);

/*
 * Makes such a child, and ends the calling process with CODE at once: nothing of ours may run any more, since the memory
 * is the child's now. Whoever waits for us waits neither for FN nor for the taking apart of our memory. All other
 * threads must have ended.
 */
_Noreturn void vfork_and_leave(void (*fn)(void *arg), void *arg, int code);

/* False in builds with AddressSanitizer, whose library knows nothing of this. */
bool vfork_shares_memory(void);

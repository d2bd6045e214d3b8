/*
 * The supervisor's loop: notifications in, answers out.
 *
 * One thread at a time waits for notifications (each that waits is woken for each, so two would be one too
 * many) and handles what comes: the leader. A call may take long: a disk is slow, or the container has a file system of its
 * own behind a path. So the first thread watches, every 10 ms as long as calls come, and lets another lead when the
 * leader hasn't got on.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <sys/types.h>

/*
 * At the very start: as many descriptors as we may have, whatever whoever started us is content with. -EMFILE if these are so
 * few that a call could be answered wrong for want of one.
 */
int serve_raise_limit(struct err *err);
/* Loads what the loop needs; after it no file is opened by name but what calls ask for. */
int serve_init(int listener, struct err *err);
/*
 * Answers in the calling thread, as long as all calls are the thread CALLER's and not many: nobody then waits for another's
 * call. False once the process of PIDFD has ended, true when it is time for serve_start.
 */
bool serve_alone(int listener, int pidfd, pid_t caller);
/*
 * Starts the threads that answer, and returns: 0, or -EAGAIN where none could be started. They end when no process is left
 * that could call.
 */
int serve_start(int listener);
/*
 * A process that has joined the container from outside has a filter and so a LISTENER of its own, owned by us from here on; one thread more
 * answers it until nobody is left who could call. 0; -EAGAIN if there are too many (or too few descriptors are left), and LISTENER is closed.
 */
int serve_guest(int listener);
/* Watches over them until the process of PIDFD has ended. */
void serve_watch(int listener, int pidfd);

/*
 * The supervisor's loop: notifications in, answers out.
 *
 * Several threads, one of which waits for notifications at a time (a waiting thread is woken for each, so
 * two would be one too many). A call that may take long (it writes to disk, it reads /proc) is handled after
 * the wait has been handed to the next thread, so no call waits behind it.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <sys/types.h>

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

/*
 * The supervisor's loop: notifications in, answers out.
 *
 * Several threads, one of which waits for notifications at a time (a waiting thread is woken for each, so
 * two would be one too many). A call that may take long (it writes to disk, it reads /proc) is handled after
 * the wait has been handed to the next thread, so no call waits behind it.
 */
#pragma once

#include "base/err.h"

/* Loads what the loop needs; after it no file is opened by name but what calls ask for. */
int serve_init(int listener, struct err *err);
/* Answers until the container has ended; starts its own threads. 0. */
int serve_run(int listener);

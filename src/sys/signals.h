/*
 * Signals that are passed on to a program for which we stand: all that may be meant for it. What the kernel sends us for our own
 * doing (children, pipes, faults) stays ours, and so does job control, which stops us alone as it would a viewer.
 */
#pragma once

#include "base/err.h"

/*
 * From here on they wait, for a descriptor of signals_open. Doing it twice is fine. They stay blocked in children, whose
 * starters reset that.
 */
void signals_hold(void);
/* Holds them, and makes a signalfd (non-blocking) for them. */
int signals_open(int *ret_fd, struct err *err);
/* Closes it (-1: there is none) and lets signals do again what they did; what is pending comes now. */
void signals_release(int fd);
/* SIG does to us what it does to any program, while they are held. */
void signals_suffer(int sig);

/* "TERM", "SIGTERM", "15", "SIGRTMIN+3": its number. */
int signal_parse(const char *word, int *ret, struct err *err);
/* "SIGTERM"; DST has room for 16. */
void signal_format(int sig, char dst[static 16]);

/*
 * Between a container in the foreground and the terminal of whoever started it.
 *
 * With a terminal of its own (console >= 0), bytes are copied both ways until the container has ended and
 * its output is drained; the size follows ours. Without one the container has our own descriptors and
 * nothing is copied. In both cases signals sent to us are passed on to pid 1.
 */
#pragma once

#include "base/err.h"
#include "codec/detach_keys.h"
#include "runtime/runtime.h"

struct console_options {
	int in, out;	  /* our side; in -1: the container's input ends at once */
	bool interactive; /* pass IN on (-i); raw mode if IN is a terminal */
	/*
	 * A pidfd of a process without which the container can't go on (the supervisor of emulated ids): when it ends
	 * first, the container is killed. 0 or -1: none.
	 */
	int guard;
	bool *ret_guard_ended; /* set if that happened; may be NULL */
	bool pass_signals;     /* --sig-proxy: all that may be meant for a program */
	struct detach_keys
		*keys; /* typed on our side, they end console_run; NULL: none do. The caller's, changed by it */
};

enum { CONSOLE_DETACHED = 1 };

/*
 * Call signals_hold (sys/signals.h) before the container is started: else a signal that comes in between does to us what it
 * does to any program.
 *
 * Stays until P has ended; RET_STATUS as in wait(2). CONSOLE_DETACHED: the keys were typed; P goes on, and is the caller's.
 * Restores the terminal's mode on every way out, also
 * on the signals that end us.
 */
int console_run(struct container_process *p, const struct console_options *options, int *ret_status, struct err *err);

/*
 * Takes what P's terminal says, and throws it away, until P has ended: a program goes on whose terminal nobody looks at.
 */
void console_drain(struct container_process *p);

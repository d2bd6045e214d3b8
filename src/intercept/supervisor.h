/*
 * Starting the supervisor of a container's intercepted calls: libexec/cloche/intercept, one process per
 * container, only where one id is mapped (ID_MODE_SINGLE).
 *
 * It takes the listener of the filter that intercept_filter_build made, joins the user and the mount
 * namespace of the container's pid 1, keeps the caller's /proc as its working folder, confines itself
 * and answers until the container has ended. Lives are tied together by the caller: while the container
 * runs, it watches the supervisor's pidfd too, and when that becomes readable first, it kills the container
 * (every intercepted call would give ENOSYS from then on). The supervisor ends by itself when pid 1 has ended,
 * so the caller reaps it (process_wait) after the container. It holds no descriptor but its own.
 */
#pragma once

#include "base/err.h"
#include "intercept/filter.h"
#include "sys/spawn.h"

#include <sys/types.h>

struct intercept_options {
	enum intercept_level level; /* what the filter was built with */
};
#define INTERCEPT_OPTIONS_INIT ((struct intercept_options){ .level = INTERCEPT_READ })

/*
 * Starts it for the container whose pid 1 is INIT, which must have its final root by now. LISTENER is
 * borrowed; the supervisor gets a duplicate, and the caller closes its own. Returns when the supervisor answers
 * calls (some 0.3 ms), or with the reason why it cannot: -ENOENT (helper not installed), -EPERM ….
 */
int intercept_start(const struct intercept_options *options, int listener, pid_t init, struct process *ret,
		    struct err *err);

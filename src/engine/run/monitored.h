/* What a monitor has `cloche` do, by the hidden commands `monitor again` and `monitor ended`. */
#pragma once

#include "base/err.h"
#include "monitor/config.h"
#include "store/store.h"

#include <time.h>

/*
 * In the monitor's own process: starts the container C->id from disk, and becomes its monitor; also if that fails, as that of a
 * life that could not begin. Returns only if not even that can be done, which is the container's end.
 */
int run_monitored_again(const struct store_options *store, const struct monitor_config *c, struct err *err);

struct run_ended {
	const char *id;
	int live; /* the locked live file */
	int exit_code;
	int64_t restarts;
	struct timespec started;
	const char *error; /* why it ended, if that isn't the program's doing; NULL */
};
/* Writes down the end of a life, or with --rm removes the container. */
int run_monitored_ended(const struct store_options *store, const struct run_ended *ended, struct err *err);

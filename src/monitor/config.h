/*
 * What a monitor is told by the program that turns into it, as words of its command line ("pid=4711"), so that `ps` on the host
 * shows them too; and what it tells `cloche` in turn when it starts the container again. Descriptors are inherited.
 */
#pragma once

#include "base/err.h"
#include "base/vec.h"
#include "monitor/restart.h"

#include <stdbool.h>
#include <stdint.h>

enum { MONITOR_GUARD_IDS, MONITOR_GUARD_NETWORK, MONITOR_GUARDS_MAX = 4 };

/* Strings are borrowed; -1: no such descriptor. */
struct monitor_config {
	const char *id, *root, *runroot; /* the container, and where it lives */
	const char *program;		 /* cloche itself, by its path */

	int64_t pid; /* pid 1 of the container, our child; 0: a life that could not begin, with: */
	int64_t exit_code;
	const char *error; /* why it ended, if that isn't the program's doing; NULL */
	int64_t started;   /* CLOCK_REALTIME, nanoseconds */
	int64_t pidfd;
	int64_t live;	      /* the locked live file */
	int64_t dir;	      /* containers/<id> */
	int64_t listen;	      /* the socket for clients */
	int64_t client;	      /* a connection of the command that started it */
	int64_t console;      /* the controlling side of its terminal; or: */
	int64_t in, out, err; /* our ends of its pipes */
	int64_t mounts; /* its mount namespace, where it shares its pid namespace: what it leaves there is ended */
	/*
	 * pidfds of its helpers. Without the one of its ids it can't go on, so it is killed; without a network only if it is
	 * to be started again then, which mends that.
	 */
	int64_t guards[MONITOR_GUARDS_MAX];

	int64_t policy; /* enum restart_policy */
	int64_t restart_max, restarts, delay_ms;
	bool stdin_once; /* the end of the first client's input is the end of the program's */

	int64_t stop_signal, stop_timeout; /* seconds: what SIGTERM to us means for it */

	bool no_log;
	int64_t log_size, log_files; /* bytes of one file, 0: no limit; how many files */
	const char *log_attrs;	     /* a JSON object; NULL: none */

	/* Health: all in nanoseconds; interval 0: nothing is checked. */
	int64_t health_interval, health_timeout, health_start_period, health_start_interval, health_retries;

	const char *event; /* what all events of the container have in common (codec/event_line.h) */
};
#define MONITOR_CONFIG_INIT                                                                                            \
	((struct monitor_config){ .pidfd = -1,                                                                         \
				  .live = -1,                                                                          \
				  .dir = -1,                                                                           \
				  .listen = -1,                                                                        \
				  .client = -1,                                                                        \
				  .console = -1,                                                                       \
				  .in = -1,                                                                            \
				  .out = -1,                                                                           \
				  .err = -1,                                                                           \
				  .mounts = -1,                                                                        \
				  .guards = { -1, -1, -1, -1 } })

/* Appends the words, without those that say what MONITOR_CONFIG_INIT says. 0 or -ENOMEM. */
int monitor_config_words(const struct monitor_config *c, struct strv *ret);
/* Reads them. -EINVAL for a word that isn't one. */
int monitor_config_parse(int argc, char *const *argv, struct monitor_config *ret, struct err *err);
/* Appends pointers to the descriptors' fields, those that are -1 too. At most MONITOR_FDS_MAX. */
enum { MONITOR_FDS_MAX = 16 };
size_t monitor_config_fds(struct monitor_config *c, int64_t *ret[static MONITOR_FDS_MAX]);

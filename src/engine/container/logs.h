/* Reading the log that a container's monitor keeps (monitor/log.h), and following it. Asks no process: the files are the log. */
#pragma once

#include "base/err.h"
#include "codec/log_line.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct logs_options {
	bool follow;
	int64_t tail;		      /* the last so many lines; -1: all */
	struct timespec since, until; /* zero: no limit */
	/* A line in the order of time; TEXT ends with a newline unless the program's line was cut. Negative: stop. */
	int (*on_line)(const struct log_line *line, const char *text, size_t len, void *arg);
	void *arg;
};

/*
 * -EOPNOTSUPP, with the reason: nothing is kept for this container. With `follow` it returns when the container has ended, or UNTIL is
 * over.
 */
int container_logs(struct store *s, const char *id, const struct logs_options *options, struct err *err);

/*
 * The progress of a build on stderr: one line a step with its time. On a terminal the line under way is kept up to
 * date, with the last lines of its output below it; elsewhere output is printed as it comes.
 */
#pragma once

#include "engine/build/build.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PROGRESS_TAIL = 24, PROGRESS_LINE_MAX = 1024 };

struct build_progress {
	bool live;    /* redraw lines */
	bool quiet;   /* say nothing unless something fails */
	bool working; /* a step is under way */
	char title[PROGRESS_LINE_MAX];
	uint64_t start_us;
	size_t drawn; /* lines on the terminal that will be drawn again */
	/* The last lines of the step's output, as a ring; the newest may be unfinished. */
	char tail[PROGRESS_TAIL][PROGRESS_LINE_MAX];
	size_t tail_len; /* lines ever begun */
	size_t line_len; /* bytes of the newest */
	bool line_open;
};

/* MODE: NULL or "auto", "plain", "tty". -EINVAL for another. */
int build_progress_init(struct build_progress *p, const char *mode, bool quiet, struct err *err);
/* The callbacks for it; P is borrowed. */
void build_progress_events(struct build_progress *p, struct build_events *ret);

/* What a command shows again and again in one place of a terminal: `top`, `stats`. */
#pragma once

#include "base/err.h"

#include <stddef.h>
#include <stdio.h>

/* The columns of the terminal at stdout; 80 if it doesn't say. */
size_t live_columns(void);

/* One picture: what is written to F is shown by live_end. */
struct live_frame {
	FILE *f;
	char *text;
	size_t len;
};
/* -ENOMEM, or 0 and live_end is to follow. */
int live_begin(struct live_frame *ret, struct err *err);
/*
 * Shows it from the terminal's upper left corner, over what was there: lines are cut at its width and left out below its last
 * row, so that nothing wraps or scrolls. Nothing is shown if R, which is how the writing went, is negative; returns that, or how
 * the showing went.
 */
int live_end(struct live_frame *frame, int r, struct err *err);

/* How many bytes of LINE (up to its newline or end) fill at most COLUMNS columns; each character counts as one. For tests. */
size_t live_cut(const char *line, size_t columns);

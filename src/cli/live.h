/* What a command shows again and again in one place of a terminal: `top`, `stats`. */
#pragma once

#include <stddef.h>

/* The columns of the terminal at stdout; 80 if it doesn't say. */
size_t live_columns(void);

/*
 * Shows TEXT from the terminal's upper left corner, over what was there: lines are cut at its width and left out below its last
 * row, so that nothing wraps or scrolls. Returns 0 or a negative errno of writing to stdout.
 */
int live_show(const char *text);

/* How many bytes of LINE (up to its newline or end) fill at most COLUMNS columns; each character counts as one. For tests. */
size_t live_cut(const char *line, size_t columns);

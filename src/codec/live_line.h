/*
 * The line in a container's live file: who its pid 1 is, or since when it waits for its next life.
 *
 *     <pid> <seconds> <nanoseconds> <restarts> <exit code>\n
 *
 * pid 0: between two lives; the time is then that of the end, else that of the start. It is always of one length, padded
 * with blanks, so that one write replaces it.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>
#include <time.h>

enum { LIVE_LINE_SIZE = 96 };

struct live_line {
	pid_t pid;
	struct timespec since;
	int64_t restarts; /* how often it was started again since somebody started it */
	int exit_code;	  /* of the life before; 0 in the first */
};

/* Not NUL-terminated. */
void live_line_format(const struct live_line *line, char dst[static LIVE_LINE_SIZE]);
/* 0; -EBADMSG: not such a line, as when nothing is written yet. Lines without the last two numbers are fine. */
int live_line_parse(const char *text, struct live_line *ret);

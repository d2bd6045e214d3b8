/*
 * A container's log on disk, as docker's json-file driver keeps it: lines of codec/log_line.h in log.json, in the container's
 * folder; at a size, log.json becomes log.json.1, that log.json.2, and so on.
 *
 * A disk that is full never stops the container: what can't be written is counted, and the log says how much is missing
 * as soon as it can be written again.
 */
#pragma once

#include "base/buf.h"
#include "codec/log_line.h"

#include <stdbool.h>
#include <stdint.h>

#define LOG_NAME "log.json"

enum { LOG_FILES_MAX = 100 };

struct container_log {
	int dir_fd; /* borrowed; -1: nothing is kept */
	int fd;
	int64_t size, max_size; /* max_size 0: no limit */
	int files;
	const char *attrs; /* borrowed; may be NULL */
	struct buf out;	   /* lines not yet written */
	size_t out_lines;
	uint64_t lost; /* lines that could not be written */
	int lost_code; /* and why: errno */
};

/* One of the program's two streams: the beginning of a line whose end has not come yet. */
struct log_stream {
	bool is_stderr;
	size_t len;
	char text[LOG_TEXT_MAX];
};

/* Opens LOG_NAME in DIR_FD, or makes it. Failures count as a full disk. */
void log_open(struct container_log *log, int dir_fd, int64_t max_size, int64_t files, const char *attrs);
/* Takes what the program has written; whole lines are on disk when it returns. */
void log_take(struct container_log *log, struct log_stream *stream, const char *data, size_t len);
/* The stream has ended: what is left of its last line, without an end of line. */
void log_end(struct container_log *log, struct log_stream *stream);
void log_close(struct container_log *log);

/* "log.json", "log.json.1" …; DST has room for 24. */
void log_name(int number, char dst[static 24]);

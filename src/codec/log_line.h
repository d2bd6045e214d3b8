/*
 * A line of a container's log, in the form of docker's json-file driver, so that what reads docker's logs reads ours:
 *
 *     {"log":"text\n","stream":"stdout","attrs":{"key":"value"},"time":"2026-11-24T06:13:24.123456789Z"}\n
 *
 * "log" ends with \n where the program's line did; a line longer than LOG_TEXT_MAX is split, and its first parts don't. What is not
 * UTF-8 becomes U+FFFD, as with docker. "attrs" is left out where there are none.
 */
#pragma once

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

enum {
	LOG_TEXT_MAX = 16384,  /* bytes of a program's line that are kept together */
	LOG_ATTRS_MAX = 16384, /* bytes of "attrs" */
	LOG_LINE_MAX =
		6 * LOG_TEXT_MAX + LOG_ATTRS_MAX + 256, /* of a line on disk: each byte may be written as \u00xx */
};

struct log_line {
	bool is_stderr;
	struct timespec time;
	const char *attrs; /* the JSON object, borrowed; NULL: none. Not NUL-terminated */
	size_t attrs_len;
};

/* Appends the line for TEXT. ATTRS is a JSON object or NULL. 0 or the buffer's error. */
int log_line_format(struct buf *out, const char *text, size_t len, const struct log_line *line);

/*
 * Reads a line (LEN without its newline). The text is appended to TEXT; RET->attrs points into LINE. -EBADMSG for what is no
 * such line, as after a full disk; then TEXT is as it was.
 */
int log_line_parse(const char *line, size_t len, struct buf *text, struct log_line *ret);

/* Appends S as a JSON string with its quotes: as docker writes it, with <, > and & escaped too. */
int json_text_format(struct buf *out, const char *s, size_t len);

#include "monitor/log.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* So many bytes of lines are gathered before they are written, if more come at once. */
enum { LOG_BATCH = 32768 };

static void reopen(struct container_log *log, int flags)
{
	struct stat st;

	if (log->fd >= 0)
		close(log->fd);
	log->fd = openat(log->dir_fd, LOG_NAME, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
	log->size = log->fd >= 0 && fstat(log->fd, &st) == 0 ? st.st_size : 0;
}

void log_open(struct container_log *log, int dir_fd, int64_t max_size, int64_t files, const char *attrs)
{
	*log = (struct container_log){ .dir_fd = dir_fd,
				       .fd = -1,
				       .max_size = max_size,
				       .files = files < 1		? 1
						: files > LOG_FILES_MAX ? LOG_FILES_MAX
									: (int)files,
				       .attrs = attrs,
				       .out = BUF_INIT(LOG_BATCH + LOG_LINE_MAX) };
	if (dir_fd >= 0)
		reopen(log, 0);
}

/* The oldest goes. A name that can't be moved is overwritten: the log stays bounded. */
static void rotate(struct container_log *log)
{
	char from[24], to[24];

	for (int i = log->files - 1; i > 0; i--) {
		log_name(i - 1, from);
		log_name(i, to);
		renameat(log->dir_fd, from, log->dir_fd, to);
	}
	reopen(log, O_TRUNC);
}

/* All or nothing, so that no line is cut: 0 or a negative errno. */
static int write_whole(struct container_log *log, const char *data, size_t len)
{
	ssize_t n;

	if (log->fd < 0)
		reopen(log, 0);
	if (log->fd < 0)
		return -errno;
	do
		n = write(log->fd, data, len);
	while (n < 0 && errno == EINTR);
	if (n == (ssize_t)len) {
		log->size += n;
		return 0;
	}
	if (n >= 0) {
		(void)!ftruncate(log->fd, log->size);
		return -ENOSPC;
	}
	return -errno;
}

/* What is missing is said where it is missing. */
static int tell_lost(struct container_log *log)
{
	struct log_line line = { .is_stderr = true };
	autobuf struct buf text = BUF_INIT(512), out = BUF_INIT(1024);
	int r;

	if (log->lost == 0)
		return 0;
	clock_gettime(CLOCK_REALTIME, &line.time);
	buf_addf(&text, "cloche: %llu lines are missing here, they could not be written: %s\n",
		 (unsigned long long)log->lost, strerror(log->lost_code));
	if (log_line_format(&out, text.data, text.len, &line) < 0)
		return 0;
	r = write_whole(log, out.data, out.len);
	if (r == 0)
		log->lost = 0;
	return r;
}

/* Writes the first LEN bytes of what is gathered, LINES lines, and forgets them. */
static void write_out(struct container_log *log, size_t len, size_t lines)
{
	int r;

	if (len == 0)
		return;
	r = tell_lost(log);
	if (r == 0)
		r = write_whole(log, log->out.data, len);
	if (r < 0) {
		log->lost += lines;
		log->lost_code = -r;
	}
	buf_consume(&log->out, len);
	log->out_lines -= lines;
}

static void add_line(struct container_log *log, const struct log_stream *stream)
{
	struct log_line line = { .is_stderr = stream->is_stderr,
				 .attrs = log->attrs,
				 .attrs_len = log->attrs ? strlen(log->attrs) : 0 };
	size_t before = log->out.len;

	clock_gettime(CLOCK_REALTIME, &line.time);
	if (log_line_format(&log->out, stream->text, stream->len, &line) < 0) {
		/* No memory: this line is lost, and those before it stand. */
		log->out.len = before;
		log->out.error = 0;
		log->lost++;
		log->lost_code = ENOMEM;
		return;
	}
	log->out_lines++;
	if (log->max_size > 0 && log->size + (int64_t)log->out.len > log->max_size && log->size + (int64_t)before > 0) {
		write_out(log, before, log->out_lines - 1);
		rotate(log);
	}
	if (log->out.len >= LOG_BATCH)
		write_out(log, log->out.len, log->out_lines);
}

void log_take(struct container_log *log, struct log_stream *stream, const char *data, size_t len)
{
	if (log->dir_fd < 0)
		return;
	while (len > 0) {
		const char *end = memchr(data, '\n', len);
		size_t n = end ? (size_t)(end - data) + 1 : len, room = sizeof(stream->text) - stream->len;

		if (n > room)
			n = room;
		memcpy(stream->text + stream->len, data, n);
		stream->len += n;
		data += n;
		len -= n;
		if (stream->text[stream->len - 1] == '\n' || stream->len == sizeof(stream->text)) {
			add_line(log, stream);
			stream->len = 0;
		}
	}
	write_out(log, log->out.len, log->out_lines);
	/* An idle container keeps no memory for its log. */
	buf_done(&log->out);
	log->out = BUF_INIT(LOG_BATCH + LOG_LINE_MAX);
}

void log_end(struct container_log *log, struct log_stream *stream)
{
	if (log->dir_fd >= 0 && stream->len > 0) {
		add_line(log, stream);
		stream->len = 0;
	}
	write_out(log, log->out.len, log->out_lines);
}

void log_close(struct container_log *log)
{
	if (log->fd >= 0)
		close(log->fd);
	buf_done(&log->out);
	log->fd = -1;
}

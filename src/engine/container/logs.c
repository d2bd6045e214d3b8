#include "engine/container/logs.h"

#include "base/cleanup.h"
#include "engine/container/attach.h"
#include "engine/container/container.h"
#include "engine/container/watch.h"
#include "monitor/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_SIZE = 65536 };

struct reader {
	const struct logs_options *o;
	int dir_fd, fd;	 /* fd: the file that is read; -1: none */
	struct buf raw;	 /* read, not yet parsed: the beginning of a line at least */
	struct buf text; /* of one line */
	uint64_t skip;	 /* so many lines that pass are not shown, for --tail */
	bool counting;	 /* lines are counted in `lines` and not shown */
	uint64_t lines;
	bool over; /* a line is younger than --until */
};

static void reader_done(struct reader *r)
{
	if (r->fd >= 0)
		close(r->fd);
	buf_done(&r->raw);
	buf_done(&r->text);
}

static bool is_before(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec < b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec < b->tv_nsec);
}

static int take_line(struct reader *r, const char *raw, size_t len)
{
	const struct logs_options *o = r->o;
	struct log_line line;

	buf_reset(&r->text);
	/* What a full disk or a crash has cut is no line. */
	if (log_line_parse(raw, len, &r->text, &line) < 0)
		return 0;
	if (o->since.tv_sec && is_before(&line.time, &o->since))
		return 0;
	if (o->until.tv_sec && is_before(&o->until, &line.time)) {
		r->over = true;
		return 0;
	}
	if (r->counting) {
		r->lines++;
		return 0;
	}
	if (r->skip > 0) {
		r->skip--;
		return 0;
	}
	return o->on_line(&line, r->text.data ? r->text.data : "", r->text.len, o->arg);
}

static int take_lines(struct reader *r)
{
	size_t at = 0;
	char *end;
	int result = 0;

	while (result >= 0 && at < r->raw.len && (end = memchr(r->raw.data + at, '\n', r->raw.len - at))) {
		size_t len = (size_t)(end - (r->raw.data + at));

		result = take_line(r, r->raw.data + at, len);
		at += len + 1;
	}
	buf_consume(&r->raw, at);
	/* Longer than any line of ours: it is not one. */
	if (r->raw.len > LOG_LINE_MAX)
		buf_reset(&r->raw);
	return result;
}

/* All that is in the file now. */
static int read_on(struct reader *r, struct err *err)
{
	while (r->fd >= 0) {
		ssize_t n;
		int result;

		if (buf_reserve(&r->raw, READ_SIZE) < 0)
			return err_oom(err);
		n = read(r->fd, r->raw.data + r->raw.len, READ_SIZE);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, errno, "read the log");
		if (n == 0)
			return 0;
		r->raw.len += (size_t)n;
		result = take_lines(r);
		if (result < 0)
			return result;
	}
	return 0;
}

/* The number of the file that is open, by now; -1: it has been removed, as the oldest is. */
static int number_now(const struct reader *r)
{
	struct stat have, there;
	char name[24];

	if (r->fd < 0 || fstat(r->fd, &have) < 0)
		return -1;
	for (int i = 0; i < LOG_FILES_MAX; i++) {
		log_name(i, name);
		if (fstatat(r->dir_fd, name, &there, AT_SYMLINK_NOFOLLOW) == 0 && there.st_ino == have.st_ino)
			return i;
	}
	return -1;
}

/* While they are renamed there is a gap between the names. */
static int oldest_now(const struct reader *r)
{
	char name[24];
	int i = LOG_FILES_MAX;

	do
		log_name(--i, name);
	while (i > 0 && faccessat(r->dir_fd, name, F_OK, 0) < 0);
	return i;
}

/* With one file it is emptied in place. */
static void follow_emptying(struct reader *r)
{
	struct stat now;

	if (r->fd < 0 || fstat(r->fd, &now) < 0 || now.st_size >= lseek(r->fd, 0, SEEK_CUR))
		return;
	lseek(r->fd, 0, SEEK_SET);
	buf_reset(&r->raw);
}

static int open_number(const struct reader *r, int number)
{
	char name[24];

	log_name(number, name);
	return openat(r->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

/*
 * Goes on to the file that follows the one that is open: 1; 0: that is the newest. The monitor may rename them at any time, the
 * oldest first: so if the one that is open has the same name as before, the other had as well when it was opened.
 */
static int go_to_next(struct reader *r)
{
	for (;;) {
		int number = number_now(r);
		autoclose int next = number == 0 ? -1 : open_number(r, number > 0 ? number - 1 : oldest_now(r));

		/* None: just now there is no newest. */
		if (next < 0)
			return 0;
		if (number_now(r) != number)
			continue;
		if (r->fd >= 0)
			close(r->fd);
		buf_reset(&r->raw);
		r->fd = TAKE_FD(next);
		return 1;
	}
}

/*
 * From where it is to the end of the newest file, which stays open. Nothing is written any more to one that is not the newest: it
 * is read to its end after that has been seen.
 */
static int read_to_newest(struct reader *r, struct err *err)
{
	int result;

	follow_emptying(r);
	result = read_on(r, err);
	while (result >= 0 && number_now(r) != 0) {
		result = read_on(r, err);
		if (result < 0 || go_to_next(r) == 0)
			return result;
		result = read_on(r, err);
	}
	return result;
}

static int read_all(struct reader *r, struct err *err)
{
	if (r->fd >= 0)
		close(r->fd);
	buf_reset(&r->raw);
	r->fd = open_number(r, oldest_now(r));
	return read_to_newest(r, err);
}

static int time_left_ms(const struct logs_options *o)
{
	struct timespec now;
	int64_t left;

	if (!o->until.tv_sec)
		return -1;
	clock_gettime(CLOCK_REALTIME, &now);
	left = ((int64_t)o->until.tv_sec - now.tv_sec) * 1000 + (o->until.tv_nsec - now.tv_nsec) / 1000000;
	return left < 0 ? 0 : left > 3600000 ? 3600000 : (int)left;
}

static int follow(struct store *s, const char *id, struct reader *r, struct err *err)
{
	autowatch struct container_watch watch = CONTAINER_WATCH_INIT;
	autoclose int changes = -1;
	char events[4096];
	int result = watch_folder(r->dir_fd, IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_MOVE_SELF, &changes, err);

	while (result >= 0) {
		struct container_status status;
		struct pollfd fds[2];
		bool alive;
		int left;

		result = container_watch_open(s, id, &watch, err);
		if (result < 0)
			return result;
		/* In this order: what it wrote before it ended is read after we know that it has. */
		alive = container_status_read(s, id, &status, NULL) == 0 && container_is_alive(status.phase);
		result = read_to_newest(r, err);
		left = time_left_ms(r->o);
		if (result < 0 || !alive || r->over || left == 0)
			return result;
		fds[0] = (struct pollfd){ .fd = changes, .events = POLLIN };
		fds[1] = (struct pollfd){ .fd = watch.fd, .events = POLLIN };
		poll(fds, 2, container_watch_timeout(&watch, watch_timeout(changes, left)));
		while (read(changes, events, sizeof(events)) > 0)
			;
		container_watch_heard(&watch, fds[1].revents);
	}
	return result;
}

static int check_kept(struct store *s, const char *id, int dir_fd, const struct container_status *status,
		      const struct container_record *record, struct err *err)
{
	autoclose int sock = -1;

	if (record->log.none) {
		err_set(err, EOPNOTSUPP, "nothing is kept of what this container writes: --log-driver none");
		return err_hint(err, "'cloche attach' shows what it writes from now on");
	}
	if (faccessat(dir_fd, LOG_NAME, F_OK, 0) == 0 || status->phase != CONTAINER_RUNNING)
		return 0;
	sock = attach_connect(s, id, NULL);
	if (sock >= 0)
		return 0;
	err_set(err, EOPNOTSUPP, "nothing is kept of what this container writes: it goes to the command that runs it");
	return err_hint(err, "with -d, or without --rm, 'cloche run' keeps a log");
}

int container_logs(struct store *s, const char *id, const struct logs_options *options, struct err *err)
{
	autorecord struct container_record record = { 0 };
	CLEANUP(reader_done)
	struct reader r = {
		.o = options, .fd = -1, .raw = BUF_INIT(LOG_LINE_MAX + 2 * READ_SIZE), .text = BUF_INIT(LOG_LINE_MAX)
	};
	autoclose int dir = container_open(s, id, err);
	struct container_status status;
	int result = dir < 0 ? dir : container_record_read_at(dir, id, &record, err);

	if (result >= 0)
		result = container_status_read(s, id, &status, err);
	if (result >= 0)
		result = check_kept(s, id, dir, &status, &record, err);
	if (result < 0)
		return result;
	r.dir_fd = dir;
	if (options->tail >= 0) {
		r.counting = true;
		result = read_all(&r, err);
		r.counting = r.over = false;
		r.skip = r.lines > (uint64_t)options->tail ? r.lines - (uint64_t)options->tail : 0;
	}
	if (result >= 0)
		result = read_all(&r, err);
	return result < 0 || !options->follow || r.over ? result : follow(s, id, &r, err);
}

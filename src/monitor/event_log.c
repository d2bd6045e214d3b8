#include "monitor/event_log.h"

#include "base/cleanup.h"
#include "codec/event_line.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { OPEN_TRIES = 10 };

static bool is_current(int run_fd, int fd)
{
	struct stat ours, there;

	return fstat(fd, &ours) == 0 && fstatat(run_fd, "events", &there, AT_SYMLINK_NOFOLLOW) == 0 &&
	       ours.st_ino == there.st_ino;
}

/*
 * Who writes shares a lock with others who do, and who rotates has it alone: so nothing is written to a file that has lost its
 * name, whose readers have gone on to the next one. Nobody waits to rotate: a later writer will.
 */
static void rotate(int run_fd, int fd)
{
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 && is_current(run_fd, fd))
		renameat(run_fd, "events", run_fd, "events.1");
}

/* The file that has the name, locked; -1: none. After a few tries, which only a rotation that hangs can need, as it is. */
static int open_current(int run_fd)
{
	for (int tries = 1;; tries++) {
		autoclose int fd =
			openat(run_fd, "events", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);

		if (fd < 0 || tries == OPEN_TRIES || (flock(fd, LOCK_SH | LOCK_NB) == 0 && is_current(run_fd, fd)))
			return TAKE_FD(fd);
	}
}

void event_log_append(int run_fd, const char *action, const char *common, const char *const *extra)
{
	autobuf struct buf line = BUF_INIT(EVENT_LINE_MAX);
	autoclose int fd = -1;
	struct timespec now;
	struct stat st;

	clock_gettime(CLOCK_REALTIME, &now);
	if (event_line_format(&line, action, common, extra, now) < 0)
		return;
	fd = open_current(run_fd);
	if (fd < 0)
		return;
	/* One write, so that lines of several writers don't mix. */
	if (write(fd, line.data, line.len) < 0)
		return;
	if (fstat(fd, &st) == 0 && st.st_size >= EVENT_LOG_MAX)
		rotate(run_fd, fd);
}

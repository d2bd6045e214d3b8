#include "engine/container/watch.h"

#include "store/containers.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <unistd.h>

/*
 * The kernel tells of the closing of a file just before it takes away its locks (__fput), so a look at once may come too soon, and
 * on a busy machine a second one too. So after an event there are more looks, each after twice as long as the one before, until
 * the wait is as long as whatever can hold up a process that is about to end.
 */
enum { FIRST_LOOK_MS = 5, LAST_LOOK_MS = 3000 };

/* Where no inotify instance is to be had (an ordinary user may have 128), one looks again after so long. */
enum { WATCH_STEP_MS = 50 };

static int sooner(int a, int b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

/* The descriptor, or a negative errno. */
static int watch(const char *path, uint32_t mask)
{
	autoclose int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (fd < 0 || inotify_add_watch(fd, path, mask) < 0)
		return -errno;
	return TAKE_FD(fd);
}

static bool is_limit(int code)
{
	return code == EMFILE || code == ENFILE || code == ENOSPC;
}

int watch_folder(int dir_fd, uint32_t mask, int *ret, struct err *err)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", dir_fd);
	fd = watch(path, mask);
	*ret = fd < 0 ? -1 : fd;
	return fd >= 0 || is_limit(-fd) ? 0 : err_errno(err, -fd, "watch a folder for changes");
}

int watch_timeout(int fd, int left_ms)
{
	return fd < 0 ? sooner(left_ms, WATCH_STEP_MS) : left_ms;
}

int container_watch_open(struct store *s, const char *id, struct container_watch *ret, struct err *err)
{
	int run = store_run_fd(s, err), fd;
	char path[64 + CONTAINER_ID_MAX];

	container_watch_done(ret);
	if (run < 0)
		return run;
	snprintf(path, sizeof(path), "/proc/self/fd/%d/containers/%.64s", run, id);
	fd = watch(path, IN_MODIFY | IN_ATTRIB | IN_CLOSE_WRITE | IN_DELETE_SELF);
	if (fd < 0)
		return fd == -ENOENT || is_limit(-fd) ? 0 : err_errno(err, -fd, "watch container %.12s", id);
	ret->fd = fd;
	return 0;
}

int container_watch_timeout(const struct container_watch *w, int left_ms)
{
	return watch_timeout(w->fd, w->again_ms ? sooner(left_ms, w->again_ms) : left_ms);
}

void container_watch_heard(struct container_watch *w, bool has_changed)
{
	char events[1024];

	if (has_changed) {
		while (read(w->fd, events, sizeof(events)) > 0)
			;
		w->again_ms = FIRST_LOOK_MS;
	} else {
		w->again_ms = w->again_ms < LAST_LOOK_MS ? 2 * w->again_ms : 0;
	}
}

void container_watch_wait(struct container_watch *w, int timeout_ms)
{
	struct pollfd p = { .fd = w->fd, .events = POLLIN };

	container_watch_heard(w, poll(&p, 1, container_watch_timeout(w, timeout_ms)) > 0);
}

void container_watch_done(struct container_watch *w)
{
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
}

#include "engine/container/watch.h"

#include "store/containers.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <unistd.h>

/*
 * The kernel tells of the closing of a file just before it takes away its locks (__fput), so a look at once may come too soon; a
 * second one follows, after so long.
 */
enum { SECOND_LOOK_MS = 5 };

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

int container_watch_open(struct store *s, const char *id, struct container_watch *ret, struct err *err)
{
	int run = store_run_fd(s, err), fd;
	char path[64 + CONTAINER_ID_MAX];

	*ret = CONTAINER_WATCH_INIT;
	if (run < 0)
		return run;
	snprintf(path, sizeof(path), "/proc/self/fd/%d/containers/%.64s", run, id);
	fd = watch(path, IN_MODIFY | IN_ATTRIB | IN_CLOSE_WRITE | IN_DELETE_SELF);
	if (fd < 0)
		return fd == -ENOENT || is_limit(-fd) ? 0 : err_errno(err, -fd, "watch container %.12s", id);
	ret->fd = fd;
	return 0;
}

int container_watch_wait(struct container_watch *w, int timeout_ms)
{
	struct pollfd p = { .fd = w->fd, .events = POLLIN };
	char events[1024];

	if (w->fd < 0) {
		bool is_last = timeout_ms >= 0 && timeout_ms <= WATCH_STEP_MS;

		poll(NULL, 0, is_last ? timeout_ms : WATCH_STEP_MS);
		return !is_last;
	}
	if (poll(&p, 1, timeout_ms) <= 0)
		return 0;
	while (read(w->fd, events, sizeof(events)) > 0)
		;
	poll(&p, 1, SECOND_LOOK_MS);
	return 1;
}

void container_watch_done(struct container_watch *w)
{
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
}

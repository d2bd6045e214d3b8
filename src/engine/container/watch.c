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

int container_watch_open(struct store *s, const char *id, struct container_watch *ret, struct err *err)
{
	autoclose int fd = -1;
	int run = store_run_fd(s, err);
	char path[64 + CONTAINER_ID_MAX];

	if (run < 0)
		return run;
	snprintf(path, sizeof(path), "/proc/self/fd/%d/containers/%.64s", run, id);
	fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (fd < 0)
		return err_errno(err, errno, "watch container %.12s", id);
	if (inotify_add_watch(fd, path, IN_MODIFY | IN_ATTRIB | IN_CLOSE_WRITE | IN_DELETE_SELF) < 0) {
		if (errno != ENOENT)
			return err_errno(err, errno, "watch container %.12s", id);
		*ret = CONTAINER_WATCH_INIT;
		return 0;
	}
	ret->fd = TAKE_FD(fd);
	return 0;
}

int container_watch_wait(struct container_watch *w, int timeout_ms)
{
	struct pollfd p = { .fd = w->fd, .events = POLLIN };
	char events[1024];

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

#include "engine/container/pause.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "engine/container/container.h"
#include "engine/container/events.h"
#include "engine/container/group.h"
#include "runtime/gather.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH_SIZE = 16 + CONTAINER_ID_MAX };

/* --- what is written down --- */

static const char *const way_names[] = { "freezer", "signals" };

static void mark_path(const char *id, char dst[static PATH_SIZE])
{
	snprintf(dst, PATH_SIZE, "files/%.64s/paused", id);
}

bool container_is_paused(struct store *s, const char *id)
{
	char path[PATH_SIZE];
	int run = store_run_fd(s, NULL);

	mark_path(id, path);
	return run >= 0 && faccessat(run, path, F_OK, 0) == 0;
}

static int mark(struct store *s, const char *id, enum pause_way way, struct err *err)
{
	char path[PATH_SIZE];
	int run = store_run_fd(s, err), r;

	if (run < 0)
		return run;
	mark_path(id, path);
	r = fs_write_file(run, path, way_names[way], strlen(way_names[way]), 0600, 0, err);
	return r < 0 ? err_wrap(err, "write down that it is paused") : 0;
}

static void unmark(struct store *s, const char *id)
{
	char path[PATH_SIZE];

	mark_path(id, path);
	unlinkat(store_run_fd(s, NULL), path, 0);
}

static enum pause_way read_way(struct store *s, const char *id)
{
	autobuf struct buf text = BUF_INIT(64);
	char path[PATH_SIZE];

	mark_path(id, path);
	if (fs_read_file(store_run_fd(s, NULL), path, 64, &text, NULL) >= 0 &&
	    str_starts_with(buf_str(&text), way_names[PAUSE_BY_SIGNALS]))
		return PAUSE_BY_SIGNALS;
	return PAUSE_BY_FREEZER;
}

/* Pid 1 of a container; the descriptor tells whether the number still is its own. */
struct init {
	int pidfd;
	pid_t pid;
};

static void init_done(struct init *init)
{
	if (init->pidfd >= 0)
		close(init->pidfd);
}

/* --- */

static int freeze(struct store *s, const char *id, const struct init *init, struct err *err)
{
	const struct oci_resources nothing = { 0 };
	autosettings struct cgroup_settings settings = { 0 };
	autocgroup struct cgroup g = { 0 };
	int r = container_group_gather(s, id, init->pidfd, init->pid, &nothing, &g, &settings, err);

	return r < 0 ? r : cgroup_freeze(&g, true, err);
}

static int open_init(struct store *s, const char *id, struct init *ret, struct err *err)
{
	int fd = container_pidfd(s, id, &ret->pid, err);

	if (fd < 0)
		return fd;
	ret->pidfd = fd;
	return 0;
}

static void tell(struct store *s, const char *id, const char *action)
{
	autorecord struct container_record record = { 0 };

	if (container_record_read(s, id, &record, NULL) >= 0)
		container_event(s, &record, action, NULL);
}

int container_pause(struct store *s, const char *id, enum pause_way *ret_way, char *ret_why, struct err *err)
{
	CLEANUP(init_done) struct init init = { .pidfd = -1 };
	enum pause_way way = PAUSE_BY_FREEZER;
	struct err why = { 0 };
	int r = open_init(s, id, &init, err);

	if (r < 0)
		return r;
	if (container_is_paused(s, id))
		return err_set(err, EALREADY, "container %.12s is already paused", id);
	/* Marked first: killed half-way it may be paused in part, and `unpause` mends that. */
	r = mark(s, id, way, err);
	if (r >= 0 && freeze(s, id, &init, &why) < 0) {
		way = PAUSE_BY_SIGNALS;
		if (ret_why)
			snprintf(ret_why, 512, "%.500s", why.msg);
		r = mark(s, id, way, err);
		if (r >= 0)
			r = runtime_stop_all(init.pidfd, init.pid, err);
	}
	if (r < 0) {
		unmark(s, id);
		return r;
	}
	if (ret_way)
		*ret_way = way;
	tell(s, id, "pause");
	return 0;
}

int container_unpause(struct store *s, const char *id, struct err *err)
{
	autocgroup struct cgroup g = { 0 };
	CLEANUP(init_done) struct init init = { .pidfd = -1 };
	int r = open_init(s, id, &init, err);

	if (r < 0)
		return r;
	if (!container_is_paused(s, id))
		return err_set(err, EALREADY, "container %.12s is not paused", id);
	if (read_way(s, id) == PAUSE_BY_SIGNALS) {
		r = runtime_continue_all(init.pidfd, init.pid, err);
	} else {
		r = container_group_read(s, id, &g, err);
		/* Killed before it had a group, it had not been paused. */
		if (r == 1)
			r = cgroup_freeze(&g, false, err);
	}
	if (r < 0)
		return r;
	unmark(s, id);
	tell(s, id, "unpause");
	return 0;
}

/* --- for as long as something takes --- */

/* Waits for the end of who has the other end of the pipe, whatever ends it, and wakes the container. */
static _Noreturn void wake_afterwards(struct store *s, const char *id, int pipe)
{
	char byte;

	setsid();
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_IGN);
	while (read(pipe, &byte, 1) < 0 && errno == EINTR)
		;
	if (container_is_paused(s, id))
		container_unpause(s, id, NULL);
	_exit(0);
}

int container_pause_begin(struct store *s, const char *id, struct container_pausing *ret, struct err *err)
{
	struct container_status status;
	int fds[2], r = container_status_read(s, id, &status, err);

	if (r < 0 || status.phase != CONTAINER_RUNNING || status.paused)
		return r < 0 ? r : 0;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_errno(err, errno, "make a pipe");
	ret->waker = fork();
	if (ret->waker == 0) {
		close(fds[1]);
		wake_afterwards(s, id, fds[0]);
	}
	close(fds[0]);
	ret->pipe = fds[1];
	if (ret->waker < 0)
		r = err_errno(err, errno, "fork");
	else
		r = container_pause(s, id, NULL, NULL, err);
	/* It has ended, or somebody else was faster: as good. */
	if (r == -ESRCH || r == -EALREADY) {
		err_clear(err);
		r = 0;
	}
	if (r < 0)
		container_pause_end(ret);
	return r < 0 ? r : 1;
}

void container_pause_end(struct container_pausing *p)
{
	if (p->pipe >= 0)
		close(p->pipe);
	if (p->waker > 0)
		while (waitpid(p->waker, NULL, 0) < 0 && errno == EINTR)
			;
	*p = CONTAINER_PAUSING_INIT;
}

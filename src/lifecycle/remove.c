#include "lifecycle/remove.h"

#include "base/str.h"
#include "lifecycle/pause.h"
#include "runtime/runtime.h"
#include "sys/fs.h"
#include "sys/processes.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { GONE_MAX = LIFE_ID_MAX + 8 };

static void gone_name(const char *id, char dst[static GONE_MAX])
{
	snprintf(dst, GONE_MAX, ".%s.gone", id);
}

/* --- ending what runs --- */

/* Its mount namespace, where the pid namespace is not its own: what it leaves behind is ended by that. -1: its own, or unknown. */
static int open_foreign(const struct life *l)
{
	autospec struct oci_spec spec = { 0 };
	const struct oci_namespace *pids;
	char path[64];

	if (life_spec(l, &spec, NULL) < 0)
		return -1;
	pids = oci_spec_namespace(&spec, "pid");
	if (pids && !(pids->path && *pids->path))
		return -1;
	snprintf(path, sizeof(path), "/proc/%u/ns/mnt", l->state.pid);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* The pid that a hook was told before the process was written down is that of a child of who makes it, and ends with that. */
static void end_processes(const struct life *l)
{
	autocgroup struct cgroup g = { 0 };
	autoclose int pidfd = life_pidfd(l, NULL), mounts = -1;
	struct pollfd end = { .fd = pidfd, .events = POLLIN };

	if (pidfd >= 0) {
		mounts = open_foreign(l);
		syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
	}
	if (life_group(l, &g, NULL) == 1) {
		/* A frozen process of version 1 doesn't hear it. */
		if (cgroup_is_frozen(&g) == 1)
			cgroup_freeze(&g, false, NULL);
		cgroup_kill(&g, NULL);
	}
	if (pidfd >= 0)
		while (poll(&end, 1, -1) < 0 && errno == EINTR)
			;
	processes_kill_in_mounts(mounts);
}

/* --- removing --- */

static int remove_group(const struct life *l, struct err *err)
{
	autocgroup struct cgroup g = { 0 };
	int r = life_group(l, &g, err);

	return r == 1 ? cgroup_remove(&g, err) : r;
}

/* With the folder out of the way, since then the container is deleted; it goes when they are through. */
static void run_poststop(int dir_fd, const struct life_state *s, void (*on_warning)(const struct err *err))
{
	autospec struct oci_spec spec = { 0 };
	autobuf struct buf text = BUF_INIT(LIFE_STATE_MAX);
	struct err err = { 0 };
	int r = oci_spec_read(dir_fd, "config.json", &spec, &err);

	if (r == 0)
		r = life_state_text(s, "stopped", 0, &text, &err);
	if (r == 0)
		r = runtime_run_hooks(&spec.hooks.poststop, "poststop", buf_str(&text), s->bundle, true, &err);
	if (r < 0 && on_warning)
		on_warning(&err);
}

static void finish(int root_fd, const char *id, int dir_fd, const struct life_state *s,
		   void (*on_warning)(const struct err *err))
{
	static const char *const names[] = {
		"go", "report", "cgroup", "paused", "notify", "config.json", "state.json"
	};
	char gone[GONE_MAX];

	gone_name(id, gone);
	if (s->has_poststop)
		run_poststop(dir_fd, s, on_warning);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unlinkat(dir_fd, names[i], 0);
	/* All that there should be is gone: a rest is what a killed command wrote aside. */
	if (unlinkat(root_fd, gone, AT_REMOVEDIR) < 0 && errno != ENOENT)
		fs_remove_tree(root_fd, gone, NULL);
}

static int take_away(struct life *l, void (*on_warning)(const struct err *err), struct err *err)
{
	char gone[GONE_MAX];
	int r;

	end_processes(l);
	r = remove_group(l, err);
	if (r < 0)
		return r;
	gone_name(l->state.id, gone);
	if (renameat(l->root_fd, l->state.id, l->root_fd, gone) < 0)
		return err_errno(err, errno, "remove container '%s'", l->state.id);
	finish(l->root_fd, l->state.id, l->dir_fd, &l->state, on_warning);
	return 0;
}

void life_remove(struct life *l)
{
	take_away(l, NULL, NULL);
}

void life_finish_removal(int root_fd, const char *id)
{
	autolife struct life l = LIFE_INIT;
	char gone[GONE_MAX];

	if (life_check_id(id, NULL) < 0)
		return;
	gone_name(id, gone);
	l.dir_fd = openat(root_fd, gone, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	/* Locked: whoever removes it is at it. */
	if (l.dir_fd < 0 || flock(l.dir_fd, LOCK_EX | LOCK_NB) < 0)
		return;
	if (life_read_state(&l, id, NULL) == 0)
		finish(root_fd, id, l.dir_fd, &l.state, NULL);
}

/* One that is still being made is not waited for: whoever makes it hears of its process's end. */
static void end_without_lock(int root_fd, const char *id)
{
	autolife struct life l = LIFE_INIT;
	autoclose int pidfd = -1;

	if (life_open(root_fd, id, false, &l, NULL) < 0)
		return;
	pidfd = life_pidfd(&l, NULL);
	if (pidfd >= 0)
		syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
}

int life_delete(int root_fd, const char *id, bool force, void (*on_warning)(const struct err *err), struct err *err)
{
	autolife struct life l = LIFE_INIT;
	enum life_status status;
	int r;

	if (force)
		end_without_lock(root_fd, id);
	r = life_open(root_fd, id, true, &l, err);
	if (r == -ENOENT)
		life_finish_removal(root_fd, id);
	if (r == -ENOENT && force) {
		err_clear(err);
		return 0;
	}
	if (r < 0)
		return r;
	status = life_status(&l);
	if (!force && (status == LIFE_RUNNING || status == LIFE_PAUSED)) {
		err_set(err, EBUSY, "cannot delete container '%s' that is not stopped: %s", id,
			life_status_name(status));
		return err_hint(err, "'cloche-oci kill %s KILL' ends it; --force does that too", id);
	}
	return take_away(&l, on_warning, err);
}

/* --- kill --- */

static int signal_all(const struct life *l, int sig, struct err *err)
{
	autocgroup struct cgroup g = { 0 };
	struct cgroup_pids pids = { 0 };
	int r = life_group(l, &g, err);

	if (r == 1 && sig == SIGKILL && cgroup_kill(&g, NULL) == 0)
		return 0;
	if (r >= 0)
		r = life_pids(l, &pids, err);
	for (size_t i = 0; i < pids.len; i++)
		kill(pids.items[i], sig);
	free(pids.items);
	if (r >= 0 && sig == SIGKILL)
		life_thaw(l);
	return r;
}

int life_kill(int root_fd, const char *id, int sig, bool all, struct err *err)
{
	autolife struct life l = LIFE_INIT;
	autoclose int pidfd = -1;
	int r = life_open(root_fd, id, false, &l, err);

	if (r < 0)
		return r;
	/* With a pid namespace that is not its own, some may be left when the first is gone. */
	if (all)
		return signal_all(&l, sig, err);
	pidfd = life_pidfd(&l, err);
	if (pidfd < 0)
		return pidfd;
	if (syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0) < 0)
		return errno == ESRCH ? err_set(err, ESRCH, "container not running")
				      : err_errno(err, errno, "send signal %d to container '%s'", sig, id);
	if (sig == SIGKILL)
		life_thaw(&l);
	return 0;
}

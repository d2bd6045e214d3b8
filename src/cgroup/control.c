/* What is done to all processes of a group at once, and its end. */
#include "cgroup/group.h"

#include "base/num.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "cgroup/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { PIDS_FILE_MAX = 16 << 20, DEPTH_MAX = 32, WAIT_MS = 5000 };

/* --- listing --- */

static int add_pids(const char *dir, struct cgroup_pids *ret)
{
	autobuf struct buf text = BUF_INIT(PIDS_FILE_MAX);
	int r = cgroup_get(dir, "cgroup.procs", &text);
	char *rest, *line;

	if (r < 0)
		return r == -ENOENT || r == -ENODEV ? 0 : r;
	rest = text.data;
	while (rest && (line = strsep(&rest, "\n"))) {
		uint32_t pid;

		/* 0: a process of another pid namespace, which has no number in ours. */
		if (num_parse_u32(line, INT32_MAX, &pid) == 0 && pid && cgroup_pids_push(ret, (pid_t)pid) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* Calls FN for PATH and all groups below, those below first. Stops at a negative result. */
static int walk(const char *path, int depth, int (*fn)(const char *path, void *arg), void *arg)
{
	autoclosedir DIR *dir = opendir(path);
	struct dirent *d;
	int r = 0;

	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	if (depth > DEPTH_MAX)
		return -ELOOP;
	while (r >= 0 && (d = readdir(dir))) {
		autofree char *below = NULL;

		if (d->d_type != DT_DIR || d->d_name[0] == '.')
			continue;
		below = path_join(path, d->d_name);
		r = below ? walk(below, depth + 1, fn, arg) : -ENOMEM;
	}
	return r < 0 ? r : fn(path, arg);
}

static int list_one(const char *path, void *arg)
{
	return add_pids(path, arg);
}

int cgroup_list(const struct cgroup *g, struct cgroup_pids *ret, struct err *err)
{
	const struct cgroup_dir *d = cgroup_unified(g);
	struct cgroup_pids pids = { 0 };
	int r;

	if (!d && g->dirs.len)
		d = &g->dirs.items[0];
	r = d ? walk(d->path, 0, list_one, &pids) : 0;
	if (r < 0) {
		free(pids.items);
		return err_errno(err, -r, "list the processes of the control group '%s'", d->path);
	}
	*ret = pids;
	return 0;
}

/* --- waiting for what a file says --- */

/* Waits until cgroup.events has "KEY WANTED"; the kernel tells of each change (cgroups(7)). 0; -ETIMEDOUT; -errno. */
static int wait_event(const char *dir, const char *key, uint64_t wanted)
{
	autofree char *path = path_join(dir, "cgroup.events");
	autoclose int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	uint64_t end = time_now_us() + WAIT_MS * 1000ull;

	if (fd < 0)
		return path ? -errno : -ENOMEM;
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLPRI };
		char text[256];
		ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
		uint64_t value, now = time_now_us();

		if (n < 0)
			return -errno;
		text[n] = '\0';
		if (cgroup_key_u64(text, key, &value) && value == wanted)
			return 0;
		if (now >= end)
			return -ETIMEDOUT;
		poll(&p, 1, (int)((end - now) / 1000) + 1);
	}
}

/* --- freezing --- */

/* Version 1 goes through FREEZING, while which it only goes on when it is asked: cgroup-v1/freezer-subsystem.rst. */
static int freeze_v1(const char *path, bool frozen)
{
	const char *word = frozen ? "FROZEN" : "THAWED";
	uint64_t end = time_now_us() + WAIT_MS * 1000ull;

	for (;;) {
		autobuf struct buf state = BUF_INIT(64);
		int r = cgroup_put(path, "freezer.state", word);

		if (r >= 0)
			r = cgroup_get(path, "freezer.state", &state);
		if (r < 0)
			return r;
		if (str_starts_with(buf_str(&state), word))
			return 0;
		if (time_now_us() >= end)
			return -ETIMEDOUT;
		poll(NULL, 0, 1);
	}
}

static int freeze_v2(const char *path, bool frozen)
{
	int r = cgroup_put(path, "cgroup.freeze", frozen ? "1" : "0");

	return r < 0 ? r : wait_event(path, "frozen", frozen);
}

int cgroup_freeze(const struct cgroup *g, bool frozen, struct err *err)
{
	const struct cgroup_dir *unified = cgroup_unified(g), *freezer = cgroup_with(g, "freezer");
	const char *path = unified ? unified->path : freezer ? freezer->path : NULL;
	int r = -EOPNOTSUPP;

	if (unified)
		r = freeze_v2(path, frozen);
	else if (freezer)
		r = freeze_v1(path, frozen);
	/* The kernel has no freezer for version 2 before 5.2. */
	if (unified && r == -ENOENT)
		r = -EOPNOTSUPP;
	if (r == 0)
		return 0;
	if (frozen && r == -ETIMEDOUT) {
		cgroup_put(path, unified ? "cgroup.freeze" : "freezer.state", unified ? "0" : "THAWED");
		err_errno(err, ETIMEDOUT, "freeze the control group '%s'", path);
		return err_hint(err,
				"one of its processes waits in the kernel for a disk or a server that doesn't answer");
	}
	return err_errno(err, -r, "%s the control group '%s'", frozen ? "freeze" : "thaw", path ? path : "");
}

int cgroup_is_frozen(const struct cgroup *g)
{
	const struct cgroup_dir *unified = cgroup_unified(g), *freezer = cgroup_with(g, "freezer");
	autobuf struct buf text = BUF_INIT(256);
	uint64_t value;
	int r;

	if (unified) {
		/* What is asked, not cgroup.events: a process that is just waiting for the kernel is no less paused. */
		r = cgroup_get_u64(unified->path, "cgroup.freeze", &value);
		return r < 0 ? -EOPNOTSUPP : value == 1;
	}
	if (!freezer)
		return -EOPNOTSUPP;
	r = cgroup_get(freezer->path, "freezer.state", &text);
	return r < 0 ? -EOPNOTSUPP : !str_starts_with(buf_str(&text), "THAWED");
}

/* --- the end --- */

static int kill_all(const struct cgroup *g)
{
	struct cgroup_pids pids = { 0 };
	int r = cgroup_list(g, &pids, NULL);

	for (size_t i = 0; r == 0 && i < pids.len; i++)
		kill(pids.items[i], SIGKILL);
	free(pids.items);
	return r;
}

/* Before cgroup.kill (5.14) all are frozen first, so that none is missed that is just being made. */
int cgroup_kill(const struct cgroup *g, struct err *err)
{
	const struct cgroup_dir *d = cgroup_unified(g);
	int r = d ? cgroup_put(d->path, "cgroup.kill", "1") : -ENOENT;

	if (r == 0)
		return 0;
	if (r != -ENOENT)
		return err_errno(err, -r, "kill the control group '%s'", d->path);
	r = cgroup_freeze(g, true, NULL);
	if (r < 0)
		return err_set(err, EOPNOTSUPP, "the control group can't be killed as a whole");
	r = kill_all(g);
	cgroup_freeze(g, false, NULL);
	return r < 0 ? err_errno(err, -r, "kill the control group's processes") : 0;
}

static int remove_one(const char *path, void *arg)
{
	(void)arg;
	return rmdir(path) < 0 && errno != ENOENT ? -errno : 0;
}

/* What was killed is gone from the group a moment later; only version 2 tells when. */
static int remove_busy(const struct cgroup *g, const struct cgroup_dir *d)
{
	uint64_t end = time_now_us() + WAIT_MS * 1000ull;
	int r;

	if (cgroup_kill(g, NULL) < 0)
		kill_all(g);
	if (cgroup_unified(g))
		wait_event(cgroup_unified(g)->path, "populated", 0);
	while ((r = walk(d->path, 0, remove_one, NULL)) == -EBUSY && time_now_us() < end)
		poll(NULL, 0, 1);
	return r;
}

int cgroup_remove(const struct cgroup *g, struct err *err)
{
	int result = 0;

	for (size_t i = 0; i < g->dirs.len; i++) {
		const struct cgroup_dir *d = &g->dirs.items[i];
		int r = walk(d->path, 0, remove_one, NULL);

		if (r == -EBUSY)
			r = remove_busy(g, d);
		if (r < 0 && result == 0)
			result = err_errno(err, -r, "remove the control group '%s'", d->path);
	}
	return result;
}

#include "sys/userns.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- maps --- */

bool userns_maps_own(const struct idmap *map)
{
	return map->uids_len == 1 && map->gids_len == 1 && map->uids[0].count == 1 && map->gids[0].count == 1 &&
	       map->uids[0].outside == geteuid() && map->gids[0].outside == getegid();
}

/* One write, as procfs wants it; 0 or a negative errno. */
static int write_proc(const char *path, const char *text, size_t len)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;
	int code;

	if (fd < 0)
		return -errno;
	n = write(fd, text, len);
	code = errno;
	close(fd);
	return n == (ssize_t)len ? 0 : n < 0 ? -code : -EIO;
}

int userns_write_own(const struct idmap *map)
{
	char text[IDMAP_TEXT_MAX];
	int r = write_proc("/proc/self/uid_map", text, idmap_text(map->uids, map->uids_len, text));

	if (r < 0)
		return r;
	/* Without privilege outside, groups may only be mapped once they can no longer be dropped: user_namespaces(7). */
	r = write_proc("/proc/self/setgroups", "deny", 4);
	if (r < 0 && r != -ENOENT)
		return r;
	return write_proc("/proc/self/gid_map", text, idmap_text(map->gids, map->gids_len, text));
}

static int write_map_of(pid_t pid, const char *file, const struct id_range *ranges, size_t len, struct err *err)
{
	char path[64], text[IDMAP_TEXT_MAX];
	int r;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	r = write_proc(path, text, idmap_text(ranges, len, text));
	if (r < 0)
		err_errno(err, -r, "map ids: write '%s'", path);
	return r == -EPERM ? err_hint(err, "the map names ids that this user does not have: ids %u and up",
				      ranges[0].outside)
			   : r;
}

enum { NUMBER_TEXT = 12, MAP_ARGS_MAX = 2 + IDMAP_RANGES_MAX * 3 + 1 };

/* Starts newuidmap or newgidmap for PID. */
static int start_map_program(const char *program, pid_t pid, const struct id_range *ranges, size_t len,
			     struct process *ret, struct err *err)
{
	char numbers[1 + IDMAP_RANGES_MAX * 3][NUMBER_TEXT];
	char *argv[MAP_ARGS_MAX];
	const int fds[] = { -1, -1, 2 };
	size_t n = 0;

	snprintf(numbers[n++], NUMBER_TEXT, "%d", (int)pid);
	for (size_t i = 0; i < len; i++) {
		snprintf(numbers[n++], NUMBER_TEXT, "%u", ranges[i].inside);
		snprintf(numbers[n++], NUMBER_TEXT, "%u", ranges[i].outside);
		snprintf(numbers[n++], NUMBER_TEXT, "%u", ranges[i].count);
	}
	argv[0] = (char *)program;
	for (size_t i = 0; i < n; i++)
		argv[i + 1] = numbers[i];
	argv[n + 1] = NULL;
	return spawn_start(
		&(struct spawn){ .path = program, .argv = argv, .fds = fds, .fds_len = 3, .dont_wait = true }, ret,
		err);
}

static int wait_map_program(struct process *p, const char *program, const char *file, struct err *err)
{
	int status, r = process_wait(p, &status, err);

	if (r < 0)
		return r;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	err_set(err, EPERM, "map ids: %s failed", program);
	return err_hint(err, "check the lines of this user in %s; CLOCHE_IDS=single does without them", file);
}

/* The two run side by side: each costs a quarter of a millisecond. */
static int run_map_programs(pid_t pid, const struct idmap *map, struct err *err)
{
	CLEANUP(process_done) struct process uid = PROCESS_INIT, gid = PROCESS_INIT;
	int r = start_map_program("/usr/bin/newuidmap", pid, map->uids, map->uids_len, &uid, err);

	if (r >= 0)
		r = start_map_program("/usr/bin/newgidmap", pid, map->gids, map->gids_len, &gid, err);
	if (r >= 0)
		r = wait_map_program(&uid, "newuidmap", "/etc/subuid", err);
	if (r >= 0)
		r = wait_map_program(&gid, "newgidmap", "/etc/subgid", err);
	return r;
}

int userns_write_maps(pid_t pid, const struct idmap *map, struct err *err)
{
	int r;

	if (geteuid() != 0 && !userns_maps_own(map))
		return run_map_programs(pid, map, err);
	r = write_map_of(pid, "uid_map", map->uids, map->uids_len, err);
	if (r < 0)
		return r;
	if (geteuid() != 0) {
		char path[64];

		snprintf(path, sizeof(path), "/proc/%d/setgroups", (int)pid);
		r = write_proc(path, "deny", 4);
		if (r < 0)
			return err_errno(err, -r, "map ids: write '%s'", path);
	}
	return write_map_of(pid, "gid_map", map->gids, map->gids_len, err);
}

/* --- refusals --- */

/* True if the first characters of the file are the number VALUE. */
static bool setting_is(const char *path, long value)
{
	autobuf struct buf text = BUF_INIT(64);

	return fs_read_file(AT_FDCWD, path, text.max, &text, NULL) == 0 && strtol(buf_str(&text), NULL, 10) == value;
}

int userns_refused(int code, struct err *err)
{
	err_errno(err, code, "make a user namespace");
	if (setting_is("/proc/sys/user/max_user_namespaces", 0))
		return err_hint(err, "none may be made here: as root, sysctl user.max_user_namespaces=10000");
	if (code == ENOSPC || code == EUSERS)
		return err_hint(
			err, "too many, or nested more than 32 deep: as root, raise sysctl user.max_user_namespaces");
	if (setting_is("/proc/sys/kernel/unprivileged_userns_clone", 0))
		return err_hint(err, "kept for root here: as root, sysctl kernel.unprivileged_userns_clone=1");
	if (setting_is("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", 1))
		return err_hint(
			err, "AppArmor restricts them: as root, sysctl kernel.apparmor_restrict_unprivileged_userns=0, "
			     "or give cloche a profile with 'userns,'");
	if (code == EPERM && prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 2)
		return err_hint(err, "a seccomp filter is on us: the container or sandbox that we run in forbids it");
	if (code == EPERM)
		return err_hint(err, "a chroot or a security module forbids it; 'cloche doctor' looks closer");
	return -code;
}

/* --- processes in a new namespace --- */

struct userns_setup {
	const struct idmap *map; /* NULL: no user namespace */
	bool own;		 /* the child writes the maps */
	int flags;
	int ready[2]; /* a byte, once the maps are written from outside */
};

/*
 * Also after newuidmap the process is whom it was, which mostly is 0 inside. Where it isn't, an exec would take its rights. By
 * the bare calls: the library's would tell other threads.
 */
static int become_root(void)
{
	if ((getegid() != 0 && syscall(SYS_setresgid, 0, 0, 0) < 0) ||
	    (geteuid() != 0 && syscall(SYS_setresuid, 0, 0, 0) < 0))
		return -errno;
	return 0;
}

/* In the child: waits for, or makes, the maps; then everything is private. 0 or a negative errno. */
static int enter_child(const struct userns_setup *s)
{
	char byte;
	int r = 0;

	if (s->map && s->own)
		r = userns_write_own(s->map);
	else if (s->map) {
		close(s->ready[1]);
		r = read(s->ready[0], &byte, 1) == 1 ? 0 : -ECANCELED;
		close(s->ready[0]);
	}
	if (r >= 0 && s->map)
		r = become_root();
	if (r < 0)
		return r;
	if (s->flags & USERNS_MOUNT && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -errno;
	return 0;
}

/* Clones; in the parent, writes the maps and lets the child go on. Returns 0 in the child, its pid in the parent. */
static pid_t clone_with_maps(struct userns_setup *s, struct process *ret, struct err *err)
{
	struct process p = PROCESS_INIT;
	uint64_t flags = (s->map ? CLONE_NEWUSER : 0) | (s->flags & USERNS_MOUNT ? CLONE_NEWNS : 0);
	int r;

	s->own = s->map && userns_maps_own(s->map);
	if (s->map && !s->own && pipe2(s->ready, O_CLOEXEC) < 0)
		return err_errno(err, errno, "make a pipe");
	p.pid = spawn_clone(flags, &p.pidfd);
	if (p.pid == 0)
		return 0;
	if (p.pid < 0)
		r = s->map ? userns_refused(errno, err) : err_errno(err, errno, "clone");
	else
		r = s->map && !s->own ? userns_write_maps(p.pid, s->map, err) : 0;
	if (s->map && !s->own) {
		if (r >= 0)
			(void)!write(s->ready[1], "", 1);
		close(s->ready[0]);
		close(s->ready[1]);
	}
	if (r < 0) {
		process_done(&p);
		return r;
	}
	*ret = p;
	return p.pid;
}

/* What the child of userns_run has to say. */
struct run_report {
	int result;
	struct err err;
};

static _Noreturn void run_fn(const struct userns_setup *s, int report, int (*fn)(void *arg, struct err *err), void *arg)
{
	struct run_report rep = { 0 };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	rep.result = enter_child(s);
	/* A change of user forgets it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (rep.result < 0)
		err_errno(&rep.err, -rep.result, "enter a user namespace");
	else
		rep.result = fn(arg, &rep.err);
	_exit(fs_write_all(report, &rep, sizeof(rep), NULL) < 0);
}

static int read_report(int fd, struct run_report *rep)
{
	size_t at = 0;

	while (at < sizeof(*rep)) {
		ssize_t n = read(fd, (char *)rep + at, sizeof(*rep) - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -ECHILD;
		at += (size_t)n;
	}
	return 0;
}

int userns_run(const struct idmap *map, int flags, int (*fn)(void *arg, struct err *err), void *arg, struct err *err)
{
	struct userns_setup s = { .map = map, .flags = flags };
	CLEANUP(process_done) struct process p = PROCESS_INIT;
	autoclose int report_read = -1, report_write = -1;
	struct run_report rep;
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_errno(err, errno, "make a pipe");
	report_read = fds[0];
	report_write = fds[1];
	pid = clone_with_maps(&s, &p, err);
	if (pid < 0)
		return pid;
	if (pid == 0)
		run_fn(&s, report_write, fn, arg);
	close(TAKE_FD(report_write));
	if (read_report(report_read, &rep) < 0)
		return err_set(err, ECHILD, "the process in the user namespace ended without a word");
	process_wait(&p, NULL, NULL);
	if (rep.result < 0 && err)
		*err = rep.err;
	return rep.result;
}

/* --- programs --- */

struct start_arg {
	const struct spawn *wanted;
	const struct idmap *map;
	int flags;
};

static int write_maps_of_child(pid_t pid, void *arg, struct err *err)
{
	const struct start_arg *a = arg;

	return userns_write_maps(pid, a->map, err);
}

static int make_private(void *arg)
{
	const struct start_arg *a = arg;
	int r = become_root();

	/* A change of user forgets it. */
	if (r >= 0 && a->wanted->die_with_parent && prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		r = -errno;
	if (r < 0)
		return r;
	if (a->flags & USERNS_MOUNT && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -errno;
	return a->wanted->setup ? a->wanted->setup(a->wanted->setup_arg) : 0;
}

int userns_start(const struct spawn *s, const struct idmap *map, int flags, struct process *ret, struct err *err)
{
	struct start_arg arg = { .wanted = s, .map = map, .flags = flags };
	struct spawn spawn = *s;
	struct err why = { 0 };
	int r;

	spawn.clone_flags |= CLONE_NEWUSER | (flags & USERNS_MOUNT ? CLONE_NEWNS : 0);
	spawn.setup = make_private;
	spawn.setup_arg = &arg;
	spawn.on_child = write_maps_of_child;
	spawn.on_child_arg = &arg;
	r = spawn_start(&spawn, ret, err);
	if ((r == -EPERM || r == -ENOSPC || r == -EUSERS) && err && !err->hint[0]) {
		userns_refused(-r, &why);
		err_hint(err, "%s", why.hint);
	}
	return r;
}

/*
 * Namespaces that others made: linux.namespaces[].path.
 *
 * A pid namespace is entered by children only, and what a container may do in a namespace is decided by the user
 * namespace that owns it. So a process between the caller and the container (the joiner) goes in: first where its own rights
 * suffice, then into the user namespace, which gives it all rights there, then into the rest. The container's process
 * is its child by clone and the caller's by CLONE_PARENT, made with the namespaces that are to be new; they belong to
 * the user namespace that was joined.
 *
 * A bind mount whose source is below /proc/PID/root comes out of that process's mount namespace ("--ipc container:X"
 * needs its /dev/shm). The kernel copies only mounts of the mount namespace that one is in, so a further child enters that one,
 * and leaves the detached copy in the table of descriptors that it shares.
 */
#include "base/cleanup.h"
#include "base/buf.h"
#include "base/str.h"
#include "runtime/start.h"
#include "sys/fs.h"
#include "sys/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- prepared by the caller --- */

/* What the map of the user namespace at PATH is, where procfs tells; else it stays empty, and every id counts as mapped. */
static void read_maps(struct start *st, const char *path)
{
	static const char suffix[] = "/ns/user";
	autobuf struct buf text = BUF_INIT(64);
	char file[PATH_MAX];
	size_t len = strlen(path);
	int n;

	if (!str_ends_with(path, suffix) || len >= sizeof(file) - 16)
		return;
	n = (int)(len - strlen(suffix));
	snprintf(file, sizeof(file), "%.*s/uid_map", n, path);
	st->ids.uids_len = idmap_read_proc(file, st->ids.uids);
	snprintf(file, sizeof(file), "%.*s/gid_map", n, path);
	st->ids.gids_len = idmap_read_proc(file, st->ids.gids);
	snprintf(file, sizeof(file), "%.*s/setgroups", n, path);
	st->groups_denied =
		fs_read_file(AT_FDCWD, file, text.max, &text, NULL) >= 0 && str_starts_with(buf_str(&text), "deny");
}

int start_prepare_join(struct start *st, const char *type, const char *path, int flag, struct err *err)
{
	int fd;

	if (st->joined_len == NAMESPACES_MAX)
		return err_set(err, E2BIG, "more than %d namespaces", NAMESPACES_MAX);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, errno, "open the namespace '%s'", path);
	st->joined[st->joined_len++] = (struct joined_namespace){ type, path, fd, flag, false };
	if (ioctl(fd, NS_GET_NSTYPE) != flag)
		return err_set(err, EINVAL, "'%s' is not a %s namespace", path, type);
	if (flag == CLONE_NEWUSER)
		read_maps(st, path);
	return 0;
}

bool start_joins(const struct start *st, int flag)
{
	for (size_t i = 0; i < st->joined_len; i++)
		if (st->joined[i].flag & flag)
			return true;
	return false;
}

/* "/proc/PID/root", and "/…" behind it: the length of what leads to the mount namespace; 0: the source is of ours. */
static size_t foreign_prefix(const char *source)
{
	const char *at = str_skip_prefix(source, "/proc/");
	size_t digits = at ? strspn(at, "0123456789") : 0;

	const char *rest = digits ? str_skip_prefix(at + digits, "/root") : NULL;

	if (!rest || (*rest != '/' && *rest != '\0'))
		return 0;
	return (size_t)(at + digits + strlen("/root") - source);
}

int start_prepare_foreign(struct start *st, struct planned_mount *m, struct err *err)
{
	size_t prefix = foreign_prefix(m->source);
	char path[64];

	if (!prefix)
		return 0;
	snprintf(path, sizeof(path), "%.*s/ns/mnt", (int)(prefix - strlen("/root")), m->source);
	m->foreign_ns = open(path, O_RDONLY | O_CLOEXEC);
	if (m->foreign_ns < 0)
		return err_errno(err, errno, "mount on '%s': open the namespace '%s'", m->destination, path);
	/* A number that is taken, for the child that shares our table to put the tree there. */
	m->foreign_tree = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (m->foreign_tree < 0)
		return err_errno(err, errno, "open /dev/null");
	m->foreign_path = m->source[prefix] ? m->source + prefix : "/";
	st->foreign = true;
	return 0;
}

/* --- the joiner --- */

/* Where our own rights are enough, before they are given up for those in a user namespace. */
static void enter_by_own_right(struct start *st)
{
	for (size_t i = 0; i < st->joined_len; i++)
		if (st->joined[i].flag != CLONE_NEWUSER)
			st->joined[i].entered = setns(st->joined[i].fd, st->joined[i].flag) == 0;
}

static int enter(struct start *st, struct joined_namespace *ns)
{
	if (ns->entered)
		return 0;
	if (setns(ns->fd, ns->flag) < 0)
		return start_fail(st, errno, "join the namespace", ns->path);
	ns->entered = true;
	return 0;
}

static int enter_all(struct start *st)
{
	enter_by_own_right(st);
	for (size_t i = 0; i < st->joined_len; i++)
		if (st->joined[i].flag == CLONE_NEWUSER && enter(st, &st->joined[i]) < 0)
			return -st->failed_code;
	for (size_t i = 0; i < st->joined_len; i++)
		if (enter(st, &st->joined[i]) < 0)
			return -st->failed_code;
	return 0;
}

/* In a child that shares our descriptors: 0 or an errno, as an exit status. */
static int take_tree(const struct planned_mount *m)
{
	unsigned recursive = m->recursive ? AT_RECURSIVE : 0;
	int tree;

	if (setns(m->foreign_ns, CLONE_NEWNS) < 0)
		return errno;
	tree = open_tree(AT_FDCWD, m->foreign_path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | recursive);
	if (tree < 0)
		return errno;
	return dup3(tree, m->foreign_tree, O_CLOEXEC) < 0 ? errno : close(tree) ? errno : 0;
}

static int fetch_tree(struct start *st, const struct planned_mount *m)
{
	int pidfd = -1, status;
	pid_t pid = spawn_clone(CLONE_FILES, &pidfd);

	if (pid < 0)
		return start_fail(st, errno, "clone", NULL);
	if (pid == 0)
		_exit(take_tree(m) & 0xff);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return start_fail(st, errno, "wait for a child", NULL);
	close(pidfd);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return start_fail(st, WIFEXITED(status) ? WEXITSTATUS(status) : ECHILD, "take the mount of", m->source);
	return 0;
}

static int fetch_trees(struct start *st)
{
	for (size_t i = 0; i < st->mounts_len && st->foreign; i++)
		if (st->mounts[i].foreign_path && fetch_tree(st, &st->mounts[i]) < 0)
			return -st->failed_code;
	return 0;
}

/* Between us and the container: ends as soon as that is there. REPORT is its end of a socket to the caller. */
static _Noreturn void join(struct start *st, int report)
{
	int control = st->child_end, pidfd = -1;
	struct start_message m = { .kind = START_CLONED };
	pid_t pid;

	st->child_end = report;
	/* In there is somebody who might look into us. These two files of our own could not be opened then; they come first. */
	if (start_joins(st, CLONE_NEWUSER) && !st->new_time && !st->spec->process.has_oom_score_adj)
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (enter_all(st) < 0 || fetch_trees(st) < 0)
		start_report_failure(st);
	pid = spawn_clone((st->clone_flags & ~st->late_flags) | CLONE_PARENT, &pidfd);
	if (pid == 0) {
		close(report);
		st->child_end = control;
		start_child(st);
	}
	if (pid < 0) {
		start_fail(st, errno, "make the container's namespaces", NULL);
		start_report_failure(st);
	}
	m.code = pid;
	_exit(start_send_message(st, &m, offsetof(struct start_message, ns), pidfd) < 0);
}

/* --- the caller, again --- */

pid_t start_clone_joined(struct start *st, int *ret_pidfd, struct start_message *ret_failure)
{
	autoclose int ours = -1, theirs = -1, pidfd = -1;
	struct start_message m;
	int pair[2], fd = -1, r;
	pid_t pid;

	*ret_failure = (struct start_message){ .kind = START_FAILED, .what = "join the namespaces" };
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return ret_failure->code = errno, -1;
	ours = pair[0];
	theirs = pair[1];
	pid = spawn_clone(0, &pidfd);
	if (pid < 0)
		return ret_failure->code = errno, -1;
	if (pid == 0)
		join(st, theirs);
	close(TAKE_FD(theirs));
	r = start_receive(ours, &m, &fd);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (r < 0)
		ret_failure->code = ECHILD;
	else if (m.kind != START_CLONED)
		*ret_failure = m;
	if (r < 0 || m.kind != START_CLONED)
		return -1;
	*ret_pidfd = fd;
	return m.code;
}

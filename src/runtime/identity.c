/*
 * Who the program is: user, groups, capabilities, no new privileges, seccomp.
 *
 * The order is bound by what each call needs. Dropping from the bounding set, and a filter without
 * no_new_privs, need capabilities; the filter of an interceptor comes before the user and groups, which
 * are its first calls to answer; with no_new_privs the profile comes last, so that it need not allow
 * what happens here.
 */
#include "base/cleanup.h"
#include "runtime/start.h"
#include "sys/seccomp.h"

#include <errno.h>
#include <limits.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What the profile notifies of is answered from here on, so its listener has to be where it belongs. */
static int show_listener(struct start *st, int fd)
{
	autoclose int listener = fd;
	int r = start_send(st, START_SECCOMP, listener);

	if (r == 0)
		r = start_wait(st);
	return r < 0 ? start_fail(st, -r, "pass the seccomp listener on", NULL) : 0;
}

static int install_profile(struct start *st)
{
	int r;

	if (!st->filter || st->filter_installed)
		return 0;
	st->filter_installed = true;
	r = seccomp_install(st->filter, st->filter_len, st->filter_flags);
	start_note(st, r, "install the seccomp profile", NULL,
		   "system calls that no ordinary program needs are refused",
		   "seccomp(SECCOMP_SET_MODE_FILTER, 0x%x, {%zu instructions})", st->filter_flags, st->filter_len);
	if (r < 0)
		return start_fail(st, -r, "install the seccomp profile", NULL);
	return st->filter_notifies ? show_listener(st, r) : 0;
}

/* WAIT_KILLABLE_RECV (5.19): else a signal makes a call that was already answered run again. */
static int install_notify(struct start *st)
{
	const unsigned killable = SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	const struct runtime_options *o = st->options;
	autoclose int listener = -1;
	int r;

	/*
	 * From here to the exec a process of the container whose user namespace we joined could look into us, if it has
	 * CAP_SYS_PTRACE (without, the capabilities that we keep until then are too many for it).
	 */
	if (start_joins(st, CLONE_NEWUSER) && prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
		return start_fail(st, errno, "be seen by the interceptor", NULL);
	listener = seccomp_install(o->notify_filter, o->notify_filter_len, killable);

	if (listener == -EINVAL)
		listener = seccomp_install(o->notify_filter, o->notify_filter_len, SECCOMP_FILTER_FLAG_NEW_LISTENER);
	start_note(st, listener < 0 ? listener : 0, "install the interceptor", NULL,
		   "users, groups and owners are emulated",
		   "seccomp(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, {%zu instructions})",
		   o->notify_filter_len);
	if (listener < 0)
		return start_fail(st, -listener, "install the interceptor's filter", NULL);
	r = start_send(st, START_LISTENER, listener);
	/* Who enters a container can't be looked into (enter.c), so the interceptor is told by the caller who it is. */
	if (r == 0 && st->target)
		r = start_wait(st);
	return r < 0 ? start_fail(st, -r, "start the interceptor", NULL) : 0;
}

/* With one id mapped the kernel denies setgroups(2), so there the caller's groups stay. */
static int set_groups(struct start *st)
{
	const struct oci_ids *groups = &st->spec->process.user.additional_gids;
	bool denied = st->groups_denied && st->options->notify_filter_len == 0;

	if (denied && groups->len == 0)
		return 0;
	if (syscall(SYS_setgroups, groups->len, groups->items) < 0)
		return start_fail(st, errno, "set the additional groups", NULL);
	start_note(st, 0, "set the groups", NULL, "", "setgroups(%zu, …)", groups->len);
	return 0;
}

static int set_ids(struct start *st)
{
	const struct oci_user *user = &st->spec->process.user;
	int r = set_groups(st);

	if (r < 0)
		return r;
	/* By the bare calls: the library's would tell other threads, of which there are none. */
	if (syscall(SYS_setresgid, user->gid, user->gid, user->gid) < 0)
		return start_fail(st, errno, "take on the group", NULL);
	if (syscall(SYS_setresuid, user->uid, user->uid, user->uid) < 0)
		return start_fail(st, errno, "take on the user", NULL);
	start_note(st, 0, "take on the user", NULL, "", "setresgid(%u, %u, %u); setresuid(%u, %u, %u)", user->gid,
		   user->gid, user->gid, user->uid, user->uid, user->uid);
	return 0;
}

static int set_capabilities(struct start *st)
{
	int r = caps_set(&st->caps);

	/* In a new user namespace none is ambient: capabilities(7). */
	if (r == 0 && (st->caps.ambient || !(st->clone_flags & CLONE_NEWUSER)))
		r = caps_set_ambient(st->caps.ambient);
	start_note(st, r, "drop capabilities", NULL, "even its root may do only this much",
		   "capset({effective=0x%llx, permitted=0x%llx, inheritable=0x%llx})",
		   (unsigned long long)st->caps.effective, (unsigned long long)st->caps.permitted,
		   (unsigned long long)st->caps.inheritable);
	return r < 0 ? start_fail(st, -r, "set the capabilities", NULL) : 0;
}

/* The container ends with the thread that started it. Comes after the change of user, which forgets it: prctl(2). */
static int tie_to_caller(struct start *st)
{
	struct pollfd caller = { .fd = st->child_end };

	if (st->options->detached)
		return 0;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return start_fail(st, errno, "tie the container to its caller", NULL);
	/* In case that it ended before: then its end of the socket is closed. */
	return poll(&caller, 1, 0) == 1 && caller.revents & POLLHUP ? start_fail(st, ECANCELED, "find the caller", NULL)
								    : 0;
}

/* Also makes sure that it is below our root: "(unreachable)…" is what the kernel calls other places, getcwd(2). */
static int enter_cwd(struct start *st)
{
	char where[PATH_MAX];

	if (!st->cwd)
		return 0;
	if (chdir(st->cwd) < 0)
		return start_fail(st, errno, "enter the working folder", st->cwd);
	if (syscall(SYS_getcwd, where, sizeof(where)) < 0 || where[0] != '/')
		return start_fail(st, EXDEV, "enter the working folder", st->cwd);
	return 0;
}

/*
 * Whoever possesses the session's keyring may read the keys in it. Our profile forbids the calls; where it is not in force, the
 * container gets an empty keyring of its own. Refused by a filter on ourselves, the calls are out of its reach as well.
 */
static int leave_keyring(struct start *st)
{
	if (st->spec->linux_.seccomp_ready.json || st->options->keep_keyring)
		return 0;
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS && errno != EPERM)
		return start_fail(st, errno, "make a session keyring", NULL);
	start_note(st, 0, "make a session keyring", NULL, "the keys of the caller's session are out of reach",
		   "keyctl(KEYCTL_JOIN_SESSION_KEYRING, NULL)");
	return 0;
}

static int set_no_new_privs(struct start *st)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return start_fail(st, errno, "set no_new_privs", NULL);
	start_note(st, 0, "no new privileges", NULL, "setuid programs give it nothing",
		   "prctl(PR_SET_NO_NEW_PRIVS, 1)");
	/* A listener is passed on as long as the caller is there. */
	return st->filter_notifies ? install_profile(st) : 0;
}

/*
 * Where ids are emulated, each call that asks for one costs two switches between processes, and the first waits until the
 * interceptor is there. Whom the new user namespace made root, and who is to be just that, has nothing to ask for.
 */
static bool is_root_already(const struct start *st)
{
	const struct oci_user *user = &st->spec->process.user;

	return st->options->notify_filter_len > 0 && !st->target && st->clone_flags & CLONE_NEWUSER && user->uid == 0 &&
	       user->gid == 0 && user->additional_gids.len == 0;
}

int start_take_identity(struct start *st)
{
	const struct oci_process *p = &st->spec->process;
	bool is_notified = st->options->notify_filter_len > 0, is_root = is_root_already(st);
	/* Whoever enters a container with emulated ids has them from its caller. */
	bool has_ids = st->target && st->options->notify_filter_len > 0;
	int r = leave_keyring(st);

	if (r < 0)
		return r;
	r = caps_limit_bounding(st->caps.bounding);
	if (r < 0)
		return start_fail(st, -r, "limit the capabilities", NULL);
	start_note(st, 0, "limit capabilities", NULL, "no program it executes can have more",
		   "prctl(PR_CAPBSET_DROP, …) for all but 0x%llx", (unsigned long long)st->caps.bounding);
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return start_fail(st, errno, "keep capabilities", NULL);
	if (!p->no_new_privileges)
		r = install_profile(st);
	if (r == 0 && is_notified && !is_root)
		r = install_notify(st);
	if (r == 0 && !has_ids && !is_root)
		r = set_ids(st);
	if (r < 0)
		return r;
	umask(p->user.has_umask ? p->user.umask & 0777 : 0022);
	r = enter_cwd(st);
	if (r == 0)
		r = tie_to_caller(st);
	if (r == 0 && is_root)
		r = install_notify(st);
	if (r == 0 && !has_ids)
		r = set_capabilities(st);
	if (r == 0 && p->no_new_privileges)
		r = set_no_new_privs(st);
	return r;
}

/* With no_new_privs a profile needs no rights: it comes as late as it can, so that it need not allow what we do before. */
int start_confine(struct start *st)
{
	return st->spec->process.no_new_privileges && !st->filter_notifies ? install_profile(st) : 0;
}

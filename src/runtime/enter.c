/*
 * A further process in a container that runs.
 *
 *     caller                       between                      the new process
 *     runtime_exec  --- clone3 --> limits of pid 1, its control groups
 *                                  nobody can look into it from here on
 *                                  setns(pidfd of pid 1): all namespaces at once
 *                                  --- clone3, CLONE_PARENT ---> a child of the caller, in the pid namespace
 *                   <-- pid, pidfd
 *                                  ends                         terminal, descriptors, identity
 *                   <-- console, listener ---------------------
 *                   <-- end of file -------------------------- exec of init, exec of the program
 *
 * In the container there are others who would look into the new process while it still has our memory, our descriptors
 * and more rights than they (CVE-2016-9962), or keep its executable, ours, to write to it later (CVE-2019-5736). So it is
 * not dumpable before it is in there: then only a tracer with CAP_SYS_PTRACE in the user namespace of its memory may, and that is
 * the caller's. It stays so until its memory is init's. For the supervisor of emulated ids that is as true as for the
 * container: it can't read the arguments of our calls, so it learns from the caller who the process is, and what it
 * is asked before that exec it lets pass.
 *
 * All of ours that was open is closed before the working folder is entered, and that must be below the container's root
 * (CVE-2024-21626). The sets of capabilities are the spec's, so nothing is inheritable that wasn't (CVE-2022-29162).
 */
#include "base/cleanup.h"
#include "base/str.h"
#include "runtime/nature.h"
#include "runtime/start.h"
#include "sys/fs.h"
#include "sys/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

/* In the order in which they are joined one by one: what may be done in the others is decided by the user namespace. */
static const struct {
	const char *file;
	uint64_t flag;
} kinds[] = {
	{ "ns/user", CLONE_NEWUSER },	  { "ns/mnt", CLONE_NEWNS },	{ "ns/pid", CLONE_NEWPID },
	{ "ns/net", CLONE_NEWNET },	  { "ns/ipc", CLONE_NEWIPC },	{ "ns/uts", CLONE_NEWUTS },
	{ "ns/cgroup", CLONE_NEWCGROUP }, { "ns/time", CLONE_NEWTIME },
};

/* --- the target --- */

static bool has_ended(const struct runtime_target *t)
{
	struct pollfd end = { .fd = t->pidfd, .events = POLLIN };

	return poll(&end, 1, 0) != 0;
}

int runtime_target_open(pid_t pid, int pidfd, struct runtime_target *ret, struct err *err)
{
	struct runtime_target t = { .pid = pid, .pidfd = pidfd, .proc_fd = -1 };
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	t.proc_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	/* The folder is that of whoever has the number now: ours if it has not ended. */
	if (t.proc_fd < 0 || has_ended(&t)) {
		runtime_target_done(&t);
		return err_set(err, ESRCH, "the container has ended");
	}
	*ret = t;
	return 0;
}

void runtime_target_done(struct runtime_target *target)
{
	if (target->pidfd >= 0)
		close(target->pidfd);
	if (target->proc_fd >= 0)
		close(target->proc_fd);
	*target = RUNTIME_TARGET_INIT;
}

/* --- prepared by the caller --- */

/* Which of the namespaces WANTED (0: all) are others than ours; to join an own one again is refused, or needs rights. */
static int foreign_namespaces(const struct runtime_target *target, uint64_t wanted, uint64_t *ret, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		char own[32];
		struct stat ours, theirs;

		if (wanted && !(wanted & kinds[i].flag))
			continue;
		snprintf(own, sizeof(own), "/proc/self/%s", kinds[i].file);
		/* A kind that the kernel doesn't have. */
		if (stat(own, &ours) < 0)
			continue;
		if (fstatat(target->proc_fd, kinds[i].file, &theirs, 0) < 0) {
			/* A process that is ending lets go of them before it tells so. */
			if (errno == ENOENT || errno == ESRCH)
				return err_set(err, ESRCH, "the container has ended");
			err_errno(err, errno, "look at the container's namespaces");
			return err_hint(err, "only root and the user who runs the container may enter it");
		}
		if (ours.st_ino != theirs.st_ino)
			*ret |= kinds[i].flag;
	}
	return 0;
}

/* Where an ordinary user has mapped a single id, the kernel denies setgroups(2): user_namespaces(7). */
static int look_at_groups(struct start *st, struct err *err)
{
	autobuf struct buf text = BUF_INIT(64);
	int r = fs_read_file(st->target->proc_fd, "setgroups", text.max, &text, err);

	st->groups_denied = r >= 0 && str_starts_with(buf_str(&text), "deny");
	return r < 0 ? r : 0;
}

static int prepare(struct start *st, uint64_t namespaces, struct err *err)
{
	int r;

	st->is_member = namespaces == 0;
	st->init_fd = st->caller_end = st->child_end = st->root_fd = st->terminal = -1;
	st->go = st->report = st->creating_state = st->created_state = -1;
	r = start_check(st, err);
	if (r == 0)
		r = foreign_namespaces(st->target, namespaces, &st->clone_flags, err);
	if (r == 0 && st->clone_flags & CLONE_NEWUSER)
		r = look_at_groups(st, err);
	if (r == 0 && namespaces == 0)
		r = start_prepare_cgroups(st, err);
	if (r == 0)
		r = start_prepare_process(st, err);
	if (r < 0)
		return r;
	st->cwd = st->spec->process.cwd ? path_clean(st->spec->process.cwd) : NULL;
	return st->spec->process.cwd && !st->cwd ? err_oom(err) : 0;
}

/* --- the process between --- */

/*
 * As pid 1 has them now. Above our own hard limit nothing helps but rights that we don't have: then ours stays.
 * RLIMIT_LOCKS is no limit: where ids are emulated it says who a process is.
 */
static void take_over_limits(const struct start *st)
{
	for (int i = 0; i < RLIM_NLIMITS; i++) {
		struct rlimit theirs, ours;

		if (i == RLIMIT_LOCKS || prlimit(st->target->pid, (__rlimit_resource_t)i, NULL, &theirs) < 0 ||
		    getrlimit((__rlimit_resource_t)i, &ours) < 0)
			continue;
		if (setrlimit((__rlimit_resource_t)i, &theirs) == 0)
			continue;
		if (theirs.rlim_cur < ours.rlim_max)
			ours.rlim_cur = theirs.rlim_cur;
		setrlimit((__rlimit_resource_t)i, &ours);
	}
}

static int enter_cgroups(struct start *st)
{
	for (size_t i = 0; st->cgroups && st->cgroups[i] >= 0; i++)
		if (write(st->cgroups[i], "0", 1) != 1)
			return start_fail(st, errno, "enter the container's control group", NULL);
	return 0;
}

/* Kernels before 5.8 don't take a pidfd. */
static int join_one_by_one(struct start *st)
{
	int fds[ARRAY_SIZE(kinds)];

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		fds[i] = -1;
		if (st->clone_flags & kinds[i].flag)
			fds[i] = openat(st->target->proc_fd, kinds[i].file, O_RDONLY | O_CLOEXEC);
	}
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (st->clone_flags & kinds[i].flag && setns(fds[i], (int)kinds[i].flag) < 0)
			return start_fail(st, errno, "join the namespace", kinds[i].file);
	return 0;
}

static int join_namespaces(struct start *st)
{
	int r = 0;

	if (st->clone_flags == 0)
		return 0;
	if (setns(st->target->pidfd, (int)st->clone_flags) < 0) {
		if (errno != EINVAL)
			return start_fail(st, errno == ESRCH ? ECANCELED : errno, "join the container", NULL);
		r = join_one_by_one(st);
	}
	start_note(st, r, "join the container", NULL, "it sees what pid 1 there sees", "setns(pidfd of %d, 0x%llx)",
		   (int)st->target->pid, (unsigned long long)st->clone_flags);
	return r;
}

/* As mode 0 of fs.suid_dumpable does at a change of credentials, but whatever the mode is. */
static int hide(struct start *st)
{
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ? start_fail(st, errno, "hide from the container", NULL) : 0;
}

/* --- the new process --- */

static int enter_root(struct start *st)
{
	int r = st->clone_flags & CLONE_NEWUSER ? start_become_root(st) : 0;

	if (r < 0)
		return r;
	st->root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return st->root_fd < 0 ? start_fail(st, errno, "open the container's root", "/") : 0;
}

/* Where it runs until it is in the container's control group, and from there on. */
static int set_initial_affinity(struct start *st)
{
	return start_set_affinity(st, st->spec->process.exec_cpu_affinity.initial);
}

static int set_final_affinity(struct start *st)
{
	return start_set_affinity(st, st->spec->process.exec_cpu_affinity.final);
}

static int set_nature(struct start *st)
{
	struct err err = { 0 };
	int r = nature_set_outside(st->spec, 0, &err);

	if (r < 0) {
		snprintf(st->failed_detail, sizeof(st->failed_detail), "%.159s", err.msg);
		return start_fail(st, -r, "set how it is scheduled", NULL);
	}
	return start_set_nature(st);
}

static int (*const steps_between[])(struct start *st) = {
	start_reset_signals,
	set_initial_affinity,
	start_set_limits,
	set_nature,
	enter_cgroups,
	set_final_affinity,
	hide,
	join_namespaces,
	hide,
};

static int (*const steps_inside[])(struct start *st) = {
	enter_root, hide, start_make_terminal, start_arrange_fds, start_take_identity, start_confine, start_exec,
};

static _Noreturn void go_inside(struct start *st)
{
	for (size_t i = 0; i < ARRAY_SIZE(steps_inside); i++)
		if (steps_inside[i](st) < 0)
			break;
	start_report_failure(st);
}

/* REPORT is its own end of a socket to the caller. */
static _Noreturn void go_between(struct start *st, int report)
{
	struct start_message m = { .kind = START_CLONED };
	int control = st->child_end, pidfd = -1;
	pid_t pid;

	st->child_end = report;
	st->tracing = st->options->on_step != NULL;
	if (st->is_member)
		take_over_limits(st);
	for (size_t i = 0; i < ARRAY_SIZE(steps_between); i++)
		if (steps_between[i](st) < 0)
			start_report_failure(st);
	pid = spawn_clone(CLONE_PARENT, &pidfd);
	if (pid == 0) {
		close(report);
		st->child_end = control;
		go_inside(st);
	}
	if (pid < 0) {
		/* ENOMEM is how the kernel says that the namespace's pid 1 has ended: pid_namespaces(7). */
		start_fail(st, errno == ENOMEM ? ECANCELED : errno, "make a process in the container", NULL);
		start_report_failure(st);
	}
	m.code = pid;
	_exit(start_send_message(st, &m, offsetof(struct start_message, ns), pidfd) < 0);
}

/* --- the caller, again --- */

static int make_pair(int *ours, int *theirs, struct err *err)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(err, errno, "make a socket pair");
	*ours = pair[0];
	*theirs = pair[1];
	return 0;
}

/* P becomes the new process, its control the socket to it; whoever is between is *RET_BETWEEN, to be reaped. */
static int clone_inside(struct start *st, struct container_process *p, struct process *ret_between, struct err *err)
{
	autoclose int report = -1, there = -1;
	struct container_process between = CONTAINER_PROCESS_INIT;
	int r = make_pair(&st->caller_end, &st->child_end, err);

	if (r == 0)
		r = make_pair(&report, &there, err);
	if (r < 0)
		return r;
	ret_between->pid = spawn_clone(0, &ret_between->pidfd);
	if (ret_between->pid < 0)
		return err_errno(err, errno, "clone");
	if (ret_between->pid == 0) {
		close(st->caller_end);
		close(report);
		go_between(st, there);
	}
	close(TAKE_FD(there));
	close(TAKE_FD(st->child_end));
	between.control = report;
	r = start_converse(st, &between, UNTIL_CLONED, err);
	p->pid = between.pid;
	p->pidfd = between.pidfd;
	p->control = TAKE_FD(st->caller_end);
	return r;
}

int runtime_exec(const struct oci_spec *spec, const struct runtime_target *target, uint64_t namespaces,
		 const struct runtime_options *options, struct container_process *ret, struct err *err)
{
	struct runtime_options o = *options;
	CLEANUP(start_done) struct start st = { .spec = spec, .options = &o, .target = target };
	CLEANUP(container_process_done) struct container_process p = CONTAINER_PROCESS_INIT;
	CLEANUP(process_done) struct process between = PROCESS_INIT;
	int r;

	o.detached = true;
	o.init = false;
	o.overlay = NULL;
	if (o.exit_code)
		*o.exit_code = 125;
	r = prepare(&st, namespaces, err);
	if (r == 0)
		r = clone_inside(&st, &p, &between, err);
	if (r == 0)
		r = start_converse(&st, &p, UNTIL_EXECUTED, err);
	/* Whatever could not be done then could not be done for that. */
	if (r == -ECANCELED || (r < 0 && has_ended(target)))
		return err_set(err, ESRCH, "the container has ended");
	if (r < 0)
		return r;
	close(TAKE_FD(p.control));
	*ret = p;
	p = CONTAINER_PROCESS_INIT;
	return 0;
}

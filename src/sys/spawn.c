#include "sys/spawn.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "config.h"
#include "sys/vfork.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SPAWN_FDS_MAX = 32, FIRST_FREE_FD = SPAWN_FDS_MAX + 1 };

/* What the child writes when it fails before exec. */
struct spawn_failure {
	int code;
	char stage[24];
};

static _Noreturn void child_fail(int report, const char *stage, int code)
{
	struct spawn_failure f = { .code = code };

	/* Between fork and exec: nothing that isn't async-signal-safe, so no snprintf. */
	memcpy(f.stage, stage, strnlen(stage, sizeof(f.stage) - 1));
	(void)!write(report, &f, sizeof(f));
	_exit(127);
}

static void reset_signals(void)
{
	struct sigaction sa = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		sigaction(sig, &sa, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Puts the wanted descriptors at 0, 1, 2 … and closes the rest but REPORT; returns where REPORT is then. */
static int arrange_fds(const struct spawn *s, int report)
{
	int moved[SPAWN_FDS_MAX];

	report = fcntl(report, F_DUPFD_CLOEXEC, FIRST_FREE_FD);
	for (size_t i = 0; i < s->fds_len; i++) {
		int from = s->fds[i] >= 0 ? s->fds[i] : open("/dev/null", O_RDWR | O_CLOEXEC);

		moved[i] = fcntl(from, F_DUPFD_CLOEXEC, FIRST_FREE_FD);
		if (moved[i] < 0)
			child_fail(report, "duplicate descriptors", errno);
	}
	for (size_t i = 0; i < s->fds_len; i++)
		if (dup2(moved[i], (int)i) < 0)
			child_fail(report, "arrange descriptors", errno);
	if (close_range((unsigned)s->fds_len, UINT_MAX, CLOSE_RANGE_CLOEXEC) < 0)
		child_fail(report, "close descriptors", errno);
	return report;
}

/* Waits until the parent has done its part; an end of file means that it could not. */
static void wait_for_parent(int go)
{
	char byte;
	ssize_t n;

	do
		n = read(go, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n != 1)
		_exit(127);
}

/* What the child is told; in memory that it may share with the parent. */
struct child {
	const struct spawn *spawn;
	int report, go; /* its ends of the pipes */
	pid_t parent;
};

static _Noreturn void run_child(void *arg)
{
	static char *const no_env[] = { NULL };
	const struct child *c = arg;
	const struct spawn *s = c->spawn;
	int report = c->report, r;

	if (s->on_child)
		wait_for_parent(c->go);
	reset_signals();
	if (s->die_with_parent && (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != c->parent))
		child_fail(report, "tie to the parent", errno ? errno : ESRCH);
	if (s->new_session)
		setsid();
	report = arrange_fds(s, report);
	r = s->setup ? s->setup(s->setup_arg) : 0;
	if (r < 0)
		child_fail(report, "set up", -r);
	execve(s->path, s->argv, s->envp ? s->envp : no_env);
	child_fail(report, "exec", errno);
}

/* Reads what the child has to say; 0 if it got to its exec. */
static int read_failure(int report, const struct spawn *s, struct err *err)
{
	struct spawn_failure f;
	ssize_t n;

	do
		n = read(report, &f, sizeof(f));
	while (n < 0 && errno == EINTR);
	if (n != sizeof(f))
		return 0;
	f.stage[sizeof(f.stage) - 1] = '\0';
	return err_errno(err, f.code, "start '%s': %s", s->path, f.stage);
}

pid_t spawn_clone(uint64_t flags, int *ret_pidfd)
{
	struct clone_args args = { .flags = CLONE_PIDFD | flags,
				   .pidfd = (uintptr_t)ret_pidfd,
				   /* Who gives its child to its own parent gives it its own signal as well. */
				   .exit_signal = flags & CLONE_PARENT ? 0 : SIGCHLD };
	long pid = syscall(SYS_clone3, &args, sizeof(args));

	/* The lowest byte of clone's flags is the signal, where CLONE_NEWTIME has its bit. */
	if (pid >= 0 || errno != ENOSYS || flags & CSIGNAL)
		return (pid_t)pid;
#ifdef __s390x__
	return (pid_t)syscall(SYS_clone, NULL, (unsigned long)flags | CLONE_PIDFD | SIGCHLD, ret_pidfd, NULL, 0);
#else
	return (pid_t)syscall(SYS_clone, (unsigned long)flags | CLONE_PIDFD | SIGCHLD, NULL, ret_pidfd, NULL, 0);
#endif
}

/* With our memory, unless it waits for us, which we can't do anything for while we wait for it. */
static int clone_child(struct child *c, int go_write, struct process *ret)
{
	const struct spawn *s = c->spawn;

	if (s->on_child) {
		ret->pid = spawn_clone(s->clone_flags, &ret->pidfd);
		if (ret->pid == 0) {
			close(go_write);
			run_child(c);
		}
		return ret->pid < 0 ? -errno : 0;
	}
	if (vfork_call(s->clone_flags, run_child, c, &ret->pid) < 0)
		return -errno;
	ret->pidfd = (int)syscall(SYS_pidfd_open, ret->pid, 0);
	if (ret->pidfd >= 0)
		return 0;
	kill(ret->pid, SIGKILL);
	while (waitpid(ret->pid, NULL, 0) < 0 && errno == EINTR)
		;
	return -EMFILE;
}

int spawn_start(const struct spawn *s, struct process *ret, struct err *err)
{
	autoclose int report_read = -1, report_write = -1, go_read = -1, go_write = -1;
	struct process p = PROCESS_INIT;
	int pipe_fds[2], r;

	if (s->fds_len < 3 || s->fds_len > SPAWN_FDS_MAX)
		return err_set(err, EINVAL, "start '%s': %zu descriptors", s->path, s->fds_len);
	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return err_errno(err, errno, "start '%s': make a pipe", s->path);
	report_read = pipe_fds[0];
	report_write = pipe_fds[1];
	if (s->on_child && pipe2(pipe_fds, O_CLOEXEC) < 0)
		return err_errno(err, errno, "start '%s': make a pipe", s->path);
	if (s->on_child) {
		go_read = pipe_fds[0];
		go_write = pipe_fds[1];
	}

	r = clone_child(&(struct child){ s, report_write, go_read, getpid() }, go_write, &p);
	if (r < 0)
		return err_errno(err, -r, "start '%s': clone", s->path);
	close(TAKE_FD(report_write));
	if (s->on_child) {
		r = s->on_child(p.pid, s->on_child_arg, err);
		if (r >= 0)
			(void)!write(go_write, "", 1);
	}
	if (r >= 0 && !s->dont_wait)
		r = read_failure(report_read, s, err);
	if (r < 0) {
		process_done(&p);
		return r;
	}
	*ret = p;
	return 0;
}

int process_wait(struct process *p, int *ret_status, struct err *err)
{
	int status;

	while (waitpid(p->pid, &status, 0) < 0) {
		if (errno != EINTR)
			return err_errno(err, errno, "wait for process %d", (int)p->pid);
	}
	if (p->pidfd >= 0)
		close(p->pidfd);
	*p = PROCESS_INIT;
	if (ret_status)
		*ret_status = status;
	return 0;
}

void process_kill(struct process *p, int sig)
{
	if (p->pidfd >= 0)
		syscall(SYS_pidfd_send_signal, p->pidfd, sig, NULL, 0);
}

void process_done(struct process *p)
{
	if (p->pidfd < 0)
		return;
	process_kill(p, SIGKILL);
	process_wait(p, NULL, NULL);
}

int helper_path(const char *name, char **ret, struct err *err)
{
	static const char *const places[] = { "%.*s/libexec/cloche/%s", "%.*s/../libexec/cloche/%s" };
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n < 0)
		return err_errno(err, errno, "find the helper '%s': read /proc/self/exe", name);
	self[n] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		int dir_len = (int)(path_basename(self) - self - 1);
		autofree char *path = str_format(places[i], dir_len, self, name);

		if (!path)
			return err_oom(err);
		if (access(path, X_OK) == 0) {
			*ret = TAKE_PTR(path);
			return 0;
		}
	}
	err_set(err, ENOENT, "find the helper '%s': not beside '%s'", name, self);
	return err_hint(err, "install cloche whole (make install), or run build/cloche where it was built");
}

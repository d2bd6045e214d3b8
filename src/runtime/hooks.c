/*
 * Hooks: config.md, "POSIX-platform Hooks".
 *
 * Those of the runtime's namespaces are started by the caller. Those of the container's are started by the new process
 * itself: createContainer while its root is still the machine's, startContainer last of all, with the container's root,
 * identity and profile. What they read as the state is in memory files that exist before the process does; the caller
 * fills them in once it knows the pid, so nothing is too long and nobody has to feed a pipe.
 */
#include "base/cleanup.h"
#include "base/timefmt.h"
#include "runtime/start.h"
#include "sys/fs.h"
#include "sys/msg.h"
#include "sys/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STATE_MAX = 4 << 20, NSPID_MAX = 64 * 1024 };

static int memory_file(const char *name)
{
	return memfd_create(name, MFD_CLOEXEC);
}

static bool has_any(const struct oci_hooks *h)
{
	return h->prestart.len || h->create_runtime.len || h->create_container.len || h->start_container.len;
}

/* --- both: waiting for one --- */

/* Ends PID if it takes longer. 0, -ETIME, or what it ended with as 1 + the wait status. Only system calls. */
static int wait_hook(pid_t pid, int pidfd, int64_t timeout_s)
{
	struct pollfd end = { .fd = pidfd, .events = POLLIN };
	int64_t left_ms = timeout_s * 1000;
	bool late = false;
	int status;

	if (pidfd >= 0 && timeout_s > 0) {
		/* In parts, since poll counts in an int. An interrupted one is taken for a whole: it was no signal of ours. */
		while (left_ms > 0 && poll(&end, 1, (int)(left_ms < 1000 ? left_ms : 1000)) <= 0)
			left_ms -= 1000;
		late = left_ms <= 0;
		if (late)
			kill(pid, SIGKILL);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (late)
		return -ETIME;
	return status == 0 ? 0 : 1 + status;
}

static void describe_end(int r, char *dst, size_t size)
{
	int status = r - 1;

	if (r == -ETIME)
		snprintf(dst, size, "it took longer than its timeout, and was killed");
	else if (r < 0)
		snprintf(dst, size, "%s", strerror(-r));
	else if (WIFSIGNALED(status))
		snprintf(dst, size, "signal %d ended it", WTERMSIG(status));
	else
		snprintf(dst, size, "it ended with %d", WEXITSTATUS(status));
}

/* --- the caller's --- */

static int go_to(void *folder)
{
	return chdir(folder) < 0 ? -errno : 0;
}

/* The hook is given our standard error as its output, since ours may be somebody's result. */
static int run_hook(const struct oci_hook *h, int state, const char *cwd, struct err *err)
{
	char *const default_argv[] = { h->path, NULL };
	char *const no_env[] = { NULL };
	const int fds[] = { state, 2, 2 };
	struct spawn s = { .path = h->path,
			   .argv = h->args.len ? h->args.items : default_argv,
			   .envp = h->env.len ? h->env.items : no_env,
			   .fds = fds,
			   .fds_len = 3,
			   .setup = cwd ? go_to : NULL,
			   .setup_arg = (void *)(uintptr_t)cwd };
	struct process p = PROCESS_INIT;
	char how[128];
	int r;

	if (lseek(state, 0, SEEK_SET) < 0)
		return err_errno(err, errno, "rewind the state");
	r = spawn_start(&s, &p, err);
	if (r < 0)
		return r;
	r = wait_hook(p.pid, p.pidfd, h->timeout);
	if (p.pidfd >= 0)
		close(p.pidfd);
	if (r == 0)
		return 0;
	describe_end(r, how, sizeof(how));
	return err_set(err, r < 0 ? -r : EPERM, "%s", how);
}

int runtime_run_hooks(const struct oci_hook_list *hooks, const char *kind, const char *state, const char *cwd,
		      bool go_on, struct err *err)
{
	autoclose int fd = -1;
	int result = 0;

	if (hooks->len == 0)
		return 0;
	fd = memory_file("state");
	if (fd < 0)
		return err_errno(err, errno, "make a memory file for the hooks");
	if (fs_write_all(fd, state, strlen(state), err) < 0)
		return err_wrap(err, "write the state for the hooks");
	for (size_t i = 0; i < hooks->len; i++) {
		struct err mine = { 0 };
		int r = run_hook(&hooks->items[i], fd, cwd, &mine);

		if (r >= 0)
			continue;
		err_wrap(&mine, "%s hook %zu '%s'", kind, i + 1, hooks->items[i].path);
		if (err && result == 0)
			*err = mine;
		if (result == 0)
			result = r;
		if (!go_on)
			break;
	}
	return result;
}

/* What the container itself has as the number of PID: the last of "NSpid:" (proc_pid_status(5)). */
static pid_t pid_inside(pid_t pid)
{
	autobuf struct buf text = BUF_INIT(NSPID_MAX);
	char path[32];
	const char *line, *end;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if (fs_read_file(AT_FDCWD, path, NSPID_MAX, &text, NULL) < 0)
		return pid;
	line = strstr(buf_str(&text), "\nNSpid:");
	if (!line)
		return pid;
	end = line + 1 + strcspn(line + 1, "\n");
	while (end > line && end[-1] >= '0' && end[-1] <= '9')
		end--;
	return (pid_t)strtol(end, NULL, 10);
}

static int state_text(const struct start *st, const char *status, pid_t pid, struct buf *text, struct err *err)
{
	const struct runtime_options *o = st->options;
	int r = o->hook_state(status, pid, text, o->hook_arg, err);

	return r < 0 ? r : 0;
}

static int fill_in(const struct start *st, int fd, const char *status, pid_t pid, struct err *err)
{
	autobuf struct buf text = BUF_INIT(STATE_MAX);
	int r = state_text(st, status, pid, &text, err);

	return r < 0 ? r : fs_write_all(fd, buf_str(&text), text.len, err);
}

int start_prepare_hooks(struct start *st, struct err *err)
{
	const struct oci_hooks *h = &st->spec->hooks;

	if (st->target || !has_any(h))
		return 0;
	if (!st->options->hook_state)
		return err_set(err, EOPNOTSUPP, "the configuration has hooks, and nobody who tells them the state");
	st->has_hooks = true;
	st->creating_state = memory_file("state");
	st->created_state = memory_file("state");
	if (st->creating_state < 0 || st->created_state < 0)
		return err_errno(err, errno, "make a memory file for the hooks");
	return 0;
}

int start_serve_hooks(struct start *st, const struct container_process *p, struct err *err)
{
	const struct oci_hooks *h = &st->spec->hooks;
	autobuf struct buf text = BUF_INIT(STATE_MAX);
	pid_t inside = pid_inside(p->pid);
	int r = state_text(st, "creating", p->pid, &text, err);

	if (r == 0)
		r = runtime_run_hooks(&h->prestart, "prestart", buf_str(&text), st->bundle, false, err);
	if (r == 0)
		r = runtime_run_hooks(&h->create_runtime, "createRuntime", buf_str(&text), st->bundle, false, err);
	if (r == 0)
		r = fill_in(st, st->creating_state, "creating", inside, err);
	if (r == 0)
		r = fill_in(st, st->created_state, "created", inside, err);
	return r;
}

/* --- the new process's --- */

static _Noreturn void become_hook(const struct oci_hook *h, int state, const char *cwd)
{
	char *const default_argv[] = { h->path, NULL };
	char *const no_env[] = { NULL };

	if ((!cwd || chdir(cwd) == 0) && dup2(state, 0) >= 0 && close_range(3, ~0U, 0) == 0)
		execve(h->path, h->args.len ? h->args.items : default_argv, h->env.len ? h->env.items : no_env);
	_exit(errno == ENOENT ? 127 : 126);
}

static int run_inside(struct start *st, const struct oci_hook_list *hooks, const char *what, int state, const char *cwd)
{
	for (size_t i = 0; i < hooks->len; i++) {
		const struct oci_hook *h = &hooks->items[i];
		int pidfd = -1, r;
		pid_t pid;

		if (lseek(state, 0, SEEK_SET) < 0)
			return start_fail(st, errno, what, h->path);
		pid = spawn_clone(0, &pidfd);
		if (pid == 0)
			become_hook(h, state, cwd);
		if (pid < 0)
			return start_fail(st, errno, what, h->path);
		r = wait_hook(pid, pidfd, h->timeout);
		if (pidfd >= 0)
			close(pidfd);
		start_note(st, r ? -EPERM : 0, what, h->path, "the configuration wants it to be run now",
			   "clone3(); execve(\"%s\")", h->path);
		if (r == 0)
			continue;
		describe_end(r, st->failed_detail, sizeof(st->failed_detail));
		return start_fail(st, r < 0 ? -r : EPERM, what, h->path);
	}
	return 0;
}

int start_run_hooks_before(struct start *st)
{
	int r;

	if (!st->has_hooks)
		return 0;
	r = start_send(st, START_HOOKS, -1);
	if (r == 0)
		r = start_wait(st);
	if (r < 0)
		return start_fail(st, -r, "wait for the hooks", NULL);
	return run_inside(st, &st->spec->hooks.create_container, "run the createContainer hook", st->creating_state,
			  st->bundle);
}

int start_run_hooks_last(struct start *st)
{
	return st->has_hooks ? run_inside(st, &st->spec->hooks.start_container, "run the startContainer hook",
					  st->created_state, NULL)
			     : 0;
}

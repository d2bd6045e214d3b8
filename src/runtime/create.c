/* The caller's side of a start: clone, then a conversation with the new process until its program runs. */
#include "base/cleanup.h"
#include "runtime/nature.h"
#include "runtime/start.h"
#include "sys/processes.h"
#include "sys/spawn.h"
#include "sys/userns.h"
#include "sys/vfork.h"

#include <errno.h>
#include <linux/sched.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Docker's codes: what went wrong on our side, a program that can't be executed, one that isn't there. */
enum { CODE_OURS = 125, CODE_NOT_EXECUTABLE = 126, CODE_NOT_FOUND = 127 };

static void set_exit_code(const struct runtime_options *options, int code)
{
	if (options->exit_code)
		*options->exit_code = code;
}

/* --- what the new process says --- */

int start_receive(int sock, struct start_message *m, int *ret_fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = m, .iov_len = sizeof(*m) };
	struct msghdr h = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control)
	};
	struct cmsghdr *c;
	ssize_t n;

	/*
	 * A process that fails before it has read our last word ends with that unread: the kernel then reports ECONNRESET
	 * once, ahead of what the process said.
	 */
	do
		n = recvmsg(sock, &h, MSG_CMSG_CLOEXEC);
	while (n < 0 && (errno == EINTR || errno == ECONNRESET));
	if (n < (ssize_t)sizeof(struct start_exec_failure))
		return -ECONNRESET;
	memset((char *)m + n, 0, sizeof(*m) - (size_t)n);
	*ret_fd = -1;
	c = CMSG_FIRSTHDR(&h);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(ret_fd, CMSG_DATA(c), sizeof(int));
	return 0;
}

/* What would help, for those failures whose cause is known. */
static void hint(struct err *err, const char *what, int code)
{
	if (strcmp(what, "join the namespace") == 0 && code == EPERM)
		err_hint(err,
			 "only root, and who owns the user namespace that it belongs to, may join it: its owner's user "
			 "namespace has to be joined as well");
	else if (strcmp(what, "mount a new /proc") == 0 && code == EPERM)
		err_hint(err, "a part of the /proc here is masked, as in an unprivileged pod or container, and the "
			      "kernel then "
			      "refuses a new one: run it there with unmasked /proc (Kubernetes: procMount: Unmasked; "
			      "docker and podman: --security-opt unmask=ALL)");
	else if (strcmp(what, "set the limit") == 0 && code == EPERM)
		err_hint(err,
			 "an ordinary user can't raise a limit above the hard limit of its own session (ulimit -H)");
	else if ((strcmp(what, "take on the user") == 0 || strcmp(what, "take on the group") == 0 ||
		  strcmp(what, "set the additional groups") == 0) &&
		 (code == EINVAL || code == EPERM))
		err_hint(
			err,
			"that id is not mapped in the container's user namespace: only one of ours is, or the range in "
			"/etc/subuid is too short");
	else if (strcmp(what, "enter the working folder") == 0 && code == EACCES)
		err_hint(err, "the container's user has no right to enter it");
	else if (strcmp(what, "bind") == 0 && code == EINVAL)
		err_hint(err, "something is mounted below it that may not be uncovered: bind it with 'rbind'");
	else if (strcmp(what, "set the options of the volume") == 0 && code == EPERM)
		err_hint(
			err,
			"in a user namespace the access times of the machine's mounts stay as they are, and flags that "
			"the machine has set can't be taken away");
	else if (strcmp(what, "find the volume") == 0 && code == ENOENT)
		err_hint(err, "the source of a volume must exist");
	else if (strcmp(what, "mount the overlay") == 0)
		err_hint(err, "'cloche doctor' says whether overlay works on this file system");
}

/* True if CODE is overlayfs refusing these folders, as opposed to something being missing. */
static bool is_overlay_refusal(const char *what, int code)
{
	return strcmp(what, "mount the overlay") == 0 && (code == EINVAL || code == EPERM || code == EACCES ||
							  code == ENODEV || code == EOPNOTSUPP || code == ELOOP);
}

/* A working folder that can't be entered is a program that can't be executed, to docker and to us. */
static int code_of_step(const struct start_message *m)
{
	if (strcmp(m->what, "enter the working folder") != 0)
		return CODE_OURS;
	return m->code == ENOENT ? CODE_NOT_FOUND : CODE_NOT_EXECUTABLE;
}

static int step_failed(const struct runtime_options *options, const struct start_message *m, struct err *err)
{
	bool refused = is_overlay_refusal(m->what, m->code);
	int code = refused ? RUNTIME_OVERLAY_REFUSED : m->code;
	const char *quote = m->path[0] ? "'" : "", *detail = m->effect[0] ? ": " : "";

	set_exit_code(options, code_of_step(m));
	err_set(err, code, "%s%s%s%s%s%s%s: %s", m->what, m->path[0] ? " " : "", quote, m->path, quote, detail,
		m->effect, strerror(m->code));
	hint(err, m->what, m->code);
	return -code;
}

static int exec_failed(const struct start *st, int code, struct err *err)
{
	const char *program = st->spec->process.args.items[0];
	bool missing = code == ENOENT || code == ENOTDIR;

	set_exit_code(st->options, missing ? CODE_NOT_FOUND : CODE_NOT_EXECUTABLE);
	if (missing && !strchr(program, '/'))
		err_set(err, code, "execute '%s': executable file not found in the container's PATH", program);
	else
		err_errno(err, code, "execute '%s' in the container", program);
	if (missing && strchr(program, '/'))
		err_hint(err, "if the file is there, its interpreter is not: the first line of a script, or the loader "
			      "of a program "
			      "for another libc");
	else if (code == EACCES)
		err_hint(err, "it is a folder, or has no right to be executed by the container's user");
	else if (code == ENOEXEC)
		err_hint(err, "it is a program of another architecture, or a script without a first line '#!…'");
	return -code;
}

static void tell_step(const struct runtime_options *options, const struct start_message *m)
{
	char what[sizeof(m->what) + sizeof(m->path) + 1];
	struct runtime_step step = {
		.what = what, .call = m->call, .effect = m->effect, .ns = m->ns, .result = m->code
	};

	snprintf(what, sizeof(what), m->path[0] ? "%s %s" : "%s", m->what, m->path);
	options->on_step(&step, options->on_step_arg);
}

static int go_on(int sock)
{
	ssize_t n;

	do
		n = send(sock, "", 1, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n == 1 ? 0 : -ECONNRESET;
}

/* Gives FD to the interceptor. The process meanwhile waits for the answer to its next call. */
static int pass_listener(struct start *st, const struct container_process *p, int fd, struct err *err)
{
	const struct runtime_options *o = st->options;
	int r;

	if (fd < 0 || !o->on_listener)
		return err_set(err, EINVAL, "start the interceptor: nobody listens");
	r = o->on_listener(fd, p->pid, o->on_listener_arg, err);
	/* Who enters a container waits until the supervisor knows who that is. */
	if (r >= 0 && st->target)
		go_on(p->control);
	return r < 0 ? r : 0;
}

static int pass_network(struct start *st, const struct container_process *p, int fd, struct err *err)
{
	const struct runtime_options *o = st->options;
	autoclose int netns = fd;

	if (netns < 0)
		return err_set(err, EBADMSG, "the container's process sent no network namespace");
	return o->on_network(netns, p->pidfd, o->network_arg, err);
}

int start_failure(const struct start *st, struct start_message *m, struct err *err)
{
	if (m->kind == START_EXEC_FAILED)
		return exec_failed(st, m->code, err);
	m->what[sizeof(m->what) - 1] = m->path[sizeof(m->path) - 1] = m->effect[sizeof(m->effect) - 1] = '\0';
	return step_failed(st->options, m, err);
}

/* That it has executed its program is the end of the socket. */
int start_converse(struct start *st, struct container_process *p, enum start_until until, struct err *err)
{
	for (;;) {
		struct start_message m;
		int fd = -1, r = start_receive(p->control, &m, &fd);

		if (r < 0)
			return until == UNTIL_EXECUTED
				       ? 0
				       : err_set(err, ECANCELED, "the container's process ended while it was set up");
		switch (m.kind) {
		case START_STEP:
			tell_step(st->options, &m);
			break;
		case START_CONSOLE:
			p->console = fd;
			break;
		case START_MOUNTS:
			p->mounts = fd;
			break;
		case START_LISTENER:
			r = pass_listener(st, p, fd, err);
			if (r < 0)
				return r;
			break;
		case START_SECCOMP:
			r = start_pass_seccomp(st, p->pid, fd, err);
			if (r < 0)
				return r;
			go_on(p->control);
			break;
		case START_NETWORK:
			r = pass_network(st, p, fd, err);
			if (r < 0)
				return r;
			break;
		case START_PREPARED:
			r = st->options->wait_network(st->options->network_arg, err);
			if (r < 0)
				return r;
			go_on(p->control);
			break;
		case START_READY:
			return 0;
		case START_HOOKS:
			r = start_serve_hooks(st, p, err);
			if (r < 0)
				return r;
			go_on(p->control);
			break;
		case START_CLONED:
			p->pid = m.code;
			p->pidfd = fd;
			return 0;
		default:
			return start_failure(st, &m, err);
		}
	}
}

/* --- the start --- */

static int clone_failed(const struct start *st, int code, struct err *err)
{
	if (st->clone_flags & CLONE_NEWUSER)
		return userns_refused(code, err);
	err_errno(err, code, "make the container's namespaces");
	if (code == EPERM)
		err_hint(err, "without a user namespace in its configuration only root may start it");
	return -code;
}

static void trace_clone(const struct start *st, uint64_t ns)
{
	struct runtime_step step = {
		.what = "make the namespaces",
		.call = "clone3(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | …)",
		.effect = "a process with its own view of users, files, processes, names and network",
		.ns = ns,
	};

	if (st->options->on_step)
		st->options->on_step(&step, st->options->on_step_arg);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int open_talk(struct start *st, struct err *err)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(err, errno, "make a socket pair");
	st->caller_end = pair[0];
	st->child_end = pair[1];
	return 0;
}

/* If the process is gone by now, the conversation tells why. */
static int do_meanwhile(const struct runtime_options *options, const struct container_process *p, struct err *err)
{
	int r = options->meanwhile ? options->meanwhile(options->meanwhile_arg, err) : 0;

	if (r < 0)
		return r;
	if (options->meanwhile)
		go_on(p->control);
	return 0;
}

static int set_from_outside(struct start *st, pid_t pid, struct err *err)
{
	int r = start_make_group(st, pid, err);

	if (r == 0)
		r = nature_set_outside(st->spec, pid, err);
	return r == 0 && st->limits_outside ? limits_set_outside(st->spec, pid, err) : r;
}

/* What the caller has to do for the process that is there since BEGAN_NS. */
static int attend(struct start *st, struct container_process *p, uint64_t began_ns, struct err *err)
{
	int r = 0;

	trace_clone(st, now_ns() - began_ns);
	p->control = TAKE_FD(st->caller_end);
	close(TAKE_FD(st->child_end));
	if (st->clone_flags & CLONE_NEWUSER && !st->own_maps) {
		r = userns_write_maps(p->pid, &st->ids, err);
		if (r == 0)
			go_on(p->control);
	}
	if (r == 0 && st->is_attended) {
		r = set_from_outside(st, p->pid, err);
		if (r == 0)
			go_on(p->control);
	}
	if (r == 0)
		r = do_meanwhile(st->options, p, err);
	return r < 0 ? r : start_converse(st, p, st->wait_for_start ? UNTIL_READY : UNTIL_EXECUTED, err);
}

/* By a copy of ourselves. */
static int begin_by_fork(struct start *st, struct container_process *p, struct err *err)
{
	uint64_t began_ns = now_ns();
	struct start_message failure;

	if (st->joined_len > 0 || st->foreign) {
		p->pid = start_clone_joined(st, &p->pidfd, &failure);
		if (p->pid < 0)
			return p->pid = 0, step_failed(st->options, &failure, err);
	} else {
		p->pid = spawn_clone(st->clone_flags & ~st->late_flags, &p->pidfd);
		if (p->pid < 0)
			return p->pid = 0, clone_failed(st, errno, err);
		if (p->pid == 0)
			start_child(st);
	}
	return attend(st, p, began_ns, err);
}

/* --- with our memory --- */

/*
 * The new process goes through its steps in our memory, as after vfork(2), while a thread of ours attends to it: the thread
 * that made it sleeps until it has executed init. It is that thread whose end would kill the container
 * (PR_SET_PDEATHSIG), so it is the attendant that is the passing one.
 */
struct attendant {
	struct start *st, *theirs; /* the new process has its own copy of what is written to */
	struct container_process *p;
	struct err *err;
	uint64_t began_ns;
	sem_t decided; /* there is a process, or `failed` says why there is none */
	int failed, result;
};

static void sharing_child(void *arg)
{
	struct attendant *a = arg;

	sem_post(&a->decided);
	start_child(a->theirs);
}

static void *attend_beside(void *arg)
{
	struct attendant *a = arg;

	while (sem_wait(&a->decided) < 0 && errno == EINTR)
		;
	if (a->failed)
		return NULL;
	a->p->pidfd = (int)syscall(SYS_pidfd_open, a->p->pid, 0);
	if (a->p->pidfd < 0)
		a->result = err_errno(a->err, errno, "open the container's process");
	else
		a->result = attend(a->st, a->p, a->began_ns, a->err);
	/* Else the other thread would sleep on. */
	if (a->result < 0)
		kill(a->p->pid, SIGKILL);
	return NULL;
}

static bool start_attendant(struct attendant *a, pthread_t *ret)
{
	/* One heap for both threads: making a second one would cost as much as the thread. */
	mallopt(M_ARENA_MAX, 1);
	return sem_init(&a->decided, 0, 0) == 0 && pthread_create(ret, NULL, attend_beside, a) == 0;
}

/* The time namespace can't be entered while memory is shared, a process that waits to be started may outlive us, and copying takes memory. */
static bool may_share_memory(const struct start *st)
{
	return vfork_shares_memory() && !st->wait_for_start && !st->is_outsider && !st->new_time &&
	       st->joined_len == 0 && !st->foreign && !st->copies_up && !st->has_hooks;
}

static int begin_sharing(struct start *st, struct container_process *p, struct err *err)
{
	struct start theirs = *st;
	struct attendant a = { .st = st, .theirs = &theirs, .p = p, .err = err, .began_ns = now_ns() };
	int dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
	pthread_t thread;

	if (!start_attendant(&a, &thread))
		return begin_by_fork(st, p, err);
	if (vfork_call(st->clone_flags & ~st->late_flags, sharing_child, &a, &p->pid) < 0) {
		a.failed = errno;
		sem_post(&a.decided);
	}
	pthread_join(thread, NULL);
	sem_destroy(&a.decided);
	/* Killed for want of a descriptor by which others would do it. */
	if (p->pid > 0 && p->pidfd < 0)
		container_process_wait(p, NULL, NULL);
	/* The new process hides its memory (steps.c), which was ours too. */
	if (dumpable == 1)
		prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	return a.failed ? clone_failed(st, a.failed, err) : a.result;
}

static int begin(const struct oci_spec *spec, const struct runtime_options *options, bool wait,
		 struct container_process *ret, struct err *err)
{
	CLEANUP(start_done) struct start st = { .spec = spec, .options = options, .wait_for_start = wait };
	CLEANUP(container_process_done) struct container_process p = CONTAINER_PROCESS_INIT;
	int r;

	set_exit_code(options, CODE_OURS);
	r = start_prepare(&st, err);
	if (r == 0)
		r = open_talk(&st, err);
	if (r == 0)
		r = may_share_memory(&st) ? begin_sharing(&st, &p, err) : begin_by_fork(&st, &p, err);
	if (r < 0)
		return r;
	if (!wait)
		close(TAKE_FD(p.control));
	st.group_kept = true;
	*ret = p;
	p = CONTAINER_PROCESS_INIT;
	return 0;
}

int runtime_create(const struct oci_spec *spec, const struct runtime_options *options, struct container_process *ret,
		   struct err *err)
{
	return begin(spec, options, true, ret, err);
}

int runtime_run(const struct oci_spec *spec, const struct runtime_options *options, struct container_process *ret,
		struct err *err)
{
	return begin(spec, options, false, ret, err);
}

int runtime_start(struct container_process *p, const struct oci_spec *spec, const struct runtime_options *options,
		  struct err *err)
{
	struct start st = { .spec = spec, .options = options };
	int r;

	if (p->control < 0)
		return err_set(err, EINVAL, "the container was started before");
	go_on(p->control);
	r = start_converse(&st, p, UNTIL_EXECUTED, err);
	close(TAKE_FD(p->control));
	if (r < 0)
		container_process_done(p);
	return r;
}

int container_process_wait(struct container_process *p, int *ret_status, struct err *err)
{
	siginfo_t end;
	int status;

	while (p->on_end && waitid(P_PID, (id_t)p->pid, &end, WEXITED | WNOWAIT) < 0)
		if (errno != EINTR)
			break;
	if (p->on_end)
		p->on_end(p->on_end_arg);
	while (waitpid(p->pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_errno(err, errno, "wait for the container's process %d", (int)p->pid);
	if (p->pidfd >= 0)
		close(TAKE_FD(p->pidfd));
	if (p->mounts >= 0) {
		processes_kill_in_mounts(p->mounts);
		close(TAKE_FD(p->mounts));
	}
	p->pid = 0;
	if (ret_status)
		*ret_status = status;
	return 0;
}

int container_exit_code(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void container_process_done(struct container_process *p)
{
	if (p->pid > 0 && p->pidfd >= 0) {
		syscall(SYS_pidfd_send_signal, p->pidfd, SIGKILL, NULL, 0);
		container_process_wait(p, NULL, NULL);
	}
	if (p->console >= 0)
		close(p->console);
	if (p->control >= 0)
		close(p->control);
	if (p->mounts >= 0)
		close(p->mounts);
	*p = CONTAINER_PROCESS_INIT;
}

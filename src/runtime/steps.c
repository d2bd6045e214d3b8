/* The new process: the steps of a start in their order, and what it says to its caller. */
#include "base/cleanup.h"
#include "runtime/start.h"
#include "sys/msg.h"
#include "sys/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* --- messages --- */

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int start_send_message(struct start *st, const struct start_message *m, size_t len, int fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)m, .iov_len = len };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (fd >= 0) {
		struct cmsghdr *c;

		h.msg_control = control.bytes;
		h.msg_controllen = sizeof(control.bytes);
		c = CMSG_FIRSTHDR(&h);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	do
		n = st->reports_by_fifo ? write(st->child_end, m, len) : sendmsg(st->child_end, &h, MSG_OWN_FLAGS);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

int start_send(struct start *st, enum start_kind kind, int fd)
{
	struct start_message m;

	m.kind = kind;
	m.code = 0;
	return start_send_message(st, &m, offsetof(struct start_message, ns), fd);
}

int start_wait(struct start *st)
{
	char byte;
	ssize_t n;

	do
		n = recv(st->child_end, &byte, 1, 0);
	while (n < 0 && errno == EINTR);
	return n == 1 ? 0 : -ECANCELED;
}

int start_fail(struct start *st, int code, const char *what, const char *path)
{
	st->failed_code = code;
	st->failed_what = what;
	snprintf(st->failed_path, sizeof(st->failed_path), "%s", path ? path : "");
	return -code;
}

void start_note_slow(struct start *st, int result, const char *what, const char *path, const char *effect,
		     const char *call, ...)
{
	struct start_message m = { .kind = START_STEP, .code = result };
	va_list ap;

	m.ns = now_ns() - st->last_ns;
	snprintf(m.what, sizeof(m.what), "%s", what);
	snprintf(m.path, sizeof(m.path), "%s", path ? path : "");
	snprintf(m.effect, sizeof(m.effect), "%s", effect);
	va_start(ap, call);
	vsnprintf(m.call, sizeof(m.call), call, ap);
	va_end(ap);
	start_send_message(st, &m, sizeof(m), -1);
	st->last_ns = now_ns();
}

_Noreturn void start_report_failure(struct start *st)
{
	struct start_message m = { .kind = START_FAILED, .code = st->failed_code };

	snprintf(m.what, sizeof(m.what), "%s", st->failed_what);
	memcpy(m.path, st->failed_path, sizeof(m.path));
	memcpy(m.effect, st->failed_detail, sizeof(m.effect));
	start_send_message(st, &m, offsetof(struct start_message, call), -1);
	_exit(EXIT_FAILURE);
}

/* --- steps that are too small for a file --- */

/* What the caller ignores or handles is no business of the container. */
int start_reset_signals(struct start *st)
{
	struct sigaction sa = { .sa_handler = SIG_DFL };
	sigset_t none;

	(void)st;
	for (int sig = 1; sig < NSIG; sig++)
		sigaction(sig, &sa, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	return 0;
}

/* Where the caller's own id isn't root's in there, the process becomes root, so that it may set things up. */
int start_become_root(struct start *st)
{
	if ((getegid() != 0 && setresgid(0, 0, 0) < 0) || (geteuid() != 0 && setresuid(0, 0, 0) < 0))
		return start_fail(st, errno, "become root of the user namespace", NULL);
	return 0;
}

static int map_ids(struct start *st)
{
	int r = 0;

	if (!st->in_userns)
		return 0;
	if (!(st->clone_flags & CLONE_NEWUSER)) {
		r = start_open_ahead(st);
		return r < 0 ? r : start_become_root(st);
	}
	if (st->late_flags && unshare((int)st->late_flags) < 0)
		return start_fail(st, errno, "make a network namespace", NULL);
	if (st->own_maps)
		r = userns_write_own(&st->ids);
	else
		r = start_wait(st);
	start_note(st, r, "map ids", NULL, "its root is an ordinary user outside",
		   "write(\"/proc/self/uid_map\", \"%u %u %u%s\")", st->ids.uids[0].inside, st->ids.uids[0].outside,
		   st->ids.uids[0].count, st->ids.uids_len > 1 ? "; …" : "");
	if (r < 0)
		return start_fail(st, -r, "map ids", NULL);
	r = start_open_ahead(st);
	return r < 0 ? r : start_become_root(st);
}

/*
 * From here on no process of the container can look into this one, whose memory and executable are ours. The
 * interceptor has to: it joins by our namespaces and reads the arguments of our calls. In a new user namespace there is
 * nobody else before the program is executed; in one that is joined, we show ourselves only once everything
 * of the machine's is closed (identity.c).
 */
static int hide_from_container(struct start *st)
{
	if (st->options->notify_filter_len > 0 && !start_joins(st, CLONE_NEWUSER))
		return 0;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return start_fail(st, errno, "hide from the container", NULL);
	return 0;
}

/* The working folder may be one that the image lacks: docker makes it. */
static int make_cwd(struct start *st)
{
	autoclose int fd = -1;

	if (!st->cwd || strcmp(st->cwd, "/") == 0)
		return 0;
	fd = place_make(st, st->cwd, true);
	/* On a root that can't be written, or in a folder that only its user may see: entering it will tell. */
	if (fd == -EROFS || fd == -EACCES)
		return 0;
	return fd < 0 ? start_fail(st, -fd, "make the working folder", st->cwd) : 0;
}

/* Whoever sets up the network may begin. */
static int show_network(struct start *st)
{
	autoclose int fd = -1;
	int r;

	if (!st->options->on_network)
		return 0;
	fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return start_fail(st, errno, "open", "/proc/self/ns/net");
	r = start_send(st, START_NETWORK, fd);
	return r < 0 ? start_fail(st, -r, "show the network namespace", NULL) : 0;
}

static int wait_for_network(struct start *st)
{
	int r;

	if (!st->options->on_network)
		return 0;
	r = start_send(st, START_PREPARED, -1);
	if (r == 0)
		r = start_wait(st);
	start_note(st, r, "wait for the network", NULL, "its interface, addresses and routes are there", "recv()");
	return r < 0 ? start_fail(st, -r, "wait for the network", NULL) : 0;
}

/* Nearly always the caller was done long ago. */
static int wait_for_caller(struct start *st)
{
	int r = st->options->meanwhile ? start_wait(st) : 0;

	return r < 0 ? start_fail(st, -r, "wait for the caller", NULL) : 0;
}

static int wait_for_start(struct start *st)
{
	int r;

	if (!st->wait_for_start)
		return 0;
	if (st->options->halt)
		return start_halt(st);
	r = start_send(st, START_READY, -1);
	if (r == 0)
		r = start_wait(st);
	st->last_ns = st->tracing ? now_ns() : 0;
	return r < 0 ? start_fail(st, -r, "wait for the start", NULL) : 0;
}

static int (*const steps[])(struct start *st) = {
	start_reset_signals,	map_ids,	  start_enter_group,   start_enter_time,     show_network,
	start_set_limits,	start_set_nature, hide_from_container, start_mount_root,     start_mount_all,
	start_make_devices,	start_set_names,  start_hide_paths,    start_make_terminal,  make_cwd,
	start_run_hooks_before, start_pivot,	  start_arrange_fds,   start_take_identity,  wait_for_caller,
	wait_for_network,	wait_for_start,	  start_confine,       start_run_hooks_last, start_exec,
};

_Noreturn void start_child(struct start *st)
{
	close(st->caller_end);
	st->tracing = st->options->on_step != NULL;
	st->last_ns = st->tracing ? now_ns() : 0;
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		if (steps[i](st) < 0)
			break;
	start_report_failure(st);
}

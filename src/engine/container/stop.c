#include "engine/container/stop.h"

#include "base/cleanup.h"
#include "base/timefmt.h"
#include "engine/container/attach.h"
#include "engine/container/events.h"
#include "engine/container/pause.h"
#include "engine/container/watch.h"
#include "monitor/protocol.h"
#include "sys/signals.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static int send_signal(int pidfd, const char *id, int signal, struct err *err)
{
	if (syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) < 0 && errno != ESRCH)
		return err_errno(err, errno, "send signal %d to container %.12s", signal, id);
	return 0;
}

static void tell(struct store *s, const struct container_record *r, const char *action, int signal)
{
	char text[16];
	const char *extra[] = { "signal", text, NULL };

	snprintf(text, sizeof(text), "%d", signal);
	container_event(s, r, action, signal ? extra : NULL);
}

static bool is_asked(const struct container_stopping *st, const struct container_status *now)
{
	return st->pid == now->pid && st->started.tv_sec == now->started.tv_sec &&
	       st->started.tv_nsec == now->started.tv_nsec;
}

/* Sends the life of which NOW tells the signal; its patience begins with that. */
static int ask(struct store *s, int pidfd, const char *id, const struct container_status *now,
	       struct container_stopping *st, struct err *err)
{
	int r;

	/* What is paused hears no signal that asks, and behind the freezer of version 1 not even SIGKILL. */
	if (now->paused)
		container_unpause(s, id, NULL);
	r = send_signal(pidfd, id, st->signal, err);
	st->pid = now->pid;
	st->started = now->started;
	st->deadline_us = st->timeout < 0 ? 0 : time_now_us() + (uint64_t)st->timeout * 1000000;
	return r;
}

/* Ends the life behind PIDFD, which has been asked: patience, SIGKILL. */
static int end_life(int pidfd, const char *id, const struct container_stopping *st, struct err *err)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	int n;

	do {
		uint64_t now = time_now_us(), left = st->deadline_us > now ? (st->deadline_us - now) / 1000 + 1 : 0;

		n = poll(&p, 1, !st->deadline_us ? -1 : left > INT_MAX ? INT_MAX : (int)left);
	} while ((n < 0 && errno == EINTR) || (n == 0 && time_now_us() < st->deadline_us));
	return n == 0 ? send_signal(pidfd, id, SIGKILL, err) : 0;
}

/* Waits for it to be in another phase than WAS, or for a moment. Only where that is needed: a watch is not for nothing. */
static int await_change(struct store *s, const char *id, const struct container_status *was, struct err *err)
{
	autowatch struct container_watch watch = CONTAINER_WATCH_INIT;
	struct container_status now;
	int r = container_watch_open(s, id, &watch, err);

	if (r >= 0)
		r = container_status_read(s, id, &now, err);
	if (r < 0)
		return r;
	if (now.phase == was->phase && now.pid == was->pid)
		container_watch_wait(&watch, 100);
	return 1;
}

/* One step towards its end: 1: there is more to do; 0: it doesn't live. */
static int step(struct store *s, const char *id, struct container_stopping *st, struct err *err)
{
	struct container_status status;
	autoclose int pidfd = -1;
	int r = container_status_read(s, id, &status, err);

	if (r < 0)
		return r;
	if (!container_is_alive(status.phase))
		return 0;
	if (status.phase != CONTAINER_RUNNING) {
		/* Its monitor waits to start it again, or it is just being started. */
		attach_nudge(s, id);
		return await_change(s, id, &status, err);
	}
	pidfd = container_pidfd(s, id, NULL, err);
	if (pidfd == -ESRCH) {
		err_clear(err);
		return await_change(s, id, &status, err);
	}
	r = pidfd < 0 || is_asked(st, &status) ? pidfd : ask(s, pidfd, id, &status, st, err);
	if (r >= 0)
		r = end_life(pidfd, id, st, err);
	if (r >= 0)
		r = container_live_wait(s, id, err);
	return r < 0 ? r : 1;
}

/* Before any signal: whoever decides about a next life must find the mark. A container that is just going has no place for it. */
static int forbid_restart(struct store *s, const char *id, struct err *err)
{
	int r = container_mark_stopped(s, id, err);

	if (r != -ENOENT)
		return r;
	err_clear(err);
	return 0;
}

/* Asks the life that there is, if its program runs: one that is between two lives is left to step(). */
static int ask_now(struct store *s, const char *id, const struct container_status *status,
		   struct container_stopping *st, struct err *err)
{
	autoclose int pidfd = -1;
	pid_t pid;

	if (status->phase != CONTAINER_RUNNING)
		return 0;
	pidfd = container_pidfd(s, id, &pid, err);
	if (pidfd < 0 && pidfd != -ESRCH)
		return pidfd;
	if (pidfd >= 0 && pid == status->pid)
		return ask(s, pidfd, id, status, st, err);
	err_clear(err);
	return 0;
}

void container_stopping_done(struct container_stopping *st)
{
	container_record_done(&st->record);
}

int container_stop_begin(struct store *s, const char *id, int signal, int64_t timeout, struct container_stopping *ret,
			 struct err *err)
{
	struct container_stopping *st = ret;
	struct container_status status;
	int own = SIGTERM, r = container_status_read(s, id, &status, err);

	*st = CONTAINER_STOPPING_INIT;
	if (r < 0 || !container_is_alive(status.phase))
		return r;
	r = container_record_read(s, id, &st->record, err);
	if (r >= 0 && st->record.stop_signal)
		r = signal_parse(st->record.stop_signal, &own, err);
	if (r >= 0)
		r = forbid_restart(s, id, err);
	if (r < 0)
		return r;
	st->signal = signal ? signal : own;
	st->timeout = timeout == STOP_TIMEOUT_OWN ? st->record.life.stop_timeout : timeout;
	st->lived = true;
	tell(s, &st->record, "kill", st->signal);
	return ask_now(s, id, &status, st, err);
}

int container_stop_finish(struct store *s, const char *id, struct container_stopping *st, struct err *err)
{
	int r;

	if (!st->lived)
		return 0;
	while ((r = step(s, id, st, err)) > 0)
		;
	if (r == 0)
		tell(s, &st->record, "stop", 0);
	return r;
}

int container_stop(struct store *s, const char *id, int signal, int64_t timeout, struct err *err)
{
	CLEANUP(container_stopping_done) struct container_stopping st = CONTAINER_STOPPING_INIT;
	int r = container_stop_begin(s, id, signal, timeout, &st, err);

	return r < 0 ? r : container_stop_finish(s, id, &st, err);
}

void container_kill_begin(struct store *s, const char *id)
{
	struct container_stopping st = CONTAINER_STOPPING_INIT;
	struct container_status status;

	if (container_status_read(s, id, &status, NULL) >= 0 && forbid_restart(s, id, NULL) >= 0)
		ask_now(s, id, &status, &st, NULL);
}

int container_kill(struct store *s, const char *id, struct err *err)
{
	struct container_stopping st = CONTAINER_STOPPING_INIT;
	int r = forbid_restart(s, id, err);

	while (r >= 0 && (r = step(s, id, &st, err)) > 0)
		;
	if (r == -ENOENT) {
		/* Its own command has removed it meanwhile (--rm). */
		err_clear(err);
		r = 0;
	}
	return r;
}

int container_signal(struct store *s, const char *id, int signal, struct err *err)
{
	autorecord struct container_record record = { 0 };
	autoclose int pidfd = container_pidfd(s, id, NULL, err);
	int own = SIGTERM, r = pidfd < 0 ? pidfd : container_record_read(s, id, &record, err);

	if (r >= 0 && record.stop_signal)
		r = signal_parse(record.stop_signal, &own, err);
	if (r >= 0 && (signal == own || signal == SIGKILL))
		r = forbid_restart(s, id, err);
	if (r >= 0)
		r = send_signal(pidfd, id, signal, err);
	if (r < 0)
		return r;
	tell(s, &record, "kill", signal);
	return signal == SIGKILL ? container_live_wait(s, id, err) : 0;
}

/* --- waiting --- */

/* The monitor says the code, also of a container that is removed. -ECONNRESET: it went without a word. */
static int hear_exit(int sock, int *ret_exit)
{
	struct attach_hello hello = { 0 };
	char first[1 + sizeof(hello)] = { ATTACH_HELLO }, message[ATTACH_MESSAGE_MAX];
	int32_t code;
	ssize_t n;

	memcpy(first + 1, &hello, sizeof(hello));
	/* If it is ending this can't be sent any more, but what it said is there to be heard. */
	(void)!send(sock, first, sizeof(first), MSG_NOSIGNAL);
	while ((n = attach_hear(sock, message)) > 0) {
		if (message[0] != ATTACH_EXIT || n != 1 + sizeof(code))
			continue;
		memcpy(&code, message + 1, sizeof(code));
		*ret_exit = code;
		return 0;
	}
	return -ECONNRESET;
}

/* 0: it has ended, with *RET_EXIT; 1: it lives. */
static int read_exit_code(struct store *s, const char *id, struct container_status *status, int *ret_exit,
			  struct err *err)
{
	int r = container_status_read(s, id, status, err);

	if (r == -ENOENT) {
		err_clear(err);
		return err_set(err, ENODATA, "container %.12s was removed at its end, and its exit code with it", id);
	}
	if (r < 0)
		return r;
	*ret_exit = status->exit_code;
	return container_is_alive(status->phase) ? 1 : 0;
}

/* For what comes next of one that was as STATUS says, and had no monitor to ask. */
static void await_next(struct store *s, const char *id, const struct container_status *status, bool had_monitor)
{
	/* A monitor has its socket before anybody can see that the container runs: so this is a command's own, to its end. */
	if (status->phase == CONTAINER_RUNNING && !had_monitor)
		container_live_wait(s, id, NULL);
	else
		await_change(s, id, status, NULL);
}

int container_wait(struct store *s, const char *id, int *ret_exit, struct err *err)
{
	struct container_status status;
	int r;

	while ((r = read_exit_code(s, id, &status, ret_exit, err)) > 0) {
		autoclose int sock = attach_connect(s, id, NULL);

		if (sock >= 0 && hear_exit(sock, ret_exit) == 0)
			return 0;
		await_next(s, id, &status, sock >= 0);
	}
	return r;
}

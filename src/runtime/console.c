#include "runtime/console.h"

#include "base/cleanup.h"
#include "sys/signals.h"
#include "sys/tty.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PUMP_SIZE = 16384, END_OF_INPUT = 4 /* ^D */ };

struct session {
	struct container_process *p;
	const struct console_options *options;
	int signals; /* a signalfd */
	int guard;   /* -1: none, or it has ended */
	struct tty_saved saved;
	bool ended, detached, input_open, output_open;
	char typed[4096 + DETACH_KEYS_MAX]; /* read from our side, not yet taken by the terminal */
	size_t typed_len;
};

static void send_signal(const struct session *s, int sig)
{
	syscall(SYS_pidfd_send_signal, s->p->pidfd, sig, NULL, 0);
}

/* Back to how we found it: the terminal first, for a pending signal may end us. */
static void leave_session(struct session *s)
{
	tty_restore(&s->saved);
	signals_release(s->signals);
}

/* A signal that is not passed on does to us what it always does. */
static void suffer_signal(struct session *s, int sig)
{
	if (sig == SIGWINCH || sig == SIGCONT)
		return;
	tty_restore(&s->saved);
	signals_suffer(sig);
}

static void handle_signals(struct session *s)
{
	struct signalfd_siginfo info;

	while (read(s->signals, &info, sizeof(info)) == sizeof(info)) {
		int sig = (int)info.ssi_signo;

		if (sig == SIGWINCH && s->p->console >= 0) {
			/* The kernel tells the container's foreground group by itself. */
			tty_copy_size(s->options->in, s->p->console);
			continue;
		}
		if (s->options->pass_signals)
			send_signal(s, sig);
		else
			suffer_signal(s, sig);
	}
}

/* Writes all, waiting where the other side is slow; false if it is gone. */
static bool write_out(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EAGAIN) {
			struct pollfd p = { .fd = fd, .events = POLLOUT };

			poll(&p, 1, -1);
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

static void pump_output(struct session *s)
{
	char data[PUMP_SIZE];
	ssize_t n = read(s->p->console, data, sizeof(data));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	/* EIO: nobody has the other side open any more. */
	if (n <= 0 || !write_out(s->options->out, data, (size_t)n))
		s->output_open = false;
}

static void pump_typed(struct session *s)
{
	ssize_t n = write(s->p->console, s->typed, s->typed_len);

	if (n < 0 && errno != EAGAIN && errno != EINTR)
		s->typed_len = 0;
	if (n <= 0)
		return;
	memmove(s->typed, s->typed + n, s->typed_len - (size_t)n);
	s->typed_len -= (size_t)n;
}

static void pump_input(struct session *s)
{
	struct detach_keys none = { .len = 0 }, *keys = s->options->keys ? s->options->keys : &none;
	char data[4096];
	ssize_t n = read(s->options->in, data, sizeof(data));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		s->input_open = false;
		data[0] = END_OF_INPUT;
		n = 1;
	}
	s->detached = detach_keys_filter(keys, data, (size_t)n, s->typed, &s->typed_len);
	if (s->typed_len > 0)
		pump_typed(s);
}

/*
 * The guard ends because the process has, as a rule. poll looks at one descriptor after the other, so it may have seen that end
 * and not the one before: the process is looked at once more.
 */
static void lose_guard(struct session *s)
{
	struct pollfd p = { .fd = s->p->pidfd, .events = POLLIN };

	s->guard = -1;
	s->ended = poll(&p, 1, 0) > 0;
	if (s->ended)
		return;
	send_signal(s, SIGKILL);
	if (s->options->ret_guard_ended)
		*s->options->ret_guard_ended = true;
}

/* One wait for whatever comes next. */
static void turn(struct session *s)
{
	bool read_input = s->input_open && s->typed_len == 0;
	struct pollfd fds[] = {
		{ .fd = s->p->pidfd, .events = POLLIN },
		{ .fd = s->signals, .events = POLLIN },
		{ .fd = s->output_open ? s->p->console : -1,
		  .events = (short)(POLLIN | (s->typed_len > 0 ? POLLOUT : 0)) },
		{ .fd = read_input ? s->options->in : -1, .events = POLLIN },
		{ .fd = s->guard, .events = POLLIN },
	};

	if (poll(fds, ARRAY_SIZE(fds), -1) < 0)
		return;
	if (fds[1].revents)
		handle_signals(s);
	if (fds[2].revents & (POLLIN | POLLHUP | POLLERR))
		pump_output(s);
	if (fds[2].revents & POLLOUT && s->typed_len > 0)
		pump_typed(s);
	if (fds[3].revents)
		pump_input(s);
	if (fds[0].revents)
		s->ended = true;
	else if (fds[4].revents)
		lose_guard(s);
}

/* What the container wrote before it ended is still in the terminal. */
static void drain(struct session *s)
{
	while (s->output_open) {
		struct pollfd p = { .fd = s->p->console, .events = POLLIN };

		if (poll(&p, 1, 0) <= 0)
			return;
		pump_output(s);
	}
}

static int begin_terminal(struct session *s, struct err *err)
{
	int flags = fcntl(s->p->console, F_GETFL);

	if (flags < 0 || fcntl(s->p->console, F_SETFL, flags | O_NONBLOCK) < 0)
		return err_errno(err, errno, "make the terminal non-blocking");
	s->output_open = true;
	s->input_open = s->options->interactive && s->options->in >= 0;
	if (s->options->in < 0 || !isatty(s->options->in))
		return 0;
	tty_copy_size(s->options->in, s->p->console);
	return s->input_open ? tty_make_raw(s->options->in, &s->saved, err) : 0;
}

int console_run(struct container_process *p, const struct console_options *options, int *ret_status, struct err *err)
{
	CLEANUP(leave_session)
	struct session s = { .p = p,
			     .options = options,
			     .signals = -1,
			     .saved = TTY_SAVED_INIT,
			     .guard = options->guard > 0 ? options->guard : -1 };
	int r = signals_open(&s.signals, err);

	if (r == 0 && p->console >= 0)
		r = begin_terminal(&s, err);
	if (r < 0)
		return r;
	while (!s.ended && !s.detached)
		turn(&s);
	if (s.detached)
		return CONSOLE_DETACHED;
	drain(&s);
	return container_process_wait(p, ret_status, err);
}

void console_drain(struct container_process *p)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	const struct console_options nowhere = { .in = -1, .out = null };
	struct session s = { .p = p, .options = &nowhere, .output_open = true };
	struct pollfd fds[] = { { .fd = p->console, .events = POLLIN }, { .fd = p->pidfd, .events = POLLIN } };

	while (null >= 0 && s.output_open && !fds[1].revents)
		if (poll(fds, ARRAY_SIZE(fds), -1) > 0 && fds[0].revents)
			pump_output(&s);
	if (null >= 0)
		close(null);
}

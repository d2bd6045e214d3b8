#include "engine/container/attach.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "monitor/protocol.h"
#include "sys/fs.h"
#include "sys/signals.h"
#include "sys/tty.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

/* --- the socket --- */

/* By way of a descriptor, since the folder's own path may be longer than such an address. */
static int socket_address(struct store *s, const char *id, struct sockaddr_un *ret, struct err *err)
{
	int run = store_run_fd(s, err), n;

	if (run < 0)
		return run;
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	n = snprintf(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d/files/%.64s/" ATTACH_SOCKET, run, id);
	return n < (int)sizeof(ret->sun_path) ? 0 : err_set(err, ENAMETOOLONG, "name the socket of the monitor");
}

int attach_listen(struct store *s, const char *id, struct err *err)
{
	autoclose int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address;
	int r = socket_address(s, id, &address, err);

	if (r < 0)
		return r;
	if (fd < 0)
		return err_errno(err, errno, "make a socket");
	unlink(address.sun_path);
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return err_errno(err, errno, "bind the socket of the monitor");
	if (listen(fd, ATTACH_CLIENTS_MAX) < 0)
		return err_errno(err, errno, "listen on the socket of the monitor");
	return TAKE_FD(fd);
}

int attach_connect(struct store *s, const char *id, struct err *err)
{
	autoclose int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct sockaddr_un address;
	int r = socket_address(s, id, &address, err);

	if (r < 0)
		return r;
	if (fd < 0)
		return err_errno(err, errno, "make a socket");
	while (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		if (errno != EINTR)
			return err_errno(err, errno == ECONNREFUSED ? ENOENT : errno,
					 "connect to the monitor of container %.12s", id);
	return TAKE_FD(fd);
}

static int send_frame(int sock, char kind, const void *data, size_t len)
{
	struct iovec parts[] = { { &kind, 1 }, { (void *)(uintptr_t)data, len } };
	struct msghdr m = { .msg_iov = parts, .msg_iovlen = 2 };

	while (sendmsg(sock, &m, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

ssize_t attach_hear(int sock, char message[ATTACH_MESSAGE_MAX])
{
	bool reset = false;

	for (;;) {
		ssize_t n = recv(sock, message, ATTACH_MESSAGE_MAX, 0);

		if (n >= 0)
			return n;
		/*
		 * A monitor that ended before it had read all that we sent makes ECONNRESET, once, in front of what it said
		 * last (unix_release_sock in the kernel): the exit code is still to come.
		 */
		if (errno == ECONNRESET && !reset)
			reset = true;
		else if (errno != EINTR)
			return 0;
	}
}

void attach_nudge(struct store *s, const char *id)
{
	autoclose int sock = attach_connect(s, id, NULL);
	char message[ATTACH_MESSAGE_MAX];

	if (sock < 0 || send_frame(sock, ATTACH_LOOK, "", 0) < 0)
		return;
	while (attach_hear(sock, message) > 0 && message[0] != ATTACH_LOOK)
		;
}

/* --- a session --- */

struct session {
	const struct attach_options *o;
	int signals;
	struct tty_saved saved;
	bool input_open, detached, ended, refused, lost;
	/*
	 * What could not be sent yet. We never wait for the monitor to take it: it may be waiting for us to take output, and the
	 * program for that.
	 */
	bool size_due, end_due;
	char typed[ATTACH_DATA_MAX];
	size_t typed_len;
	struct detach_keys keys;
	int exit_code;
};

static void send_size(struct session *s)
{
	struct winsize w;
	struct attach_size size;

	s->size_due = false;
	if (!s->o->tty || (ioctl(0, TIOCGWINSZ, &w) < 0 && ioctl(1, TIOCGWINSZ, &w) < 0))
		return;
	size = (struct attach_size){ w.ws_row, w.ws_col };
	s->size_due = send_frame(s->o->sock, ATTACH_SIZE, &size, sizeof(size)) == -EAGAIN;
}

/* Sends what is due, as far as the socket takes it. */
static void send_due(struct session *s)
{
	if (s->size_due)
		send_size(s);
	if (s->typed_len > 0 && send_frame(s->o->sock, ATTACH_INPUT, s->typed, s->typed_len) != -EAGAIN)
		s->typed_len = 0;
	if (s->end_due && s->typed_len == 0)
		s->end_due = send_frame(s->o->sock, ATTACH_END, "", 0) == -EAGAIN;
}

static void handle_signals(struct session *s)
{
	struct signalfd_siginfo info;

	while (read(s->signals, &info, sizeof(info)) == sizeof(info)) {
		int sig = (int)info.ssi_signo;

		if (sig == SIGWINCH && s->o->tty) {
			send_size(s);
		} else if (sig == SIGHUP && s->o->tty) {
			/* The terminal is gone: the container outlives it. */
			s->detached = true;
		} else if (s->o->pass_signals && s->o->pidfd >= 0) {
			syscall(SYS_pidfd_send_signal, s->o->pidfd, sig, NULL, 0);
		} else if (sig != SIGWINCH && sig != SIGCONT) {
			tty_restore(&s->saved);
			signals_suffer(sig);
		}
	}
}

/* Whoever reads our output may have gone, which is no reason for the container to end. */
static void write_out(int fd, const char *data, size_t len)
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
			return;
		data += n;
		len -= (size_t)n;
	}
}

static void tell_lost(struct session *s, const char *data, size_t len)
{
	uint64_t bytes;

	if (len != sizeof(bytes))
		return;
	memcpy(&bytes, data, sizeof(bytes));
	fprintf(stderr,
		"%scloche: %llu bytes of output are not shown, since they were not read in time; 'cloche logs' has "
		"them%s\n",
		s->saved.fd >= 0 ? "\r\n" : "", (unsigned long long)bytes, s->saved.fd >= 0 ? "\r" : "");
}

static void hear(struct session *s)
{
	char message[ATTACH_MESSAGE_MAX];
	ssize_t n = attach_hear(s->o->sock, message);
	int32_t code;

	if (n == 0) {
		s->lost = true;
		return;
	}
	switch (message[0]) {
	case ATTACH_STDOUT:
		write_out(1, message + 1, (size_t)n - 1);
		break;
	case ATTACH_STDERR:
		write_out(2, message + 1, (size_t)n - 1);
		break;
	case ATTACH_LOST:
		tell_lost(s, message + 1, (size_t)n - 1);
		break;
	case ATTACH_EXIT:
		if (n != 1 + sizeof(code))
			break;
		memcpy(&code, message + 1, sizeof(code));
		s->exit_code = code;
		s->ended = true;
		break;
	case ATTACH_FULL:
		s->refused = true;
		break;
	default:
		s->lost = true;
	}
}

static void read_input(struct session *s)
{
	char data[ATTACH_DATA_MAX - DETACH_KEYS_MAX];
	ssize_t n = read(0, data, sizeof(data));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0 && s->o->tty) {
		s->detached = detach_keys_filter(&s->keys, data, (size_t)n, s->typed, &s->typed_len);
	} else if (n > 0) {
		memcpy(s->typed, data, (size_t)n);
		s->typed_len = (size_t)n;
	} else {
		s->input_open = false;
		/* A terminal that hangs up is no end of input that the program should see. */
		s->detached = n < 0 && s->saved.fd >= 0;
		s->end_due = !s->detached;
	}
	send_due(s);
}

static bool is_due(const struct session *s)
{
	return s->size_due || s->end_due || s->typed_len > 0;
}

static void turn(struct session *s)
{
	struct pollfd fds[] = {
		{ .fd = s->o->sock, .events = (short)(POLLIN | (is_due(s) ? POLLOUT : 0)) },
		{ .fd = s->signals, .events = POLLIN },
		{ .fd = s->input_open && s->typed_len == 0 ? 0 : -1, .events = POLLIN },
	};

	if (poll(fds, ARRAY_SIZE(fds), -1) < 0)
		return;
	if (fds[1].revents)
		handle_signals(s);
	if (fds[0].revents & POLLOUT)
		send_due(s);
	if (fds[0].revents & ~POLLOUT)
		hear(s);
	else if (fds[2].revents && !s->detached)
		read_input(s);
}

static void leave(struct session *s)
{
	tty_restore(&s->saved);
	signals_release(s->signals);
}

static int begin(struct session *s, struct err *err)
{
	struct attach_hello hello = { .wants = s->o->wants };
	int r = signals_open(&s->signals, err);

	if (r < 0)
		return r;
	s->input_open = s->o->input;
	send_frame(s->o->sock, ATTACH_HELLO, &hello, sizeof(hello));
	send_size(s);
	return s->o->tty && s->o->input && isatty(0) ? tty_make_raw(0, &s->saved, err) : 0;
}

int attach_stay(const struct attach_options *o, enum attach_result *ret, int *ret_exit, struct err *err)
{
	CLEANUP(leave) struct session s = { .o = o, .keys = o->keys, .signals = -1, .saved = TTY_SAVED_INIT };
	int r = begin(&s, err);

	if (r < 0)
		return r;
	while (!s.ended && !s.lost && !s.refused && !s.detached)
		turn(&s);
	if (s.refused)
		return err_set(err, EUSERS, "%d commands are attached to it already, which is as many as can be",
			       ATTACH_CLIENTS_MAX);
	if (s.detached)
		send_frame(o->sock, ATTACH_LEAVE, "", 0);
	*ret = s.ended ? ATTACH_RESULT_EXITED : s.detached ? ATTACH_RESULT_DETACHED : ATTACH_RESULT_LOST;
	*ret_exit = s.ended ? s.exit_code : s.detached ? 0 : 137;
	return 0;
}

#include "monitor/monitor.h"

#include "base/timefmt.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* 1: sent; 0: the socket is full; -1: the client is gone. */
static int send_frame(const struct client *c, char kind, const void *data, size_t len)
{
	struct iovec parts[] = { { &kind, 1 }, { (void *)(uintptr_t)data, len } };
	struct msghdr m = { .msg_iov = parts, .msg_iovlen = 2 };
	ssize_t n;

	do
		n = sendmsg(c->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return 1;
	return errno == EAGAIN || errno == ENOBUFS ? 0 : -1;
}

/* --- coming and going --- */

void clients_add(struct monitor *m, int fd, bool starter)
{
	struct client c = { .fd = fd, .starter = starter };
	size_t i = 0;

	while (i < m->clients_len && m->clients[i].fd >= 0)
		i++;
	if (i == ATTACH_CLIENTS_MAX) {
		send_frame(&c, ATTACH_FULL, "", 0);
		close(fd);
		return;
	}
	m->clients[i] = c;
	if (i == m->clients_len)
		m->clients_len++;
}

bool clients_accept(struct monitor *m)
{
	int fd = accept4((int)m->c.listen, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return false;
	clients_add(m, fd, false);
	return true;
}

void clients_accept_last(struct monitor *m)
{
	/* From here on they are refused; whoever is in the queue is told how it ended. */
	shutdown((int)m->c.listen, SHUT_RD);
	while (clients_accept(m))
		;
	close((int)m->c.listen);
}

static void settle_debt(struct monitor *m, struct client *c)
{
	if (!c->owes)
		return;
	c->owes = false;
	m->owing--;
}

void clients_close(struct monitor *m, struct client *c)
{
	if (c->fd < 0)
		return;
	settle_debt(m, c);
	close(c->fd);
	c->fd = -1;
	while (m->clients_len > 0 && m->clients[m->clients_len - 1].fd < 0)
		m->clients_len--;
}

/* A client that goes without a word takes the program's input with it, if it was the one whose input that is. */
static void lose(struct monitor *m, struct client *c)
{
	bool starter = c->starter;

	clients_close(m, c);
	if (starter && m->c.stdin_once && m->c.console < 0)
		input_end(m);
}

/* --- hearing --- */

bool clients_may_speak(const struct monitor *m, const struct client *c)
{
	return m->input_len == 0 || !c->greeted;
}

static void take_input(struct monitor *m, struct client *c, const char *data, size_t len)
{
	if (!c->greeted || len > sizeof(m->input) - m->input_len) {
		lose(m, c);
		return;
	}
	memcpy(m->input + m->input_len, data, len);
	m->input_len += len;
	input_pump(m);
}

static void greet(struct client *c, const char *data, size_t len)
{
	struct attach_hello hello;

	if (c->greeted || len != sizeof(hello))
		return;
	memcpy(&hello, data, sizeof(hello));
	c->wants = hello.wants;
	c->greeted = true;
}

static void take_size(struct monitor *m, struct client *c, const char *data, size_t len)
{
	struct attach_size size;

	if (len != sizeof(size))
		return;
	memcpy(&size, data, sizeof(size));
	input_resize(m, &size, c->wants & ATTACH_WANT_REDRAW);
	c->wants &= ~(uint32_t)ATTACH_WANT_REDRAW;
}

bool clients_hear(struct monitor *m, struct client *c)
{
	char message[ATTACH_MESSAGE_MAX];
	ssize_t n = recv(c->fd, message, sizeof(message), MSG_DONTWAIT | MSG_TRUNC);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0 || n > (ssize_t)sizeof(message)) {
		lose(m, c);
		return false;
	}
	switch (message[0]) {
	case ATTACH_HELLO:
		greet(c, message + 1, (size_t)n - 1);
		break;
	case ATTACH_INPUT:
		take_input(m, c, message + 1, (size_t)n - 1);
		break;
	case ATTACH_END:
		if (m->c.stdin_once || m->c.console >= 0)
			input_end(m);
		break;
	case ATTACH_SIZE:
		take_size(m, c, message + 1, (size_t)n - 1);
		break;
	case ATTACH_LEAVE:
		clients_close(m, c);
		break;
	case ATTACH_LOOK:
		if (send_frame(c, ATTACH_LOOK, "", 0) != 1)
			lose(m, c);
		return true;
	default:
		lose(m, c);
	}
	return false;
}

/* --- output --- */

void clients_offer(struct monitor *m)
{
	for (size_t i = 0; i < m->clients_len && m->owing > 0; i++) {
		struct client *c = &m->clients[i];
		int r;

		if (c->fd < 0 || !c->owes)
			continue;
		r = send_frame(c, (char)m->chunk.kind, m->chunk.data, m->chunk.len);
		if (r > 0)
			settle_debt(m, c);
		else if (r < 0)
			lose(m, c);
	}
}

uint64_t clients_expire(struct monitor *m, uint64_t now_us)
{
	uint64_t end = m->chunk.since_us + (uint64_t)ATTACH_SLOW_MS * 1000;
	bool waiting = false;

	for (size_t i = 0; i < m->clients_len && m->owing > 0; i++) {
		struct client *c = &m->clients[i];

		if (c->fd < 0 || !c->owes || c->starter)
			continue;
		if (now_us < end) {
			waiting = true;
			continue;
		}
		c->lagging = true;
		c->lost += m->chunk.len;
		settle_debt(m, c);
	}
	return waiting ? end : 0;
}

void clients_catch_up(struct monitor *m, struct client *c)
{
	int r = send_frame(c, ATTACH_LOST, &c->lost, sizeof(c->lost));

	if (r < 0)
		lose(m, c);
	if (r > 0) {
		c->lagging = false;
		c->lost = 0;
	}
}

/* --- the end --- */

/* The next frame of the tail; 0 as its kind: it is at its end. */
static char tail_frame(const struct monitor *m, const struct client *c, const char **ret_data, uint16_t *ret_len)
{
	if (c->tail_at + 3 > m->tail.len)
		return 0;
	memcpy(ret_len, m->tail.data + c->tail_at + 1, sizeof(*ret_len));
	*ret_data = m->tail.data + c->tail_at + 3;
	return m->tail.data[c->tail_at];
}

/* As much as C takes now: 1: it has all; 0: it is slow; -1: it is gone. */
static int finish_one(struct monitor *m, struct client *c)
{
	int32_t code = m->exit_code;
	const char *data;
	uint16_t len;
	char kind;
	int r = 1;

	if (c->lagging)
		r = send_frame(c, ATTACH_LOST, &c->lost, sizeof(c->lost));
	if (r > 0)
		c->lagging = false;
	while (r > 0 && (kind = tail_frame(m, c, &data, &len))) {
		uint32_t want = kind == ATTACH_STDERR ? ATTACH_WANT_STDERR : ATTACH_WANT_STDOUT;

		if (c->wants & want)
			r = send_frame(c, kind, data, len);
		if (r > 0)
			c->tail_at += 3u + len;
	}
	return r > 0 ? send_frame(c, ATTACH_EXIT, &code, sizeof(code)) : r;
}

static size_t finish_all(struct monitor *m, bool only_starter, struct pollfd *fds)
{
	size_t waiting = 0;

	for (size_t i = 0; i < m->clients_len; i++) {
		struct client *c = &m->clients[i];
		int r;

		if (c->fd < 0)
			continue;
		r = only_starter && !c->starter ? -1 : finish_one(m, c);
		if (r == 0)
			fds[waiting++] = (struct pollfd){ .fd = c->fd, .events = POLLOUT };
		else
			clients_close(m, c);
	}
	return waiting;
}

void clients_finish(struct monitor *m, uint64_t limit_us)
{
	struct pollfd fds[ATTACH_CLIENTS_MAX];
	uint64_t now = time_now_us(), end = now + (uint64_t)ATTACH_SLOW_MS * 1000;
	size_t waiting;

	if (limit_us && limit_us < end)
		end = limit_us;
	while ((waiting = finish_all(m, now >= end, fds)) > 0) {
		int timeout = now < end ? (int)((end - now) / 1000) + 1 : -1;

		if (limit_us && now >= end)
			break;
		poll(fds, waiting, timeout);
		now = time_now_us();
	}
	for (size_t i = 0; i < m->clients_len; i++)
		clients_close(m, &m->clients[i]);
}

#include "net/names.h"

#include "base/cleanup.h"
#include "net/addresses.h"
#include "net/stack.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PORT_NAMES = 53, RCODE_SERVFAIL = 2, RCODE_NOTIMP = 4, RCODE_REFUSED = 5 };

/* RFC 1035, 4.1.1: QR is the highest bit of the third byte, RCODE the lower half of the fourth. */
static bool is_answer(const uint8_t *data)
{
	return data[2] & 0x80;
}

static bool is_refusal(const uint8_t *data)
{
	unsigned code = data[3] & 0x0f;

	return code == RCODE_SERVFAIL || code == RCODE_NOTIMP || code == RCODE_REFUSED;
}

static void forget_server(struct question *q)
{
	if (q->fd < 0)
		return;
	poller_forget(&q->stack->poller, q->fd);
	close(TAKE_FD(q->fd));
}

static void forget(struct question *q)
{
	if (!q->used)
		return;
	forget_server(q);
	q->used = false;
	q->stack->names.used--;
}

static void answer(struct question *q, const uint8_t *data, size_t len)
{
	const struct in_addr us = net_address(NET_LAST_NAMESERVER);
	struct packet_udp u = { .from_port = PORT_NAMES, .to_port = q->port, .data = data, .len = len };

	memcpy(&u.from, &us, sizeof(us));
	memcpy(&u.to, &q->from, sizeof(q->from));
	stack_send_udp(q->stack, &u);
}

static void ask_next(struct question *q);

static void on_reply(int fd, uint32_t events, void *arg)
{
	static uint8_t data[NET_MTU - 48];
	struct question *q = arg;
	ssize_t n = recv(fd, data, sizeof(data), 0);

	(void)events;
	if (n < 0 && errno == EAGAIN)
		return;
	/* Nobody listens there. */
	if (n < 0) {
		ask_next(q);
		return;
	}
	/* The socket is connected, so it is from the server; but not necessarily to this question. */
	if (n < NAMES_HEADER || !is_answer(data) || memcmp(data, q->data, 2) != 0)
		return;
	if (is_refusal(data) && q->attempt % q->stack->names.servers.len != 0) {
		ask_next(q);
		return;
	}
	answer(q, data, (size_t)n);
	forget(q);
}

/* A socket of its own for each question: the kernel chooses a port that nobody can guess. */
static int open_server(struct question *q, const union net_sockaddr *server)
{
	autoclose int fd = socket(server->any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, &server->any, net_sockaddr_len(server)) < 0 ||
	    send(fd, q->data, q->len, MSG_NOSIGNAL) < 0)
		return -errno;
	if (poller_watch(&q->stack->poller, fd, EPOLLIN, on_reply, q) < 0)
		return -ENOMEM;
	q->fd = TAKE_FD(fd);
	return 0;
}

static void refuse(struct question *q)
{
	q->data[2] |= 0x80;
	q->data[3] = (uint8_t)((q->data[3] & 0x70) | 0x80 | RCODE_SERVFAIL);
	answer(q, q->data, q->len);
	forget(q);
}

static void ask_next(struct question *q)
{
	const struct resolv *servers = &q->stack->names.servers;

	q->waits = false;
	forget_server(q);
	while (q->attempt < NAMES_ROUNDS * servers->len) {
		if (open_server(q, &servers->servers[q->attempt++ % servers->len]) < 0)
			continue;
		q->deadline_ms = stack_now_ms() + NAMES_PATIENCE_MS;
		return;
	}
	refuse(q);
}

/* A free place, or that of the oldest. */
static struct question *take_place(struct names *n)
{
	struct question *oldest = NULL;

	for (size_t i = 0; i < NAMES_QUESTIONS; i++) {
		struct question *q = &n->questions[i];

		if (!q->used)
			return q;
		if (!oldest || q->began_ms < oldest->began_ms)
			oldest = q;
	}
	forget(oldest);
	return oldest;
}

/* True if the servers are known; else they will be. */
static bool look(struct stack *s)
{
	const struct net_plain m = { NET_WORD_REFRESH };
	struct names *n = &s->names;
	int64_t now = stack_now_ms();

	if (n->asked)
		return false;
	if (n->has_servers && now - n->looked_ms < NAMES_FRESH_MS)
		return true;
	n->looked_ms = now;
	n->asked = msg_send(s->keeper, &m, sizeof(m), NULL, 0, NULL) == 0;
	return !n->asked && n->has_servers;
}

void names_ask(struct stack *s, const struct packet_udp *u)
{
	struct question *q;

	if (u->len < NAMES_HEADER || u->len > NAMES_QUESTION_MAX || is_answer(u->data))
		return;
	q = take_place(&s->names);
	q->used = q->waits = true;
	q->fd = -1;
	q->stack = s;
	q->attempt = 0;
	q->began_ms = stack_now_ms();
	q->deadline_ms = q->began_ms + NAMES_PATIENCE_MS;
	q->port = u->from_port;
	memcpy(&q->from, &u->from, sizeof(q->from));
	q->len = (uint16_t)u->len;
	memcpy(q->data, u->data, u->len);
	s->names.used++;
	if (look(s))
		ask_next(q);
}

void names_set_servers(struct stack *s, const char *text, size_t len)
{
	struct names *n = &s->names;

	if (text)
		resolv_parse(text, len, &n->servers);
	n->has_servers |= text != NULL;
	n->asked = false;
	for (size_t i = 0; n->has_servers && i < NAMES_QUESTIONS; i++)
		if (n->questions[i].used && n->questions[i].waits)
			ask_next(&n->questions[i]);
}

int names_timeout(const struct stack *s)
{
	const struct names *n = &s->names;
	int64_t now = n->used ? stack_now_ms() : 0, first = INT64_MAX;

	for (size_t i = 0; n->used && i < NAMES_QUESTIONS; i++)
		if (n->questions[i].used && n->questions[i].deadline_ms < first)
			first = n->questions[i].deadline_ms;
	if (first == INT64_MAX)
		return -1;
	return first <= now ? 0 : (int)(first - now);
}

void names_tick(struct stack *s)
{
	struct names *n = &s->names;
	int64_t now = n->used ? stack_now_ms() : 0;

	for (size_t i = 0; n->used && i < NAMES_QUESTIONS; i++)
		if (n->questions[i].used && n->questions[i].deadline_ms <= now) {
			if (n->questions[i].waits && !n->has_servers)
				forget(&n->questions[i]);
			else
				ask_next(&n->questions[i]);
		}
}

/* --- by TCP: bytes are passed on to the first server that takes the connection --- */

static void on_names(int fd, uint32_t events, void *arg)
{
	struct stack *s = arg;
	int client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)events;
	if (client < 0)
		return;
	look(s);
	if (!s->names.has_servers || relays_add_outgoing(s, client, &s->names.servers) < 0)
		close(client);
}

int names_listen(struct stack *s, int fd)
{
	s->names.listens = true;
	/* So that the first connection already knows where to. */
	look(s);
	return poller_watch(&s->poller, fd, EPOLLIN, on_names, s);
}

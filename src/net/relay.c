#include "net/relay.h"

#include "base/cleanup.h"
#include "net/addresses.h"
#include "net/stack.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	CHUNK = 256 * 1024,
	ROUNDS = 4, /* so many chunks of one connection before others have their turn */
	ACCEPT_BATCH = 64,
};

struct relay_port {
	struct net_port port;
	int fd; /* owned */
	struct stack *stack;
	struct relay_port *next;
};

/* What was read from the other side and can't be written yet. */
struct pending {
	uint8_t *data; /* NULL: nothing */
	size_t at, len;
};

struct side {
	int fd;	     /* -1: not there yet */
	bool ended;  /* nothing more comes from it */
	bool closed; /* and it was told that nothing more comes */
	struct pending pending;
};

enum state { ASKED, CONNECTING, OPEN };

struct relay {
	struct relay *next, **place; /* in the list */
	struct stack *stack;
	enum state state;
	uint32_t id;
	struct side sides[2]; /* the client, the server */
	/* To try the next server when one refuses. */
	union net_sockaddr client;
	struct net_port port;
	struct resolv servers;
	size_t attempt;
	bool is_outgoing;
};

static void accept_again(struct stack *s);

/* --- making and ending --- */

static struct relay *add(struct stack *s, int client)
{
	struct relay *r = calloc(1, sizeof(*r));
	int on = 1;

	if (!r)
		return NULL;
	r->stack = s;
	r->id = ++s->relays.next_id;
	r->sides[0].fd = client;
	r->sides[1].fd = -1;
	r->next = s->relays.first;
	r->place = &s->relays.first;
	if (r->next)
		r->next->place = &r->next;
	s->relays.first = r;
	s->relays.len++;
	setsockopt(client, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	return r;
}

static void end_side(struct relay *r, struct side *side)
{
	if (side->fd >= 0) {
		poller_forget(&r->stack->poller, side->fd);
		close(TAKE_FD(side->fd));
	}
	free(side->pending.data);
}

static void end(struct relay *r)
{
	struct stack *s = r->stack;

	end_side(r, &r->sides[0]);
	end_side(r, &r->sides[1]);
	*r->place = r->next;
	if (r->next)
		r->next->place = r->place;
	s->relays.len--;
	if (r->state == ASKED && !r->is_outgoing)
		s->relays.asked--;
	free(r);
	if (s->relays.is_paused)
		accept_again(s);
}

/* The other side shall see a reset, as from a port where nobody listens. */
static void refuse(struct relay *r)
{
	const struct linger now = { 1, 0 };

	setsockopt(r->sides[0].fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	end(r);
}

/* --- bytes --- */

/* Keeps what could not be written. */
static int keep(struct pending *p, const uint8_t *data, size_t len)
{
	p->data = malloc(len);
	if (!p->data)
		return -ENOMEM;
	memcpy(p->data, data, len);
	p->at = 0;
	p->len = len;
	return 0;
}

static ssize_t put(int fd, const uint8_t *data, size_t len)
{
	ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

	return n < 0 && errno == EAGAIN ? 0 : n;
}

static int flush(struct side *to)
{
	struct pending *p = &to->pending;
	ssize_t n = put(to->fd, p->data + p->at, p->len - p->at);

	if (n < 0)
		return -1;
	p->at += (size_t)n;
	if (p->at < p->len)
		return 0;
	free(TAKE_PTR(p->data));
	return 0;
}

/* From one side to the other, as much as goes. -1: the connection has broken. */
static int copy(struct side *from, struct side *to)
{
	static uint8_t chunk[CHUNK];

	for (int i = 0; i < ROUNDS && !to->pending.data && !from->ended; i++) {
		ssize_t n = recv(from->fd, chunk, sizeof(chunk), 0), sent;

		if (n < 0)
			return errno == EAGAIN ? 0 : -1;
		if (n == 0) {
			from->ended = true;
			return 0;
		}
		sent = put(to->fd, chunk, (size_t)n);
		if (sent < 0 || (sent < n && keep(&to->pending, chunk + sent, (size_t)(n - sent)) < 0))
			return -1;
		if (n < CHUNK / 4)
			return 0;
	}
	return 0;
}

static void on_bytes(int fd, uint32_t events, void *arg);

static int watch(struct relay *r)
{
	int result = 0;

	for (int i = 0; i < 2; i++) {
		struct side *a = &r->sides[i], *b = &r->sides[1 - i];
		uint32_t events = (a->pending.data ? EPOLLOUT : 0) | (!a->ended && !b->pending.data ? EPOLLIN : 0);

		if (b->ended && !a->pending.data && !a->closed) {
			shutdown(a->fd, SHUT_WR);
			a->closed = true;
		}
		result |= poller_watch(&r->stack->poller, a->fd, events, on_bytes, r);
	}
	return result;
}

static void on_bytes(int fd, uint32_t events, void *arg)
{
	struct relay *r = arg;
	int i = fd == r->sides[1].fd, bad = 0;
	struct side *a = &r->sides[i], *b = &r->sides[1 - i];

	if (a->pending.data && events & (EPOLLOUT | EPOLLERR))
		bad |= flush(a);
	if (!bad && events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		bad |= copy(a, b);
	if (bad || watch(r) < 0 || (a->closed && b->closed))
		end(r);
}

/* --- the start of a connection --- */

static void try_next(struct relay *r);

static void begin(struct relay *r)
{
	int on = 1;

	r->state = OPEN;
	setsockopt(r->sides[0].fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(r->sides[1].fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (watch(r) < 0)
		end(r);
}

static void on_connected(int fd, uint32_t events, void *arg)
{
	struct relay *r = arg;
	int code = 0;
	socklen_t len = sizeof(code);

	(void)events;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &len) == 0 && code == 0) {
		begin(r);
		return;
	}
	poller_forget(&r->stack->poller, fd);
	close(TAKE_FD(r->sides[1].fd));
	try_next(r);
}

/* FD is on its way. */
static void await(struct relay *r, int fd)
{
	r->state = CONNECTING;
	r->sides[1].fd = fd;
	if (poller_watch(&r->stack->poller, fd, EPOLLOUT, on_connected, r) < 0)
		refuse(r);
}

/* The container's address of a family, and who the client is as seen in there. */
static void make_addresses(const struct relay *r, bool v6, struct net_connect *c)
{
	union net_sockaddr client = r->client;

	if (v6) {
		c->to.v6.sin6_family = AF_INET6;
		c->to.v6.sin6_addr = r->stack->config.address6;
		c->to.v6.sin6_port = htons(r->port.container_port);
	} else {
		c->to.v4.sin_family = AF_INET;
		c->to.v4.sin_addr = r->stack->config.address;
		c->to.v4.sin_port = htons(r->port.container_port);
	}
	if (!v6 && r->port.is_ipv6) {
		uint16_t port = client.v6.sin6_port;

		client = (union net_sockaddr){ 0 };
		client.v4.sin_family = AF_INET;
		client.v4.sin_port = port;
		client.v4.sin_addr = net_address(NET_LAST_GATEWAY);
	}
	net_seen_address(&client, &c->from);
}

/* A server that knows IPv4 only is found under its other address too, when a client came by IPv6. */
static void ask_keeper(struct relay *r)
{
	struct net_connect c = { .word = NET_WORD_CONNECT, .id = r->id };
	bool v6 = r->port.is_ipv6 && r->attempt == 0;
	size_t attempts = r->port.is_ipv6 ? 2 : 1;

	if (r->attempt++ >= attempts) {
		refuse(r);
		return;
	}
	make_addresses(r, v6, &c);
	r->state = ASKED;
	r->stack->relays.asked++;
	if (msg_send(r->stack->keeper, &c, sizeof(c), NULL, 0, NULL) < 0)
		refuse(r);
}

static void connect_out(struct relay *r)
{
	while (r->attempt < r->servers.len) {
		const union net_sockaddr *server = &r->servers.servers[r->attempt++];
		int fd = socket(server->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

		if (fd < 0)
			continue;
		if (connect(fd, &server->any, net_sockaddr_len(server)) == 0 || errno == EINPROGRESS) {
			await(r, fd);
			return;
		}
		close(fd);
	}
	refuse(r);
}

static void try_next(struct relay *r)
{
	if (r->is_outgoing)
		connect_out(r);
	else
		ask_keeper(r);
}

void relays_connected(struct stack *s, uint32_t id, int fd, int code)
{
	struct relay *r = s->relays.first;

	while (r && (r->id != id || r->state != ASKED))
		r = r->next;
	if (!r) {
		if (fd >= 0)
			close(fd);
		return;
	}
	s->relays.asked--;
	r->state = CONNECTING;
	if (code == 0 && fd >= 0)
		await(r, fd);
	else
		try_next(r);
	if (s->relays.is_paused)
		accept_again(s);
}

int relays_add_outgoing(struct stack *s, int client, const struct resolv *servers)
{
	struct relay *r = s->relays.len < RELAYS_MAX ? add(s, client) : NULL;

	if (!r)
		return -ENOMEM;
	r->is_outgoing = true;
	r->servers = *servers;
	try_next(r);
	return 0;
}

/* --- ports --- */

static void on_client(int fd, uint32_t events, void *arg);

static void watch_ports(struct stack *s)
{
	for (struct relay_port *p = s->relays.ports; p; p = p->next)
		poller_watch(&s->poller, p->fd, s->relays.is_paused ? 0 : EPOLLIN, on_client, p);
}

static bool has_room(const struct relays *all)
{
	return all->len < RELAYS_MAX && all->asked < RELAYS_ASKED_MAX;
}

static void pause_ports(struct stack *s)
{
	s->relays.is_paused = true;
	watch_ports(s);
}

static void accept_again(struct stack *s)
{
	if (!has_room(&s->relays))
		return;
	s->relays.is_paused = false;
	watch_ports(s);
}

static void on_client(int fd, uint32_t events, void *arg)
{
	struct relay_port *p = arg;
	struct stack *s = p->stack;

	(void)events;
	for (int i = 0; i < ACCEPT_BATCH; i++) {
		union net_sockaddr from = { 0 };
		socklen_t len = sizeof(from);
		struct relay *r;
		int client;

		if (!has_room(&s->relays)) {
			pause_ports(s);
			return;
		}
		client = accept4(fd, &from.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (client < 0) {
			/* Without a descriptor to spare, the end of some connection is waited for, if there is one. */
			if ((errno == EMFILE || errno == ENFILE) && s->relays.len > 0)
				pause_ports(s);
			return;
		}
		r = add(s, client);
		if (!r) {
			close(client);
			continue;
		}
		r->client = from;
		r->port = p->port;
		ask_keeper(r);
	}
}

int relays_add_port(struct stack *s, const struct net_port *port, int fd)
{
	struct relay_port *p = calloc(1, sizeof(*p));

	if (!p) {
		close(fd);
		return -ENOMEM;
	}
	*p = (struct relay_port){ .port = *port, .fd = fd, .stack = s, .next = s->relays.ports };
	s->relays.ports = p;
	return poller_watch(&s->poller, fd, EPOLLIN, on_client, p);
}

#include "net/datagrams.h"

#include "net/addresses.h"
#include "net/stack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BATCH = 64, DATAGRAM_MAX = NET_MTU - 48 };

static uint32_t hash_peer(const union net_sockaddr *a, uint16_t container_port)
{
	const uint8_t *p =
		a->any.sa_family == AF_INET6 ? (const uint8_t *)&a->v6.sin6_addr : (const uint8_t *)&a->v4.sin_addr;
	size_t len = a->any.sa_family == AF_INET6 ? 16 : 4;
	uint32_t h = 2166136261u ^ a->v4.sin_port ^ (uint32_t)container_port << 16;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 16777619u;
	return (h ^ h >> 16) % DATAGRAM_PEERS;
}

static bool is_same(const union net_sockaddr *a, const union net_sockaddr *b)
{
	if (a->any.sa_family != b->any.sa_family || a->v4.sin_port != b->v4.sin_port)
		return false;
	if (a->any.sa_family == AF_INET6)
		return memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, 16) == 0;
	return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
}

void net_seen_address(const union net_sockaddr *real, union net_sockaddr *ret)
{
	const struct in6_addr network = net_address6(0);

	*ret = *real;
	if (real->any.sa_family == AF_INET6) {
		const struct in6_addr *a = &real->v6.sin6_addr;

		ret->v6.sin6_scope_id = 0;
		if (IN6_IS_ADDR_LOOPBACK(a) || IN6_IS_ADDR_LINKLOCAL(a) || memcmp(a, &network, 8) == 0)
			ret->v6.sin6_addr = net_address6(NET_LAST_GATEWAY);
	} else {
		uint32_t a = ntohl(real->v4.sin_addr.s_addr);

		if (a >> 24 == 127 || !((a ^ ntohl(net_address(0).s_addr)) >> 8))
			ret->v4.sin_addr = net_address(NET_LAST_GATEWAY);
	}
}

/* --- in --- */

static void set_address(const union net_sockaddr *a, struct in6_addr *to, uint16_t *port)
{
	if (a->any.sa_family == AF_INET6) {
		*to = a->v6.sin6_addr;
		*port = ntohs(a->v6.sin6_port);
	} else {
		memcpy(to, &a->v4.sin_addr, sizeof(a->v4.sin_addr));
		*port = ntohs(a->v4.sin_port);
	}
}

static void pass_in(struct stack *s, const struct datagram_port *d, size_t index, const union net_sockaddr *from,
		    const uint8_t *data, size_t len)
{
	struct packet_udp u = {
		.is_ipv6 = d->port.is_ipv6, .to_port = d->port.container_port, .data = data, .len = len
	};
	struct datagram_peer *peer;
	union net_sockaddr seen;

	net_seen_address(from, &seen);
	peer = &s->datagrams.peers[hash_peer(&seen, d->port.container_port)];
	*peer = (struct datagram_peer){ seen, *from, d->port.container_port, (uint32_t)index + 1 };
	set_address(&seen, &u.from, &u.from_port);
	if (u.is_ipv6)
		u.to = s->config.address6;
	else
		memcpy(&u.to, &s->config.address, sizeof(s->config.address));
	stack_send_udp(s, &u);
}

static size_t index_of(const struct datagrams *d, const struct datagram_port *port)
{
	size_t i = 0;

	while (d->ports[i] != port)
		i++;
	return i;
}

static void on_datagrams(int fd, uint32_t events, void *arg)
{
	static uint8_t data[DATAGRAM_MAX + 1];
	struct datagram_port *d = arg;
	size_t index = index_of(&d->stack->datagrams, d);

	(void)events;
	for (int i = 0; i < BATCH; i++) {
		union net_sockaddr from = { 0 };
		socklen_t from_len = sizeof(from);
		ssize_t n = recvfrom(fd, data, sizeof(data), 0, &from.any, &from_len);

		/* A peer that can't be reached is told here: it is only the last datagram's. */
		if (n < 0 && (errno == ECONNREFUSED || errno == EHOSTUNREACH || errno == ENETUNREACH))
			continue;
		if (n < 0)
			return;
		if (n <= DATAGRAM_MAX)
			pass_in(d->stack, d, index, &from, data, (size_t)n);
	}
}

int datagrams_add(struct stack *s, const struct net_port *port, int fd)
{
	struct datagrams *all = &s->datagrams;
	struct datagram_port *d = calloc(1, sizeof(*d));
	union net_sockaddr bound = { 0 };
	socklen_t len = sizeof(bound);
	static const struct in6_addr any;

	if (!d || all->len == NET_PORTS_MAX || getsockname(fd, &bound.any, &len) < 0) {
		free(d);
		close(fd);
		return -ENOMEM;
	}
	*d = (struct datagram_port){ .port = *port, .fd = fd, .stack = s };
	d->any = port->is_ipv6 ? memcmp(&bound.v6.sin6_addr, &any, sizeof(any)) == 0 : bound.v4.sin_addr.s_addr == 0;
	all->ports[all->len++] = d;
	return poller_watch(&s->poller, fd, EPOLLIN, on_datagrams, d);
}

/* --- out --- */

/* For one who was not heard: a port of the host that can reach anybody. NULL: there is none. */
static const struct datagram_port *find_port(const struct datagrams *d, const struct packet_udp *u)
{
	for (size_t i = 0; i < d->len; i++) {
		const struct datagram_port *p = d->ports[i];

		if (p->port.container_port == u->from_port && p->port.is_ipv6 == u->is_ipv6 && p->any)
			return p;
	}
	return NULL;
}

static void make_address(const struct packet_udp *u, union net_sockaddr *ret)
{
	*ret = (union net_sockaddr){ 0 };
	if (u->is_ipv6) {
		ret->v6.sin6_family = AF_INET6;
		ret->v6.sin6_port = htons(u->to_port);
		ret->v6.sin6_addr = u->to;
	} else {
		ret->v4.sin_family = AF_INET;
		ret->v4.sin_port = htons(u->to_port);
		memcpy(&ret->v4.sin_addr, &u->to, sizeof(ret->v4.sin_addr));
	}
}

/* The way out itself: whoever was heard from the host's loopback is there, and nobody else. */
static bool is_gateway(const struct packet_udp *u)
{
	const struct in6_addr gateway6 = net_address6(NET_LAST_GATEWAY);
	const struct in_addr gateway = net_address(NET_LAST_GATEWAY);

	return u->is_ipv6 ? memcmp(&u->to, &gateway6, 16) == 0 : memcmp(&u->to, &gateway, 4) == 0;
}

bool datagrams_send(struct stack *s, const struct packet_udp *u, bool may_leave)
{
	const struct datagrams *all = &s->datagrams;
	const struct datagram_peer *peer;
	const struct datagram_port *port = NULL;
	union net_sockaddr to;

	if (all->len == 0)
		return false;
	make_address(u, &to);
	peer = &all->peers[hash_peer(&to, u->from_port)];
	if (peer->port && peer->container_port == u->from_port && is_same(&peer->seen, &to)) {
		port = all->ports[peer->port - 1];
		to = peer->real;
	} else if (may_leave && !is_gateway(u)) {
		port = find_port(all, u);
	}
	if (!port)
		return false;
	(void)sendto(port->fd, u->data, u->len, MSG_NOSIGNAL, &to.any, net_sockaddr_len(&to));
	return true;
}

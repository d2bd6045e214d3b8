/*
 * UDP ports of the container that are published on the host.
 *
 * What comes in there is put into a frame under the address of its sender, and what the container sends from such a port
 * goes out by it, whoever it is for: so the container sees who asks, and the other side sees the published port, as protocols
 * that work both ways need. Senders in the host's own loopback are seen as 10.0.2.2, and only they can be answered there.
 */
#pragma once

#include "net/packet.h"
#include "net/wire.h"

#include <stdbool.h>
#include <stdint.h>

struct stack;

enum { DATAGRAM_PEERS = 1024 };

struct datagram_port {
	struct net_port port;
	int fd;	  /* owned */
	bool any; /* bound to every address */
	struct stack *stack;
};

/* Who was heard last, by a hash of who and of what port: one in each place. */
struct datagram_peer {
	union net_sockaddr seen, real; /* as the container sees it, and as it is */
	uint16_t container_port;
	uint32_t port; /* index + 1; 0: nobody */
};

struct datagrams {
	struct datagram_port *ports[NET_PORTS_MAX];
	size_t len;
	struct datagram_peer peers[DATAGRAM_PEERS];
};

/* Takes FD. 0 or a negative errno. */
int datagrams_add(struct stack *s, const struct net_port *port, int fd);
/* A datagram of the container's: true if it was one for us. MAY_LEAVE: packet_may_leave said so. */
bool datagrams_send(struct stack *s, const struct packet_udp *u, bool may_leave);
/* How the container sees the address REAL: itself, or the way out for what would mean something else in there. */
void net_seen_address(const union net_sockaddr *real, union net_sockaddr *ret);

/*
 * TCP connections that are two sockets, with bytes copied from each to the other: those to published ports of the host, whose
 * other end is a socket inside the container's network that the keeper opens; and those to name service.
 */
#pragma once

#include "net/resolv.h"
#include "net/wire.h"

#include <stdbool.h>
#include <stdint.h>

struct stack;
struct relay;
struct relay_port;

enum {
	RELAYS_MAX = 8192,
	RELAYS_ASKED_MAX = 256, /* of them, those that the keeper is to open */
};

struct relays {
	struct relay *first;
	struct relay_port *ports;
	size_t len, asked;
	uint32_t next_id;
	bool is_paused; /* no connections are accepted until there is room again */
};

/* Takes FD, which listens. 0 or a negative errno. */
int relays_add_port(struct stack *s, const struct net_port *port, int fd);
/* The keeper's answer: FD is owned by us, -1 with a CODE. */
void relays_connected(struct stack *s, uint32_t id, int fd, int code);
/* CLIENT (taken if 0 is returned) is to be connected to one of SERVERS. */
int relays_add_outgoing(struct stack *s, int client, const struct resolv *servers);

/*
 * The stack: that half of the helper which meets what the container and the world send. It is alone in its namespaces
 * but for the network, has no rights and no files (confine.h), and works in one thread:
 *
 *     link (frames of the container) --+-- UDP to 10.0.2.3:53       names.c      -> the host's name servers
 *                                      +-- UDP from a published port datagrams.c -> that port of the host
 *                                      `-- all else that may leave   libslirp    -> sockets of the host
 *     published TCP ports of the host ---- relay.c: two sockets, bytes copied; the container's kernel does the rest
 */
#pragma once

#include "base/err.h"
#include "net/datagrams.h"
#include "net/names.h"
#include "net/poller.h"
#include "net/relay.h"
#include "net/wire.h"

#include <stdint.h>

typedef struct Slirp Slirp;

struct stack {
	int keeper; /* the socket to it */
	int link;   /* -1: not there yet */
	struct net_config config;
	struct poller poller;
	Slirp *slirp;
	int *slirp_fds; /* that it wants to wait for */
	size_t slirp_fds_len, slirp_fds_cap;
	uint32_t *slirp_events; /* by descriptor: what was there at the last wait */
	size_t slirp_events_cap;
	struct names names;
	struct datagrams datagrams;
	struct relays relays;
	bool ended;
};

/* Runs it until the keeper ends. NAMES: a listening socket for name service by TCP, or -1. */
int stack_run(int keeper, int names, struct err *err);

/* --- for its parts --- */

/* Gives the container a frame; one that doesn't fit in what waits is lost. */
void stack_send_frame(struct stack *s, const uint8_t *frame, size_t len);
/* Gives it a datagram. */
void stack_send_udp(struct stack *s, const struct packet_udp *u);
/* Milliseconds of the monotonic clock. */
int64_t stack_now_ms(void);

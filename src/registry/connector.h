/*
 * The half of the fetch helper that isn't confined: it looks up names and connects, and nothing else. It reads no byte
 * that comes from the network.
 *
 * The confined half has no right to make a socket. It sends a host and a port, with one end of a pair of sockets; on that
 * it gets a connected socket, or why there is none. So a confined half that was taken over reaches no further than
 * here: the registry itself, or its proxy if there is one; and where registries send their clients elsewhere (token
 * servers, stores of blobs), hosts on the same port or on 443, but none on a private network or on this machine unless
 * the registry itself is there.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct connector_policy {
	char host[256];
	uint16_t port;
	bool only_this; /* a proxy: nothing else is connected to */
};

/* Serves requests on SOCK until its other end is closed. */
void connector_serve(int sock, const struct connector_policy *policy);

/* --- the confined half --- */

/* A connected stream socket to HOST:PORT; blocks for at most about 40 seconds. Thread-safe. */
int connector_connect(int sock, const char *host, uint16_t port, struct err *err);

/*
 * Whether an address of the family FAMILY (AF_INET, AF_INET6; ADDR in network order) is on this machine or on a private
 * network: RFC 1918, RFC 4193, loopback, link-local, shared (RFC 6598), and IPv4 in IPv6.
 */
bool connector_is_private(int family, const void *addr);

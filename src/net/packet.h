/*
 * Ethernet frames to and from the container: UDP datagrams in them, and where they want to go. No I/O; everything in a
 * frame from the container is hostile.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PACKET_HEADERS_MAX = 14 + 40 + 8, PACKET_MAC = 6 };

/* A UDP datagram; ports in host order, addresses of 4 or 16 bytes in network order. */
struct packet_udp {
	bool is_ipv6;
	struct in6_addr from, to; /* IPv4: the first four bytes */
	uint16_t from_port, to_port;
	const uint8_t *data; /* borrowed from the frame */
	size_t len;
};

/* True if the frame is one whole UDP datagram (no fragment, no extension headers) with lengths that fit. */
bool packet_parse_udp(const uint8_t *frame, size_t len, struct packet_udp *ret);
/* Writes the frame of U, with its checksums, into CAP bytes. Returns its length, 0 if it does not fit. */
size_t packet_build_udp(const struct packet_udp *u, const uint8_t from_mac[static PACKET_MAC],
			const uint8_t to_mac[static PACKET_MAC], uint8_t *frame, size_t cap);

/*
 * What the container may send to the user-mode stack. Refused: the host's loopback by any of its names (127/8, 0/8, ::, ::1,
 * IPv4 in IPv6), multicast and broadcast, addresses of the private network that nobody has. The way to 10.0.2.2 is left
 * to the stack, which knows whether it leads anywhere. NAMES: there is name service by TCP.
 */
bool packet_may_leave(const uint8_t *frame, size_t len, bool names);

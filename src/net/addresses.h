/*
 * The private network as a container sees it. It is the same in each, since each is alone in its own.
 *
 *     10.0.2.100     fd63:6c6f:6368:6500::100   the container, unless --ip, --ip6 say otherwise
 *     10.0.2.2       fd63:6c6f:6368:6500::2     the way out; with host-loopback also 127.0.0.1 and ::1 of the host
 *     10.0.2.3                                  name service
 */
#pragma once

#include <netinet/in.h>
#include <stdint.h>

#define NET_PREFIX_BITS 24
#define NET_PREFIX6_BITS 64
#define NET_NETWORK "10.0.2.0"
#define NET_GATEWAY "10.0.2.2"
#define NET_NAMESERVER "10.0.2.3"
#define NET_CONTAINER "10.0.2.100"
#define NET_NETWORK6 "fd63:6c6f:6368:6500::"
#define NET_GATEWAY6 "fd63:6c6f:6368:6500::2"
#define NET_CONTAINER6 "fd63:6c6f:6368:6500::100"
/* "02:42" and the address, as docker has it. */
#define NET_MAC "02:42:0a:00:02:64"

enum { NET_MTU = 65520, NET_MTU_MIN = 1280, NET_FRAME_MAX = 14 + NET_MTU };
#define NET_INTERFACE "eth0"

/* The same as numbers, in network order. */
static inline struct in_addr net_address(uint8_t last)
{
	return (struct in_addr){ .s_addr = htonl(0x0a000200u | last) };
}

static inline struct in6_addr net_address6(uint16_t last)
{
	return (struct in6_addr){ .s6_addr = { 0xfd, 0x63, 0x6c, 0x6f, 0x63, 0x68, 0x65, 0x00, 0, 0, 0, 0, 0, 0,
					       (uint8_t)(last >> 8), (uint8_t)last } };
}
enum {
	NET_LAST_GATEWAY = 2,
	NET_LAST_NAMESERVER = 3,
	NET_LAST_UNUSED = 4,
	NET_LAST_CONTAINER = 100,
	NET_LAST6_CONTAINER = 0x100
};

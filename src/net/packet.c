#include "net/packet.h"

#include "net/addresses.h"

#include <net/ethernet.h>
#include <string.h>

enum {
	ETHER = 14,
	IP4 = 20,
	IP6 = 40,
	UDP = 8,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_ICMP6 = 58,
	TTL = 64,
	PORT_NAMES = 53,
};

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, size_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

static uint16_t ether_type(const uint8_t *frame)
{
	return get16(frame + 12);
}

/* --- UDP --- */

static bool parse_udp_header(const uint8_t *p, size_t len, struct packet_udp *u)
{
	size_t total;

	if (len < UDP)
		return false;
	total = get16(p + 4);
	if (total < UDP || total > len)
		return false;
	u->from_port = get16(p);
	u->to_port = get16(p + 2);
	u->data = p + UDP;
	u->len = total - UDP;
	return true;
}

static bool parse_udp4(const uint8_t *p, size_t len, struct packet_udp *u)
{
	size_t header, total;

	if (len < IP4 || p[0] >> 4 != 4)
		return false;
	header = (size_t)(p[0] & 15) * 4;
	total = get16(p + 2);
	if (header < IP4 || total < header || total > len || p[9] != PROTO_UDP)
		return false;
	/* A fragment: more to come, or not the first. */
	if (get16(p + 6) & 0x3fff)
		return false;
	memcpy(&u->from, p + 12, 4);
	memcpy(&u->to, p + 16, 4);
	return parse_udp_header(p + header, total - header, u);
}

static bool parse_udp6(const uint8_t *p, size_t len, struct packet_udp *u)
{
	size_t total;

	if (len < IP6 || p[0] >> 4 != 6 || p[6] != PROTO_UDP)
		return false;
	total = get16(p + 4);
	if (total > len - IP6)
		return false;
	u->is_ipv6 = true;
	memcpy(&u->from, p + 8, 16);
	memcpy(&u->to, p + 24, 16);
	return parse_udp_header(p + IP6, total, u);
}

bool packet_parse_udp(const uint8_t *frame, size_t len, struct packet_udp *ret)
{
	struct packet_udp u = { 0 };
	bool ok = false;

	if (len < ETHER)
		return false;
	if (ether_type(frame) == ETHERTYPE_IP)
		ok = parse_udp4(frame + ETHER, len - ETHER, &u);
	else if (ether_type(frame) == ETHERTYPE_IPV6)
		ok = parse_udp6(frame + ETHER, len - ETHER, &u);
	if (ok)
		*ret = u;
	return ok;
}

/* RFC 1071: the ones' complement sum, carried on from SUM. An odd byte counts as the higher one. */
static uint32_t add_sum(uint32_t sum, const uint8_t *p, size_t len)
{
	for (; len > 1; p += 2, len -= 2)
		sum += get16(p);
	if (len)
		sum += (uint32_t)p[0] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void write_ip4(const struct packet_udp *u, uint8_t *p)
{
	size_t total = IP4 + UDP + u->len;

	memset(p, 0, IP4);
	p[0] = 4 << 4 | IP4 / 4;
	put16(p + 2, total);
	p[6] = 0x40; /* don't fragment: it is whole */
	p[8] = TTL;
	p[9] = PROTO_UDP;
	memcpy(p + 12, &u->from, 4);
	memcpy(p + 16, &u->to, 4);
	put16(p + 10, ~add_sum(0, p, IP4) & 0xffff);
}

static void write_ip6(const struct packet_udp *u, uint8_t *p)
{
	memset(p, 0, IP6);
	p[0] = 6 << 4;
	put16(p + 4, UDP + u->len);
	p[6] = PROTO_UDP;
	p[7] = TTL;
	memcpy(p + 8, &u->from, 16);
	memcpy(p + 24, &u->to, 16);
}

/* RFC 768 and 8200: over a pseudo header of the addresses, the protocol and the length. */
static uint16_t udp_sum(const struct packet_udp *u, const uint8_t *udp)
{
	size_t address = u->is_ipv6 ? 16 : 4, total = UDP + u->len;
	uint32_t sum = (uint32_t)(PROTO_UDP + total);

	sum = add_sum(sum, (const uint8_t *)&u->from, address);
	sum = add_sum(sum, (const uint8_t *)&u->to, address);
	sum = ~add_sum(sum, udp, total) & 0xffff;
	return sum ? (uint16_t)sum : 0xffff; /* 0 would mean that there is none */
}

size_t packet_build_udp(const struct packet_udp *u, const uint8_t from_mac[static PACKET_MAC],
			const uint8_t to_mac[static PACKET_MAC], uint8_t *frame, size_t cap)
{
	size_t ip = u->is_ipv6 ? IP6 : IP4;
	uint8_t *udp = frame + ETHER + ip;

	if (u->len > cap || cap - u->len < ETHER + ip + UDP || u->len > UINT16_MAX - UDP - IP4)
		return 0;
	memcpy(frame, to_mac, PACKET_MAC);
	memcpy(frame + PACKET_MAC, from_mac, PACKET_MAC);
	put16(frame + 12, u->is_ipv6 ? ETHERTYPE_IPV6 : ETHERTYPE_IP);
	if (u->is_ipv6)
		write_ip6(u, frame + ETHER);
	else
		write_ip4(u, frame + ETHER);
	put16(udp, u->from_port);
	put16(udp + 2, u->to_port);
	put16(udp + 4, UDP + u->len);
	put16(udp + 6, 0);
	if (u->len)
		memcpy(udp + UDP, u->data, u->len);
	put16(udp + 6, udp_sum(u, udp));
	return ETHER + ip + UDP + u->len;
}

/* --- where to --- */

/* The name server's address takes TCP to port 53 and nothing else; fragments of it are nobody's. */
static bool is_names_by_tcp(const uint8_t *p, size_t len)
{
	size_t header = (size_t)(p[0] & 15) * 4;

	return p[9] == PROTO_TCP && !(get16(p + 6) & 0x3fff) && len >= header + 4 &&
	       get16(p + header + 2) == PORT_NAMES;
}

static bool may_leave4(const uint8_t *p, size_t len, bool names)
{
	uint32_t to;

	if (len < IP4 || p[0] >> 4 != 4)
		return false;
	to = (uint32_t)get16(p + 16) << 16 | get16(p + 18);
	if (to >> 24 == 127 || to >> 24 == 0 || to >> 28 >= 14)
		return false;
	if ((to ^ ntohl(net_address(0).s_addr)) >> 8)
		return true;
	if ((to & 0xff) == NET_LAST_NAMESERVER)
		return names && is_names_by_tcp(p, len);
	return (to & 0xff) == NET_LAST_GATEWAY;
}

/* The neighbours' protocol is ICMPv6 to the link's own addresses; apart from that only addresses of the world. */
static bool may_leave6(const uint8_t *p, size_t len)
{
	static const uint8_t zeros[8];
	const uint8_t *to = p + 24;

	if (len < IP6 || p[0] >> 4 != 6)
		return false;
	if (to[0] == 0xff || (to[0] == 0xfe && (to[1] & 0xc0) == 0x80))
		return p[6] == PROTO_ICMP6;
	/* ::/64 has ::, ::1, and both forms of IPv4 in IPv6. */
	if (memcmp(to, zeros, sizeof(zeros)) == 0)
		return false;
	return true;
}

bool packet_may_leave(const uint8_t *frame, size_t len, bool names)
{
	if (len < ETHER)
		return false;
	switch (ether_type(frame)) {
	case ETHERTYPE_ARP:
		return true;
	case ETHERTYPE_IP:
		return may_leave4(frame + ETHER, len - ETHER, names);
	case ETHERTYPE_IPV6:
		return may_leave6(frame + ETHER, len - ETHER);
	default:
		return false;
	}
}

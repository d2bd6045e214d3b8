#include "net/packet.h"

#include "net/addresses.h"
#include "net/resolv.h"
#include "tests/unit/test.h"

#include <arpa/inet.h>
#include <string.h>

static const uint8_t mac[PACKET_MAC] = { 2, 0, 0, 0, 0, 1 };

static size_t make(bool v6, const char *to, uint16_t port, uint8_t frame[static 256])
{
	struct packet_udp u = {
		.is_ipv6 = v6, .from_port = 1000, .to_port = port, .data = (const uint8_t *)"hello", .len = 5
	};

	assert_int_equal(inet_pton(v6 ? AF_INET6 : AF_INET, to, &u.to), 1);
	assert_int_equal(inet_pton(v6 ? AF_INET6 : AF_INET, v6 ? NET_CONTAINER6 : NET_CONTAINER, &u.from), 1);
	return packet_build_udp(&u, mac, mac, frame, 256);
}

static void what_was_built_is_read(void **state)
{
	uint8_t frame[256];
	struct packet_udp u;

	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		size_t len = make(v6, v6 ? "2001:db8::1" : "192.0.2.1", 53, frame);

		assert_true(packet_parse_udp(frame, len, &u));
		assert_int_equal(u.to_port, 53);
		assert_int_equal(u.from_port, 1000);
		assert_int_equal(u.len, 5);
		assert_memory_equal(u.data, "hello", 5);
		/* Cut anywhere, it is none. */
		for (size_t cut = 0; cut < len; cut++)
			assert_false(packet_parse_udp(frame, cut, &u));
	}
	assert_int_equal(packet_build_udp(&u, mac, mac, frame, 20), 0);
}

static void the_hosts_loopback_is_not_left_for(void **state)
{
	static const struct {
		bool v6;
		const char *to;
		bool may;
	} cases[] = {
		{ false, "192.0.2.1", true },	     { false, "127.0.0.1", false }, { false, "127.9.9.9", false },
		{ false, "0.0.0.0", false },	     { false, "224.0.0.1", false }, { false, "255.255.255.255", false },
		{ false, NET_GATEWAY, true },	     { false, "10.0.2.77", false }, { false, NET_NAMESERVER, false },
		{ true, "2001:db8::1", true },	     { true, "::1", false },	    { true, "::", false },
		{ true, "::ffff:127.0.0.1", false }, { true, "fe80::1", false },    { true, "ff02::1", false },
		{ true, "64:ff9b::1.2.3.4", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t frame[256];
		size_t len = make(cases[i].v6, cases[i].to, 53, frame);

		assert_int_equal(packet_may_leave(frame, len, true), cases[i].may);
	}
}

static void name_servers_are_found(void **state)
{
	static const char text[] =
		"# nameserver 1.1.1.1\n nameserver\t192.0.2.1 # x\nnameservers 192.0.2.9\nnameserver fe80::1%lo\n"
		"nameserver [::1]:5353\nnameserver rubbish\nnameserver 192.0.2.2\nnameserver 192.0.2.3";
	struct resolv r;

	(void)state;
	resolv_parse(text, sizeof(text) - 1, &r);
	assert_int_equal(r.len, RESOLV_SERVERS_MAX);
	assert_int_equal(r.servers[0].v4.sin_addr.s_addr, inet_addr("192.0.2.1"));
	assert_int_equal(r.servers[1].v6.sin6_scope_id, 1);
	assert_int_equal(ntohs(r.servers[2].v6.sin6_port), 5353);
	assert_int_equal(r.servers[3].v4.sin_addr.s_addr, inet_addr("192.0.2.2"));
	resolv_parse("", 0, &r);
	assert_int_equal(r.len, 1);
	assert_int_equal(r.servers[0].v4.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_built_is_read),
		cmocka_unit_test(the_hosts_loopback_is_not_left_for),
		cmocka_unit_test(name_servers_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

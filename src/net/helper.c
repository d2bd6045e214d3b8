#include "net/helper.h"

#include "base/cleanup.h"
#include "net/addresses.h"
#include "net/wire.h"
#include "sys/msg.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

static int parse_mac(const char *word, uint8_t ret[static PACKET_MAC], struct err *err)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t mac[PACKET_MAC] = { 0 };

	for (size_t i = 0; i < 3 * PACKET_MAC - 1; i++) {
		const char *at = word[i] ? strchr(digits, word[i] | 0x20) : NULL;

		if (i % 3 == 2 ? word[i] != ':' : !at || word[i] == '\0')
			return err_set(err, EINVAL, "'%s' is no address of an Ethernet interface: six pairs of digits",
				       word);
		if (i % 3 != 2)
			mac[i / 3] = (uint8_t)(mac[i / 3] << 4 | (at - digits));
	}
	if (word[3 * PACKET_MAC - 1] || mac[0] & 1)
		return err_set(err, EINVAL, "'%s' is no address of a single Ethernet interface", word);
	memcpy(ret, mac, PACKET_MAC);
	return 0;
}

static int parse_address(const char *word, struct in_addr *ret, struct err *err)
{
	uint32_t last;

	if (inet_pton(AF_INET, word, ret) != 1)
		return err_set(err, EINVAL, "'%s' is no IPv4 address", word);
	last = ntohl(ret->s_addr) & 0xff;
	if ((ret->s_addr ^ net_address(0).s_addr) & htonl(0xffffff00) || last == 0 || last == 255 ||
	    last == NET_LAST_GATEWAY || last == NET_LAST_NAMESERVER) {
		err_set(err, EINVAL, "'%s' can't be had", word);
		return err_hint(err, "the private network is %s/%d; .2 and .3 are its gateway and its name server",
				NET_NETWORK, NET_PREFIX_BITS);
	}
	return 0;
}

static int parse_address6(const char *word, struct in6_addr *ret, struct err *err)
{
	const struct in6_addr network = net_address6(0), gateway = net_address6(NET_LAST_GATEWAY);

	if (inet_pton(AF_INET6, word, ret) != 1)
		return err_set(err, EINVAL, "'%s' is no IPv6 address", word);
	if (memcmp(ret, &network, 8) != 0 || memcmp(ret, &network, 16) == 0 || memcmp(ret, &gateway, 16) == 0) {
		err_set(err, EINVAL, "'%s' can't be had", word);
		return err_hint(err, "the private network is %s/%d; ::2 is its gateway", NET_NETWORK6,
				NET_PREFIX6_BITS);
	}
	return 0;
}

static int make_config(const struct net_options *o, struct net_config *c, struct err *err)
{
	const char *resolv = o->resolv ? o->resolv : "/etc/resolv.conf";
	int r;

	*c = (struct net_config){ .word = NET_WORD_CONFIG, .mtu = o->mtu ? o->mtu : NET_MTU };
	c->flags = o->host_loopback ? NET_HOST_LOOPBACK : 0;
	if (c->mtu < NET_MTU_MIN || c->mtu > NET_MTU)
		return err_set(err, EINVAL, "an MTU of %u: %d to %d are possible", c->mtu, NET_MTU_MIN, NET_MTU);
	if (strlen(resolv) >= sizeof(c->resolv))
		return err_set(err, ENAMETOOLONG, "'%s'", resolv);
	memcpy(c->resolv, resolv, strlen(resolv) + 1);
	r = parse_mac(o->mac ? o->mac : NET_MAC, c->mac, err);
	if (r < 0)
		return err_wrap(err, "--mac-address");
	r = parse_address(o->address ? o->address : NET_CONTAINER, &c->address, err);
	if (r < 0)
		return err_wrap(err, "--ip");
	r = parse_address6(o->address6 ? o->address6 : NET_CONTAINER6, &c->address6, err);
	return r < 0 ? err_wrap(err, "--ip6") : 0;
}

int net_options_check(const struct net_options *o, struct err *err)
{
	struct net_config config;

	return make_config(o, &config, err);
}

int net_helper_spawn(struct net_helper *ret, struct err *err)
{
	autoclose int here = -1, there = -1;
	autofree char *path = NULL;
	char *argv[] = { (char *)(uintptr_t) "cloche-net", NULL };
	struct process p = PROCESS_INIT;
	int pair[2], r = helper_path("net", &path, err);

	if (r >= 0)
		r = msg_pair(pair, err);
	if (r < 0)
		return err_wrap(err, "network");
	here = pair[0];
	there = pair[1];

	const int fds[NET_FDS] = { -1, -1, -1, there };
	struct spawn s = {
		.path = path, .argv = argv, .fds = fds, .fds_len = NET_FDS, .new_session = true, .dont_wait = true
	};

	r = spawn_start(&s, &p, err);
	if (r < 0)
		return err_wrap(err, "network");
	*ret = (struct net_helper){ p, TAKE_FD(here) };
	return 0;
}

static int take_report(const struct buf *reply, struct err *err)
{
	struct net_report report;

	if (reply->len != sizeof(report))
		return err_set(err, EBADMSG, "network: the helper said %zu bytes instead of %zu", reply->len,
			       sizeof(report));
	memcpy(&report, reply->data, sizeof(report));
	report.text[sizeof(report.text) - 1] = report.hint[sizeof(report.hint) - 1] = '\0';
	if (report.code == 0)
		return 0;
	err_set(err, report.code, "network: %s", report.text);
	return report.hint[0] ? err_hint(err, "%s", report.hint) : -report.code;
}

static int hear_report(const struct net_helper *h, struct err *err)
{
	autobuf struct buf reply = BUF_INIT(sizeof(struct net_report) + 1);
	int r = msg_receive(h->control, &reply, NULL, 0, err);

	return r < 0 ? err_wrap(err, "network: the helper ended before it was ready") : take_report(&reply, err);
}

/* A helper that has ended already has said why. */
static int tell(const struct net_helper *h, const void *data, size_t len, const int *fds, size_t fds_len,
		struct err *err)
{
	int r = msg_send(h->control, data, len, fds, fds_len, err);

	if (r != -EPIPE)
		return r < 0 ? err_wrap(err, "network") : 0;
	err_clear(err);
	r = hear_report(h, err);
	return r < 0 ? r : err_set(err, EPIPE, "network: the helper has ended");
}

static int send_ports(const struct net_helper *h, const struct net_listeners *ports, struct err *err)
{
	for (size_t at = 0; at < ports->len;) {
		struct net_ports m = { .word = NET_WORD_PORTS };
		int fds[NET_PORTS_BATCH], r;

		for (; at < ports->len && m.len < NET_PORTS_BATCH; at++, m.len++) {
			const struct net_listener *l = &ports->items[at];

			fds[m.len] = l->fd;
			m.items[m.len] = (struct net_port){ .container_port = l->port.container_port,
							    .is_udp = l->port.is_udp,
							    .is_ipv6 = l->port.is_ipv6 };
		}
		r = tell(h, &m, sizeof(m), fds, m.len, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int net_helper_configure(struct net_helper *h, const struct net_options *o, const struct net_listeners *ports, int life,
			 struct err *err)
{
	struct net_config config;
	int r = make_config(o, &config, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < ports->len; i++)
		config.relays |= !ports->items[i].port.is_udp;
	r = tell(h, &config, sizeof(config), &life, life >= 0, err);
	return r < 0 ? r : send_ports(h, ports, err);
}

int net_helper_attach(struct net_helper *h, int netns, int pidfd, struct err *err)
{
	const struct net_plain m = { NET_WORD_ATTACH };
	const int fds[] = { netns, pidfd };

	return tell(h, &m, sizeof(m), fds, ARRAY_SIZE(fds), err);
}

int net_helper_ready(struct net_helper *h, struct err *err)
{
	int r = hear_report(h, err);

	close(TAKE_FD(h->control));
	return r;
}

void net_helper_done(struct net_helper *h)
{
	process_done(&h->process);
	if (h->control >= 0)
		close(TAKE_FD(h->control));
}

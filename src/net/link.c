#include "net/link.h"

#include "base/cleanup.h"
#include "net/addresses.h"
#include "sys/netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/fib_rules.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/veth.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

/* Frames that wait in a packet socket; what is over is lost, as on any wire. The kernel allows as much as its limit. */
enum { PACKET_ROOM_BYTES = 4 << 20 };

#define OUTER_NAME "outer"

enum { LOOPBACK_INDEX = 1 }; /* in every namespace */

/* --- tap --- */

static int make_tap(void)
{
	autoclose int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	struct ifreq request = { .ifr_name = NET_INTERFACE, .ifr_flags = IFF_TAP | IFF_NO_PI };

	if (fd < 0 || ioctl(fd, TUNSETIFF, &request) < 0)
		return -errno;
	return TAKE_FD(fd);
}

/* --- a pair of virtual Ethernet devices --- */

static int add_pair(int inside, unsigned mtu, struct err *err)
{
	CLEANUP(netlink_done) struct netlink n = NETLINK_INIT;
	struct ifinfomsg none = { .ifi_family = AF_UNSPEC };
	size_t info, data, peer;
	int r = netlink_open(&n, err);

	if (r < 0)
		return r;
	netlink_begin(&n, "make a pair of virtual Ethernet devices", RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &none,
		      sizeof(none));
	netlink_add_str(&n, IFLA_IFNAME, OUTER_NAME);
	netlink_add_u32(&n, IFLA_MTU, mtu);
	info = netlink_open_nest(&n, IFLA_LINKINFO);
	netlink_add_str(&n, IFLA_INFO_KIND, "veth");
	data = netlink_open_nest(&n, IFLA_INFO_DATA);
	peer = netlink_open_nest(&n, VETH_INFO_PEER);
	netlink_add_raw(&n, &none, sizeof(none));
	netlink_add_str(&n, IFLA_IFNAME, NET_INTERFACE);
	netlink_add_u32(&n, IFLA_MTU, mtu);
	netlink_add_u32(&n, IFLA_NET_NS_FD, (uint32_t)inside);
	netlink_close_nest(&n, peer);
	netlink_close_nest(&n, data);
	netlink_close_nest(&n, info);
	return netlink_commit(&n, err);
}

/* In the outer namespace. The kernel's own answers to what comes in there (its IPv6) would only be noise. */
static int raise_outer(struct err *err)
{
	autoclose int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { .ifr_name = OUTER_NAME, .ifr_flags = IFF_UP | IFF_NOARP };
	int off = open("/proc/sys/net/ipv6/conf/" OUTER_NAME "/disable_ipv6", O_WRONLY | O_CLOEXEC);

	if (off >= 0) {
		(void)!write(off, "1", 1);
		close(off);
	}
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		return err_errno(err, errno, "bring up the outer end of the pair");
	return 0;
}

static int open_packet_socket(struct err *err)
{
	/* Bound before it listens to any protocol, so that nothing else comes in. */
	autoclose int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_ll address = { .sll_family = AF_PACKET,
				       .sll_protocol = htons(ETH_P_ALL),
				       .sll_ifindex = (int)if_nametoindex(OUTER_NAME) };
	int on = 1, room = PACKET_ROOM_BYTES;

	if (fd < 0)
		return err_errno(err, errno, "open a packet socket");
	(void)setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return err_errno(err, errno, "bind the packet socket");
	return TAKE_FD(fd);
}

/* Checksums that are left to the hardware would be wrong: there is none. */
static int set_checksums(struct err *err)
{
	autoclose int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ethtool_value off = { .cmd = ETHTOOL_STXCSUM, .data = 0 };
	struct ifreq request = { .ifr_name = NET_INTERFACE, .ifr_data = (void *)&off };

	if (fd < 0 || ioctl(fd, SIOCETHTOOL, &request) < 0)
		return err_errno(err, errno, "set the interface's checksums");
	return 0;
}

static int make_pair(unsigned mtu, struct err *err)
{
	autoclose int inside = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), fd = -1;
	int r;

	if (inside < 0)
		return err_errno(err, errno, "open '/proc/self/ns/net'");
	if (unshare(CLONE_NEWNET) < 0)
		return err_errno(err, errno, "make a namespace for the outer end");
	r = add_pair(inside, mtu, err);
	if (r >= 0)
		r = raise_outer(err);
	if (r >= 0)
		r = fd = open_packet_socket(err);
	if (setns(inside, CLONE_NEWNET) < 0 && r >= 0)
		r = err_errno(err, errno, "return to the container's network namespace");
	if (r >= 0)
		r = set_checksums(err);
	return r < 0 ? r : TAKE_FD(fd);
}

/* --- addresses and routes --- */

static void set_link(struct netlink *n, int index, const struct net_config *c)
{
	struct ifinfomsg m = { .ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP };

	netlink_begin(n, "set up the interface", RTM_NEWLINK, 0, &m, sizeof(m));
	netlink_add(n, IFLA_ADDRESS, c->mac, sizeof(c->mac));
	netlink_add_u32(n, IFLA_MTU, c->mtu);
}

static void add_address(struct netlink *n, int index, int family, const void *address, size_t len, uint8_t bits)
{
	struct ifaddrmsg m = { .ifa_family = (uint8_t)family,
			       .ifa_prefixlen = bits,
			       .ifa_flags = IFA_F_NODAD,
			       .ifa_index = (unsigned)index };

	netlink_begin(n, "add the address", RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &m, sizeof(m));
	netlink_add(n, IFA_LOCAL, address, len);
	netlink_add(n, IFA_ADDRESS, address, len);
	if (family == AF_INET) {
		const struct in_addr all = net_address(255);

		netlink_add(n, IFA_BROADCAST, &all, sizeof(all));
	}
}

static void add_default_route(struct netlink *n, int index, int family, const void *gateway, size_t len)
{
	struct rtmsg m = { .rtm_family = (uint8_t)family,
			   .rtm_table = RT_TABLE_MAIN,
			   .rtm_protocol = RTPROT_BOOT,
			   .rtm_type = RTN_UNICAST };

	netlink_begin(n, "add the default route", RTM_NEWROUTE, NLM_F_CREATE, &m, sizeof(m));
	netlink_add(n, RTA_GATEWAY, gateway, len);
	netlink_add_u32(n, RTA_OIF, (uint32_t)index);
}

/* What carries the mark stays inside: it answers a connection that came from inside, under an address from outside. */
static void add_return_path(struct netlink *n, int family)
{
	struct fib_rule_hdr rule = { .family = (uint8_t)family, .table = RT_TABLE_UNSPEC, .action = FR_ACT_TO_TBL };
	struct rtmsg route = { .rtm_family = (uint8_t)family,
			       .rtm_table = RT_TABLE_UNSPEC,
			       .rtm_protocol = RTPROT_BOOT,
			       .rtm_scope = RT_SCOPE_HOST,
			       .rtm_type = RTN_LOCAL };

	netlink_begin(n, "add the rule for answers", RTM_NEWRULE, NLM_F_CREATE, &rule, sizeof(rule));
	netlink_add_u32(n, FRA_FWMARK, LINK_MARK);
	netlink_add_u32(n, FRA_TABLE, LINK_TABLE);
	netlink_begin(n, "add the route for answers", RTM_NEWROUTE, NLM_F_CREATE, &route, sizeof(route));
	netlink_add_u32(n, RTA_TABLE, LINK_TABLE);
	netlink_add_u32(n, RTA_OIF, LOOPBACK_INDEX);
}

/* The container's own start does the same, at the same time; but IPv6 takes no route over an interface that is down. */
static void raise_loopback(struct netlink *n)
{
	struct ifinfomsg m = { .ifi_index = LOOPBACK_INDEX, .ifi_flags = IFF_UP, .ifi_change = IFF_UP };

	netlink_begin(n, "bring up the loopback interface", RTM_NEWLINK, 0, &m, sizeof(m));
}

static int set_up4(int index, const struct net_config *c, struct err *err)
{
	CLEANUP(netlink_done) struct netlink n = NETLINK_INIT;
	const struct in_addr gateway = net_address(NET_LAST_GATEWAY);
	int r = netlink_open(&n, err);

	if (r < 0)
		return r;
	raise_loopback(&n);
	set_link(&n, index, c);
	add_address(&n, index, AF_INET, &c->address, sizeof(c->address), NET_PREFIX_BITS);
	add_default_route(&n, index, AF_INET, &gateway, sizeof(gateway));
	if (c->relays)
		add_return_path(&n, AF_INET);
	return netlink_commit(&n, err);
}

/* 0 as well where the kernel has no IPv6, or has it switched off: then the container has none. */
static int set_up6(int index, const struct net_config *c, struct err *err)
{
	CLEANUP(netlink_done) struct netlink n = NETLINK_INIT;
	const struct in6_addr gateway = net_address6(NET_LAST_GATEWAY);
	int r = netlink_open(&n, err);

	if (r < 0)
		return r;
	add_address(&n, index, AF_INET6, &c->address6, sizeof(c->address6), NET_PREFIX6_BITS);
	if (netlink_commit(&n, NULL) < 0)
		return 0;
	add_default_route(&n, index, AF_INET6, &gateway, sizeof(gateway));
	if (c->relays)
		add_return_path(&n, AF_INET6);
	return netlink_commit(&n, err);
}

static bool set_sysctl(const char *path, const char *value)
{
	autoclose int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, value, strlen(value)) == (ssize_t)strlen(value);
}

/* Accepted connections, and refusals, keep the mark of what they answer. False where /proc/sys can't be written. */
static bool keep_marks(void)
{
	set_sysctl("/proc/sys/net/ipv6/fwmark_reflect", "1");
	return set_sysctl("/proc/sys/net/ipv4/tcp_fwmark_accept", "1") &&
	       set_sysctl("/proc/sys/net/ipv4/fwmark_reflect", "1");
}

static int make_interface(const struct net_config *c, struct err *err)
{
	int fd = make_tap(), r;

	if (fd >= 0)
		return fd;
	r = make_pair(c->mtu, err);
	if (r >= 0)
		return r;
	err_wrap(err, "/dev/net/tun: %s; instead of it", strerror(-fd));
	return err_hint(err,
			"let everybody open /dev/net/tun (mode 0666, 'modprobe tun' where it is missing), or run it "
			"with --network host");
}

int link_make(const struct net_config *c, bool *ret_marks, struct err *err)
{
	autoclose int fd = make_interface(c, err);
	int index = (int)if_nametoindex(NET_INTERFACE), r;

	if (fd < 0)
		return fd;
	/* No address by the stack's advertisements beside ours, and none made of the interface's. */
	set_sysctl("/proc/sys/net/ipv6/conf/" NET_INTERFACE "/accept_ra", "0");
	*ret_marks = c->relays && keep_marks();
	r = set_up4(index, c, err);
	if (r >= 0)
		r = set_up6(index, c, err);
	return r < 0 ? r : TAKE_FD(fd);
}

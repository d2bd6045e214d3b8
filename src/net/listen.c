#include "net/listen.h"

#include "base/cleanup.h"
#include "net/holder.h"
#include "net/resolv.h"
#include "sys/fs.h"
#include "base/num.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	BACKLOG = 1024,
	/* So often another port is tried where the kernel's choice for one family is taken in the other. */
	CHOICES = 32,
	DATAGRAMS_BYTES = 4 << 20,
};

void net_listeners_done(struct net_listeners *l)
{
	for (size_t i = 0; i < l->len; i++)
		close(l->items[i].fd);
	free(l->items);
	*l = (struct net_listeners){ 0 };
}

static void make_address(const struct port *p, union net_sockaddr *ret)
{
	*ret = (union net_sockaddr){ 0 };
	if (p->is_ipv6) {
		ret->v6.sin6_family = AF_INET6;
		ret->v6.sin6_addr = p->host;
		ret->v6.sin6_port = htons(p->host_port);
	} else {
		ret->v4.sin_family = AF_INET;
		memcpy(&ret->v4.sin_addr, &p->host, sizeof(ret->v4.sin_addr));
		ret->v4.sin_port = htons(p->host_port);
	}
}

/* The socket, or a negative errno. */
static int bind_one(const struct port *p)
{
	int type = p->is_udp ? SOCK_DGRAM : SOCK_STREAM, on = 1;
	autoclose int fd = socket(p->is_ipv6 ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	union net_sockaddr address;

	if (fd < 0)
		return -errno;
	if (p->is_ipv6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	/* TCP: connections of an earlier container that are still dying don't keep the port. */
	if (!p->is_udp)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	else
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){ DATAGRAMS_BYTES }, sizeof(int));
	make_address(p, &address);
	if (bind(fd, &address.any, net_sockaddr_len(&address)) < 0)
		return -errno;
	if (!p->is_udp && listen(fd, BACKLOG) < 0)
		return -errno;
	return TAKE_FD(fd);
}

static uint16_t bound_port(int fd)
{
	union net_sockaddr address = { 0 };
	socklen_t len = sizeof(address);

	getsockname(fd, &address.any, &len);
	return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

/* --- errors --- */

static unsigned first_unprivileged(void)
{
	autobuf struct buf text = BUF_INIT(64);
	uint32_t value = 1024;

	if (fs_read_file(AT_FDCWD, "/proc/sys/net/ipv4/ip_unprivileged_port_start", 63, &text, NULL) == 0 && text.len) {
		text.data[strcspn(text.data, "\n")] = '\0';
		num_parse_u32(text.data, UINT16_MAX + 1, &value);
	}
	return value;
}

static int refused(const struct port *p, int code, struct err *err)
{
	char socket[64], holder[128];

	port_format_socket(p, socket);
	err_errno(err, code, "publish port %u/%s on %s", p->container_port, p->is_udp ? "udp" : "tcp", socket);
	if (code == EADDRINUSE && port_find_holder(p, holder))
		return err_hint(err, "%s has it; choose another port, or stop that", holder);
	if (code == EADDRINUSE)
		return err_hint(err, "a process of another user has it ('ss -lnp' as root tells which); choose another "
				     "port, or stop that");
	if (code == EACCES && p->host_port < first_unprivileged())
		return err_hint(
			err,
			"ordinary users may have ports from %u on: choose a higher one, or let an administrator set "
			"'sysctl net.ipv4.ip_unprivileged_port_start=%u'",
			first_unprivileged(), p->host_port);
	if (code == EADDRNOTAVAIL)
		return err_hint(err, "no interface of this machine has that address");
	return -code;
}

static bool is_any(const struct port *p)
{
	static const struct in6_addr any;

	return memcmp(&p->host, &any, sizeof(any)) == 0;
}

/* Two that stand one behind the other as what one word without an address means. */
static bool are_a_pair(const struct port *a, const struct port *b)
{
	return !a->is_ipv6 && b->is_ipv6 && is_any(a) && is_any(b) && a->is_udp == b->is_udp &&
	       a->container_port == b->container_port && a->host_port == b->host_port && a->host_last == b->host_last;
}

static bool is_missing_family(int code)
{
	return code == EAFNOSUPPORT || code == EADDRNOTAVAIL;
}

/*
 * P, and SECOND (NULL: none) on the same port. Returns how many were bound, or a negative errno with the one that
 * it failed on in *RET_FAILED.
 */
static int bind_pair(struct port p, const struct port *second, struct net_listener ret[2], struct port *ret_failed)
{
	autoclose int fd = bind_one(&p);
	struct port other;
	int fd2;

	*ret_failed = p;
	if (fd < 0)
		return fd;
	p.host_port = bound_port(fd);
	p.host_last = 0;
	if (!second) {
		ret[0] = (struct net_listener){ p, TAKE_FD(fd) };
		return 1;
	}
	other = *second;
	other.host_port = p.host_port;
	other.host_last = 0;
	fd2 = bind_one(&other);
	*ret_failed = other;
	if (fd2 < 0 && !is_missing_family(-fd2))
		return fd2;
	ret[0] = (struct net_listener){ p, TAKE_FD(fd) };
	if (fd2 < 0)
		return 1;
	ret[1] = (struct net_listener){ other, fd2 };
	return 2;
}

/* As bind_pair, with other ports where there is a choice. */
static int bind_somewhere(const struct port *p, const struct port *second, struct net_listener ret[2], struct err *err)
{
	struct port at = *p, failed;
	bool free_choice = p->host_port == 0;
	int r = -EADDRINUSE;

	for (int i = 0;
	     r == -EADDRINUSE && (free_choice ? i < CHOICES : at.host_port <= (p->host_last ?: p->host_port)); i++) {
		r = bind_pair(at, second, ret, &failed);
		if (!free_choice && at.host_port++ == UINT16_MAX)
			break;
	}
	if (r == -EADDRINUSE && p->host_last)
		return err_set(err, EADDRINUSE, "publish port %u/%s: all ports from %u to %u are taken",
			       p->container_port, p->is_udp ? "udp" : "tcp", p->host_port, p->host_last);
	return r < 0 ? refused(&failed, -r, err) : r;
}

/* A descriptor each; as many as the administrator allows. */
static int make_room(size_t count, struct err *err)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= count + 256)
		return 0;
	if (limit.rlim_max < count + 256) {
		err_set(err, EMFILE, "%zu published ports need a descriptor each, %llu are allowed", count,
			(unsigned long long)limit.rlim_max);
		return err_hint(err, "'ulimit -Hn' is the limit; an administrator can raise it");
	}
	limit.rlim_cur = count + 256;
	setrlimit(RLIMIT_NOFILE, &limit);
	return 0;
}

int net_listen(const struct port_list *ports, struct net_listeners *ret, struct err *err)
{
	CLEANUP(net_listeners_done) struct net_listeners l = { 0 };
	int r = make_room(ports->len, err);

	if (r < 0 || ports->len == 0)
		return r;
	l.items = reallocarray(NULL, ports->len + 1, sizeof(*l.items));
	if (!l.items)
		return err_oom(err);
	for (size_t i = 0; i < ports->len;) {
		const struct port *p = &ports->items[i++], *second = NULL;

		if (i < ports->len && are_a_pair(p, &ports->items[i]))
			second = &ports->items[i++];
		r = bind_somewhere(p, second, l.items + l.len, err);
		if (r < 0)
			return r;
		l.len += (size_t)r;
	}
	*ret = l;
	l = (struct net_listeners){ 0 };
	return 0;
}

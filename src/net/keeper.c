#include "net/keeper.h"

#include "base/cleanup.h"
#include "net/addresses.h"
#include "net/confine.h"
#include "net/link.h"
#include "net/wire.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

struct keeper {
	int control, stack, pidfd, netns;
	int life; /* not used: it is there as long as we are */
	struct net_config config;
	bool marks;	  /* connections may come from any address */
	struct stat seen; /* of resolv.conf, when it was read last; st_ino 0: never, or it wasn't there */
	bool has_seen;
};

/* --- the start: what the command says --- */

static int forward_ports(struct keeper *k, const struct buf *message, int *fds, int fds_len, struct err *err)
{
	int r;

	if (message->len != sizeof(struct net_ports) || fds_len < 1)
		return err_set(err, EBADMSG, "what came are no ports");
	r = msg_send(k->stack, message->data, message->len, fds, (size_t)fds_len, err);
	for (int i = 0; i < fds_len; i++)
		close(fds[i]);
	return r;
}

static int take_config(struct keeper *k, const struct buf *message, struct err *err)
{
	if (message->len != sizeof(k->config))
		return err_set(err, EBADMSG, "what came is no configuration");
	memcpy(&k->config, message->data, sizeof(k->config));
	k->config.resolv[sizeof(k->config.resolv) - 1] = '\0';
	return msg_send(k->stack, &k->config, sizeof(k->config), NULL, 0, err);
}

/* One message; 1: the container is there. */
static int hear_command(struct keeper *k, struct buf *message, struct err *err)
{
	int fds[NET_PORTS_BATCH], n = msg_receive(k->control, message, fds, NET_PORTS_BATCH, err);
	uint32_t word;

	if (n < 0)
		return n;
	if (message->len < sizeof(word))
		return err_set(err, EBADMSG, "what came is no message");
	memcpy(&word, message->data, sizeof(word));
	if (word == NET_WORD_CONFIG && n <= 1) {
		k->life = n == 1 ? fds[0] : -1;
		return take_config(k, message, err);
	}
	if (word == NET_WORD_PORTS)
		return forward_ports(k, message, fds, n, err);
	if (word != NET_WORD_ATTACH || n != 2 || !k->config.mtu)
		return err_set(err, EBADMSG, "what came is no container");
	k->netns = fds[0];
	k->pidfd = fds[1];
	return 1;
}

/* --- inside --- */

static int join_container(const struct keeper *k, struct err *err)
{
	autoclose int userns = ioctl(k->netns, NS_GET_USERNS);

	/* EINVAL: it is our own, as root's container without one has it. */
	if (userns < 0 || (setns(userns, CLONE_NEWUSER) < 0 && errno != EINVAL))
		return err_errno(err, errno, "join the container's user namespace");
	if (setns(k->netns, CLONE_NEWNET) < 0)
		return err_errno(err, errno, "join the container's network namespace");
	return 0;
}

static int give_link(struct keeper *k, struct err *err)
{
	const struct net_plain m = { NET_WORD_LINK };
	autoclose int link = link_make(&k->config, &k->marks, err);

	return link < 0 ? link : msg_send(k->stack, &m, sizeof(m), &link, 1, err);
}

/* --- resolv.conf --- */

static bool is_the_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* The file's text, if it is another than before. What can't be read says nothing. */
static int tell_resolv(struct keeper *k, struct err *err)
{
	static struct net_resolv m;
	autoclose int fd = open(k->config.resolv, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat st = { 0 };
	ssize_t n = 0;

	m.word = NET_WORD_RESOLV;
	m.len = 0;
	if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)))
		memset(&st, 0, sizeof(st));
	if (!k->has_seen || !is_the_same(&st, &k->seen)) {
		while (st.st_ino && m.len < sizeof(m.text) &&
		       (n = read(fd, m.text + m.len, sizeof(m.text) - m.len)) > 0)
			m.len += (uint32_t)n;
		k->seen = st;
		k->has_seen = true;
	} else {
		m.word = NET_WORD_REFRESH; /* as before */
	}
	return msg_send(k->stack, &m, offsetof(struct net_resolv, text) + m.len, NULL, 0, err);
}

/* --- connections from inside --- */

/* Under the address of whoever is outside, where that can be; else under the container's own. */
static void take_address(const struct keeper *k, int fd, const union net_sockaddr *from)
{
	int on = 1, mark = LINK_MARK;
	bool v6 = from->any.sa_family == AF_INET6;

	if (!k->marks || setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0)
		return;
	if (v6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_TRANSPARENT, &on, sizeof(on));
	else
		setsockopt(fd, IPPROTO_IP, IP_TRANSPARENT, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, &from->any, net_sockaddr_len(from)) < 0) {
		/* That port is taken, by another way to the same peer: any other will do. */
		union net_sockaddr other = *from;

		if (v6)
			other.v6.sin6_port = 0;
		else
			other.v4.sin_port = 0;
		(void)bind(fd, &other.any, net_sockaddr_len(&other));
	}
}

static bool is_own(const struct keeper *k, const union net_sockaddr *to)
{
	if (to->any.sa_family == AF_INET6)
		return memcmp(&to->v6.sin6_addr, &k->config.address6, sizeof(to->v6.sin6_addr)) == 0;
	return to->any.sa_family == AF_INET && to->v4.sin_addr.s_addr == k->config.address.s_addr;
}

/* The descriptor, or a negative errno. The stack is not believed: only the container's own addresses can be reached. */
static int open_connection(const struct keeper *k, const struct net_connect *c)
{
	autoclose int fd = -1;

	if (!is_own(k, &c->to) || c->from.any.sa_family != c->to.any.sa_family)
		return -EPERM;
	fd = socket(c->to.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	take_address(k, fd, &c->from);
	if (connect(fd, &c->to.any, net_sockaddr_len(&c->to)) < 0 && errno != EINPROGRESS)
		return -errno;
	return TAKE_FD(fd);
}

static int answer_connect(const struct keeper *k, const struct net_connect *c, struct err *err)
{
	autoclose int fd = open_connection(k, c);
	struct net_socket m = { .word = NET_WORD_SOCKET, .id = c->id, .code = fd < 0 ? -fd : 0 };

	return msg_send(k->stack, &m, sizeof(m), &fd, fd >= 0, err);
}

/* --- life --- */

static int hear_stack(struct keeper *k, struct buf *message, struct net_report *ret_report, struct err *err)
{
	int r = msg_receive(k->stack, message, NULL, 0, err);
	struct net_connect c;
	uint32_t word;

	if (r < 0)
		return r;
	if (message->len < sizeof(word))
		return err_set(err, EBADMSG, "the stack said nothing sensible");
	memcpy(&word, message->data, sizeof(word));
	if (word == NET_WORD_REFRESH)
		return tell_resolv(k, err);
	if (word == NET_WORD_CONNECT && message->len == sizeof(c)) {
		memcpy(&c, message->data, sizeof(c));
		return answer_connect(k, &c, err);
	}
	if (word != NET_WORD_READY || message->len != sizeof(*ret_report) || !ret_report)
		return err_set(err, EBADMSG, "the stack said nothing sensible");
	memcpy(ret_report, message->data, sizeof(*ret_report));
	return 1;
}

static int start(struct keeper *k, struct buf *message, struct err *err)
{
	struct net_report report = { 0 };
	int r;

	do
		r = hear_command(k, message, err);
	while (r == 0);
	if (r >= 0)
		r = join_container(k, err);
	if (r >= 0)
		r = give_link(k, err);
	while (r >= 0 && report.word != NET_WORD_READY)
		r = hear_stack(k, message, &report, err);
	if (r >= 0 && report.code)
		return err_set(err, report.code, "%s", report.text);
	return r < 0 ? r : confine_keeper(err);
}

static void report(int control, const struct err *err)
{
	struct net_report m = { .word = NET_WORD_READY, .code = err->code };

	memcpy(m.text, err->msg, strnlen(err->msg, sizeof(m.text) - 1));
	memcpy(m.hint, err->hint, strnlen(err->hint, sizeof(m.hint) - 1));
	(void)msg_send(control, &m, sizeof(m), NULL, 0, NULL);
	close(control);
}

int keeper_run(int control, struct process *stack, int stack_sock, struct err *err)
{
	autobuf struct buf message = BUF_INIT(sizeof(struct net_config) + sizeof(struct net_ports) + 1);
	struct keeper k = { .control = control, .stack = stack_sock, .pidfd = -1, .netns = -1 };
	int r = start(&k, &message, err);

	report(control, err);
	while (r >= 0) {
		struct pollfd wait[] = { { .fd = k.pidfd, .events = POLLIN },
					 { .fd = k.stack, .events = POLLIN },
					 { .fd = stack->pidfd, .events = POLLIN } };

		if (poll(wait, ARRAY_SIZE(wait), -1) < 0 && errno != EINTR)
			return err_errno(err, errno, "wait");
		if (wait[0].revents)
			return 0;
		if (wait[2].revents)
			return err_set(err, ECHILD, "the stack has ended");
		if (wait[1].revents)
			r = hear_stack(&k, &message, NULL, err);
	}
	return r;
}

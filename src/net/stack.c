#include "net/stack.h"

#include "base/cleanup.h"
#include "net/addresses.h"
#include "net/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <slirp/libslirp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { FRAMES_BATCH = 64, SLIRP_VERSION = 4 };

int64_t stack_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* --- frames --- */

void stack_send_frame(struct stack *s, const uint8_t *frame, size_t len)
{
	if (s->link >= 0)
		(void)!write(s->link, frame, len);
}

void stack_send_udp(struct stack *s, const struct packet_udp *u)
{
	/* As libslirp makes it for 10.0.2.2. */
	static const uint8_t gateway_mac[PACKET_MAC] = { 0x52, 0x55, 10, 0, 2, 2 };
	static uint8_t frame[NET_FRAME_MAX];
	size_t len = packet_build_udp(u, gateway_mac, s->config.mac, frame, 14 + s->config.mtu);

	if (len)
		stack_send_frame(s, frame, len);
}

static bool is_question(const struct packet_udp *u)
{
	const struct in_addr names = net_address(NET_LAST_NAMESERVER);

	return !u->is_ipv6 && u->to_port == 53 && memcmp(&u->to, &names, sizeof(names)) == 0;
}

static void take_frame(struct stack *s, const uint8_t *frame, size_t len)
{
	bool may_leave = packet_may_leave(frame, len, s->names.listens);
	struct packet_udp u;

	if (packet_parse_udp(frame, len, &u)) {
		if (is_question(&u)) {
			names_ask(s, &u);
			return;
		}
		if (datagrams_send(s, &u, may_leave))
			return;
	}
	if (may_leave)
		slirp_input(s->slirp, frame, (int)len);
}

static void on_frames(int fd, uint32_t events, void *arg)
{
	static uint8_t frame[NET_FRAME_MAX + 64];
	struct stack *s = arg;

	(void)events;
	for (int i = 0; i < FRAMES_BATCH; i++) {
		ssize_t n = read(fd, frame, sizeof(frame));

		if (n < 0 && errno == EAGAIN)
			return;
		/* The interface is gone with the container's network. */
		if (n < 0 && (errno == EBADFD || errno == ENETDOWN || errno == EIO)) {
			poller_forget(&s->poller, fd);
			return;
		}
		if (n > 0)
			take_frame(s, frame, (size_t)n);
	}
}

/* --- what libslirp needs from us --- */

static ssize_t slirp_send(const void *data, size_t len, void *opaque)
{
	stack_send_frame(opaque, data, len);
	return (ssize_t)len;
}

static void slirp_error(const char *text, void *opaque)
{
	(void)text;
	(void)opaque;
}

static int64_t slirp_clock(void *opaque)
{
	struct timespec t;

	(void)opaque;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Its only timer is for router advertisements, which the container doesn't take: an idle one isn't woken for them. */
static void *slirp_timer_new(SlirpTimerId id, void *timer, void *opaque)
{
	(void)id;
	(void)timer;
	return opaque;
}

static void slirp_timer_free(void *timer, void *opaque)
{
	(void)timer;
	(void)opaque;
}

static void slirp_timer_mod(void *timer, int64_t expires_ms, void *opaque)
{
	(void)timer;
	(void)expires_ms;
	(void)opaque;
}

static void slirp_fd_new(int fd, void *opaque)
{
	(void)fd;
	(void)opaque;
}

static void slirp_fd_gone(int fd, void *opaque)
{
	struct stack *s = opaque;

	poller_forget(&s->poller, fd);
}

static void slirp_notify(void *opaque)
{
	(void)opaque;
}

static int make_slirp(struct stack *s, struct err *err)
{
	static const SlirpCb callbacks = {
		.send_packet = slirp_send,
		.guest_error = slirp_error,
		.clock_get_ns = slirp_clock,
		.timer_free = slirp_timer_free,
		.timer_mod = slirp_timer_mod,
		.register_poll_fd = slirp_fd_new,
		.unregister_poll_fd = slirp_fd_gone,
		.notify = slirp_notify,
		.timer_new_opaque = slirp_timer_new,
	};
	const SlirpConfig config = {
		.version = SLIRP_VERSION,
		.in_enabled = true,
		.vnetwork = net_address(0),
		.vnetmask = { htonl(0xffffff00) },
		.vhost = net_address(NET_LAST_GATEWAY),
		.in6_enabled = true,
		.vprefix_addr6 = net_address6(0),
		.vprefix_len = NET_PREFIX6_BITS,
		.vhost6 = net_address6(NET_LAST_GATEWAY),
		/* libslirp forwards TCP of 10.0.2.3 to a socket of ours only if that isn't what it takes for a name server. */
		.vnameserver = net_address(s->names.listens ? NET_LAST_UNUSED : NET_LAST_NAMESERVER),
		.vnameserver6 = net_address6(NET_LAST_NAMESERVER),
		.vdhcp_start = net_address(15),
		.if_mtu = s->config.mtu,
		.if_mru = s->config.mtu,
		.disable_host_loopback = !(s->config.flags & NET_HOST_LOOPBACK),
		.disable_dns = true,
		.disable_dhcp = true,
	};

	struct in_addr names = net_address(NET_LAST_NAMESERVER);

	s->slirp = slirp_new(&config, &callbacks, s);
	if (!s->slirp)
		return err_set(err, EINVAL, "libslirp does not start");
	if (s->names.listens && slirp_add_unix(s->slirp, STACK_NAMES_SOCKET, &names, 53) < 0)
		return err_set(err, EINVAL, "libslirp takes no name service by TCP");
	return 0;
}

/* --- its sockets --- */

static int grow(void *items, size_t *cap, size_t size, size_t wanted)
{
	size_t more = *cap ? *cap : 64;
	char *grown;

	if (wanted < *cap)
		return 0;
	while (more <= wanted)
		more *= 2;
	grown = reallocarray(*(void **)items, more, size);
	if (!grown)
		return -ENOMEM;
	memset(grown + *cap * size, 0, (more - *cap) * size);
	*(void **)items = grown;
	*cap = more;
	return 0;
}

static void on_slirp(int fd, uint32_t events, void *arg)
{
	struct stack *s = arg;

	s->slirp_events[fd] = events;
}

/* The place in libslirp's list is the descriptor itself; bit 31 of slirp_events: wanted this time. */
enum { WANTED = 1u << 30 };

static int add_poll(int fd, int events, void *opaque)
{
	struct stack *s = opaque;
	uint32_t wanted = (events & SLIRP_POLL_IN ? EPOLLIN : 0) | (events & SLIRP_POLL_OUT ? EPOLLOUT : 0) |
			  (events & SLIRP_POLL_PRI ? EPOLLPRI : 0);

	if (grow(&s->slirp_events, &s->slirp_events_cap, sizeof(uint32_t), (size_t)fd) < 0 ||
	    grow(&s->slirp_fds, &s->slirp_fds_cap, sizeof(int), s->slirp_fds_len) < 0 ||
	    poller_watch(&s->poller, fd, wanted ? wanted : EPOLLERR, on_slirp, s) < 0)
		return -1;
	s->slirp_events[fd] = WANTED;
	s->slirp_fds[s->slirp_fds_len++] = fd;
	return fd;
}

static int get_revents(int fd, void *opaque)
{
	struct stack *s = opaque;
	uint32_t events = fd >= 0 && (size_t)fd < s->slirp_events_cap ? s->slirp_events[fd] : 0;

	return (events & EPOLLIN ? SLIRP_POLL_IN : 0) | (events & EPOLLOUT ? SLIRP_POLL_OUT : 0) |
	       (events & EPOLLPRI ? SLIRP_POLL_PRI : 0) | (events & EPOLLERR ? SLIRP_POLL_ERR : 0) |
	       (events & EPOLLHUP ? SLIRP_POLL_HUP : 0);
}

/* What libslirp waited for last time, and doesn't any more, is put aside. */
static void fill(struct stack *s, uint32_t *timeout)
{
	size_t before = s->slirp_fds_len;

	for (size_t i = 0; i < before; i++)
		s->slirp_events[s->slirp_fds[i]] = 0;
	slirp_pollfds_fill(s->slirp, timeout, add_poll, s);
	for (size_t i = 0; i < before; i++) {
		int fd = s->slirp_fds[i];

		if (!(s->slirp_events[fd] & WANTED) && s->poller.table[fd].fn == on_slirp)
			poller_watch(&s->poller, fd, 0, on_slirp, s);
	}
	memmove(s->slirp_fds, s->slirp_fds + before, (s->slirp_fds_len - before) * sizeof(int));
	s->slirp_fds_len -= before;
	for (size_t i = 0; i < s->slirp_fds_len; i++)
		s->slirp_events[s->slirp_fds[i]] = 0;
}

/* --- what the keeper says --- */

static int take_ports(struct stack *s, const struct buf *message, int *fds, int n, struct err *err)
{
	struct net_ports m;
	int r = 0;

	if (message->len != sizeof(m))
		return err_set(err, EBADMSG, "what came are no ports");
	memcpy(&m, message->data, sizeof(m));
	if (n < 0 || m.len != (uint32_t)n)
		return err_set(err, EBADMSG, "%u ports and %d descriptors", m.len, n);
	for (int i = 0; i < n; i++)
		r |= m.items[i].is_udp ? datagrams_add(s, &m.items[i], fds[i])
				       : relays_add_port(s, &m.items[i], fds[i]);
	return r < 0 ? err_oom(err) : 0;
}

static int send_report(struct stack *s, const struct err *err)
{
	struct net_report m = { .word = NET_WORD_READY, .code = err->code };

	memcpy(m.text, err->msg, strnlen(err->msg, sizeof(m.text) - 1));
	return msg_send(s->keeper, &m, sizeof(m), NULL, 0, NULL);
}

static int take_link(struct stack *s, int fd, struct err *err)
{
	int r;

	s->link = fd;
	r = poller_watch(&s->poller, fd, EPOLLIN, on_frames, s);
	return r < 0 ? err_errno(err, -r, "wait for frames") : send_report(s, &(struct err){ 0 });
}

static int take_config(struct stack *s, const struct buf *message, struct err *err)
{
	if (message->len != sizeof(s->config) || s->slirp)
		return err_set(err, EBADMSG, "what came is no configuration");
	memcpy(&s->config, message->data, sizeof(s->config));
	return make_slirp(s, err);
}

static int hear(struct stack *s, const struct buf *m, int *fds, int n, struct err *err)
{
	struct net_socket socket;
	struct net_resolv *resolv;
	uint32_t word;

	if (m->len < sizeof(word))
		return err_set(err, EBADMSG, "the keeper said nothing sensible");
	memcpy(&word, m->data, sizeof(word));
	if (word == NET_WORD_CONFIG && n == 0)
		return take_config(s, m, err);
	if (!s->slirp)
		return err_set(err, EBADMSG, "the keeper began in the middle");
	switch (word) {
	case NET_WORD_PORTS:
		return take_ports(s, m, fds, n, err);
	case NET_WORD_LINK:
		return n == 1 ? take_link(s, fds[0], err) : err_set(err, EBADMSG, "no link came");
	case NET_WORD_REFRESH:
		names_set_servers(s, NULL, 0);
		return 0;
	case NET_WORD_RESOLV:
		resolv = (struct net_resolv *)(void *)m->data;
		names_set_servers(s, resolv->text, m->len - offsetof(struct net_resolv, text));
		return 0;
	case NET_WORD_SOCKET:
		memcpy(&socket, m->data, sizeof(socket));
		relays_connected(s, socket.id, n == 1 ? fds[0] : -1, socket.code);
		return 0;
	default:
		return err_set(err, EBADMSG, "the keeper said nothing sensible");
	}
}

static void on_keeper(int fd, uint32_t events, void *arg)
{
	static struct buf message = { .max = sizeof(struct net_resolv) + 1 };
	struct stack *s = arg;
	struct err err = { 0 };
	int fds[NET_PORTS_BATCH], n = msg_receive(fd, &message, fds, NET_PORTS_BATCH, &err);

	(void)events;
	if (n >= 0 && hear(s, &message, fds, n, &err) >= 0)
		return;
	send_report(s, &err);
	s->ended = true;
}

/* --- the loop --- */

static int smaller(int a, int b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

static int loop(struct stack *s, struct err *err)
{
	while (!s->ended) {
		uint32_t timeout = UINT32_MAX;
		int wait = -1, r;

		if (s->slirp)
			fill(s, &timeout);
		if (timeout != UINT32_MAX)
			wait = timeout > INT32_MAX ? INT32_MAX : (int)timeout;
		r = poller_wait(&s->poller, smaller(wait, names_timeout(s)));
		if (r < 0)
			return err_errno(err, -r, "wait");
		if (s->slirp)
			slirp_pollfds_poll(s->slirp, 0, get_revents, s);
		names_tick(s);
	}
	return 0;
}

/* As many connections as the administrator lets one process have. */
static void raise_limit(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) == 0) {
		l.rlim_cur = l.rlim_max;
		setrlimit(RLIMIT_NOFILE, &l);
	}
}

int stack_run(int keeper, int names, struct err *err)
{
	static struct stack s;
	int r;

	s.keeper = keeper;
	s.link = -1;
	raise_limit();
	r = poller_init(&s.poller);
	if (r >= 0)
		r = poller_watch(&s.poller, keeper, EPOLLIN, on_keeper, &s);
	if (r < 0)
		return err_errno(err, -r, "make an epoll");
	r = confine_stack(names >= 0, err);
	if (r >= 0 && names >= 0)
		r = names_listen(&s, names);
	return r < 0 ? r : loop(&s, err);
}

#include "sys/netlink.h"

#include "base/cleanup.h"

#include <errno.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* So much is added per attribute at most beside its data: header and padding. */
enum { ATTRIBUTE_EXTRA = 8 };

static size_t padded(size_t len)
{
	return (len + 3) & ~(size_t)3;
}

int netlink_open(struct netlink *n, struct err *err)
{
	*n = NETLINK_INIT;
	n->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	return n->fd < 0 ? err_errno(err, errno, "open a netlink socket") : 0;
}

void netlink_done(struct netlink *n)
{
	if (n->fd >= 0)
		close(TAKE_FD(n->fd));
}

static void *extend(struct netlink *n, size_t len)
{
	char *at = n->bytes + n->len;

	if (n->len + padded(len) > NETLINK_ROOM) {
		n->len = NETLINK_ROOM + 1; /* sticks: netlink_commit tells */
		return NULL;
	}
	memset(at, 0, padded(len));
	n->len += padded(len);
	return at;
}

/* The request at the end is as long as what was added. */
static void update_length(struct netlink *n)
{
	struct nlmsghdr *h = (struct nlmsghdr *)(void *)(n->bytes + n->start);

	if (n->len <= NETLINK_ROOM)
		h->nlmsg_len = (uint32_t)(n->len - n->start);
}

void netlink_begin(struct netlink *n, const char *what, uint16_t type, uint16_t flags, const void *header, size_t len)
{
	struct nlmsghdr *h;

	if (n->requests == NETLINK_REQUESTS_MAX)
		n->len = NETLINK_ROOM + 1;
	if (n->len > NETLINK_ROOM)
		return;
	n->start = n->len;
	h = extend(n, sizeof(*h) + len);
	if (!h)
		return;
	h->nlmsg_type = type;
	h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	h->nlmsg_seq = ++n->seq;
	memcpy(h + 1, header, len);
	n->what[n->requests++] = what;
	update_length(n);
}

void netlink_add(struct netlink *n, uint16_t type, const void *data, size_t len)
{
	struct nlattr *a;

	if (n->len > NETLINK_ROOM || len > NETLINK_ROOM - ATTRIBUTE_EXTRA)
		return;
	a = extend(n, sizeof(*a) + len);
	if (!a)
		return;
	a->nla_type = type;
	a->nla_len = (uint16_t)(sizeof(*a) + len);
	if (len > 0)
		memcpy(a + 1, data, len);
	update_length(n);
}

void netlink_add_u32(struct netlink *n, uint16_t type, uint32_t value)
{
	netlink_add(n, type, &value, sizeof(value));
}

void netlink_add_str(struct netlink *n, uint16_t type, const char *text)
{
	netlink_add(n, type, text, strlen(text) + 1);
}

void netlink_add_raw(struct netlink *n, const void *data, size_t len)
{
	void *to = n->len <= NETLINK_ROOM && len <= NETLINK_ROOM ? extend(n, len) : NULL;

	if (!to)
		return;
	memcpy(to, data, len);
	update_length(n);
}

size_t netlink_open_nest(struct netlink *n, uint16_t type)
{
	size_t nest = n->len;

	netlink_add(n, type | NLA_F_NESTED, NULL, 0);
	return nest;
}

void netlink_close_nest(struct netlink *n, size_t nest)
{
	struct nlattr *a = (struct nlattr *)(void *)(n->bytes + nest);

	if (n->len <= NETLINK_ROOM)
		a->nla_len = (uint16_t)(n->len - nest);
}

/* The answers in LEN bytes: takes note of the first failure. Returns how many there were. */
static size_t take_answers(const struct netlink *n, uint32_t first, char *bytes, size_t len, int *code,
			   const char **what)
{
	size_t count = 0;

	for (size_t at = 0; at + sizeof(struct nlmsghdr) + sizeof(struct nlmsgerr) <= len;) {
		struct nlmsghdr h;
		struct nlmsgerr e;

		memcpy(&h, bytes + at, sizeof(h));
		memcpy(&e, bytes + at + sizeof(h), sizeof(e));
		if (h.nlmsg_len < sizeof(h))
			break;
		at += padded(h.nlmsg_len);
		if (h.nlmsg_type != NLMSG_ERROR || h.nlmsg_seq < first || h.nlmsg_seq - first >= n->requests)
			continue;
		count++;
		if (e.error < 0 && *code == 0) {
			*code = -e.error;
			*what = n->what[h.nlmsg_seq - first];
		}
	}
	return count;
}

int netlink_commit(struct netlink *n, struct err *err)
{
	uint32_t first = n->seq - (uint32_t)n->requests + 1;
	size_t left = n->requests;
	const char *what = "";
	int code = 0;

	if (n->len > NETLINK_ROOM)
		return err_set(err, E2BIG, "netlink: too many requests at once");
	if (send(n->fd, n->bytes, n->len, 0) < 0)
		return err_errno(err, errno, "netlink: send");
	while (left > 0) {
		/* An answer to a failed request has that behind it. */
		char answer[2 * NETLINK_ROOM];
		ssize_t got = recv(n->fd, answer, sizeof(answer), 0);
		size_t count;

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return err_errno(err, got < 0 ? errno : ECONNRESET, "netlink: receive");
		count = take_answers(n, first, answer, (size_t)got, &code, &what);
		left -= count < left ? count : left;
	}
	n->len = n->requests = 0;
	return code ? err_errno(err, code, "%s", what) : 0;
}

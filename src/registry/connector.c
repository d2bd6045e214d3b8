#include "registry/connector.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/num.h"
#include "sys/msg.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECT_TIMEOUT_MS = 10000, ADDRESSES_MAX = 8, REQUESTS_MAX = 16 };

/* One request, packed in this order: the host, its NUL, the port in decimal, its NUL. */
struct connect_request {
	int reply; /* owned */
	char host[256];
	uint16_t port;
	const struct connector_policy *policy;
};

/* The answer: errno, text and remedy ("": none), with the socket if errno is 0. */
struct connect_reply {
	int32_t code;
	char text[256], hint[256];
};

/* --- policy --- */

static bool private_v4(uint32_t a)
{
	return a >> 24 == 0 || a >> 24 == 10 || a >> 24 == 127 || a >> 20 == 0xac1 || a >> 16 == 0xc0a8 ||
	       a >> 16 == 0xa9fe || a >> 22 == 0x64400000 >> 22 || a >> 28 >= 0xe;
}

bool connector_is_private(int family, const void *addr)
{
	static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff }, zero[15];
	const uint8_t *p = addr;
	uint32_t v4;

	if (family == AF_INET) {
		memcpy(&v4, p, sizeof(v4));
		return private_v4(ntohl(v4));
	}
	if (memcmp(p, mapped, sizeof(mapped)) == 0) {
		memcpy(&v4, p + 12, sizeof(v4));
		return private_v4(ntohl(v4));
	}
	if (memcmp(p, zero, sizeof(zero)) == 0 && p[15] <= 1) /* ::, ::1 */
		return true;
	return (p[0] & 0xfe) == 0xfc || (p[0] == 0xfe && (p[1] & 0xc0) == 0x80) || p[0] == 0xff;
}

static bool address_is_private(const struct addrinfo *a)
{
	if (a->ai_family == AF_INET)
		return connector_is_private(AF_INET, &((struct sockaddr_in *)a->ai_addr)->sin_addr);
	return connector_is_private(AF_INET6, &((struct sockaddr_in6 *)a->ai_addr)->sin6_addr);
}

static int look_up(const char *host, uint16_t port, struct addrinfo **ret, struct err *err)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV };
	char service[8];
	int r;

	snprintf(service, sizeof(service), "%u", port);
	r = getaddrinfo(host, service, &hints, ret);
	/* AI_ADDRCONFIG leaves out loopback where there is nothing else. */
	if (r == EAI_NONAME || r == EAI_ADDRFAMILY || r == EAI_NODATA) {
		const struct addrinfo any = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };

		r = getaddrinfo(host, service, &any, ret);
	}
	if (r == 0)
		return 0;
	if (r == EAI_SYSTEM)
		return err_errno(err, errno, "look up '%s'", host);
	err_set(err, EHOSTUNREACH, "look up '%s': %s", host, gai_strerror(r));
	return err_hint(err, "is the name right, and does this machine have a name server? 'getent hosts %s' asks it",
			host);
}

static bool is_the_host(const struct connect_request *q)
{
	return q->port == q->policy->port && strcasecmp(q->host, q->policy->host) == 0;
}

/* The registry's own addresses: is it on a private network? Then what it leads to may be there as well. */
static bool registry_is_private(const struct connector_policy *policy)
{
	struct addrinfo *list;
	bool is_private;

	if (look_up(policy->host, policy->port, &list, NULL) < 0)
		return false;
	is_private = address_is_private(list);
	freeaddrinfo(list);
	return is_private;
}

static int check_policy(const struct connect_request *q, const struct addrinfo *list, struct err *err)
{
	if (is_the_host(q))
		return 0;
	if (q->policy->only_this)
		return err_set(err, EACCES, "%s:%u: connections go to the proxy %s:%u only", q->host, q->port,
			       q->policy->host, q->policy->port);
	if (q->port != 443 && q->port != q->policy->port)
		return err_set(err, EACCES, "%s:%u: the registry leads to a port that is neither its own nor 443",
			       q->host, q->port);
	for (const struct addrinfo *a = list; a; a = a->ai_next)
		if (address_is_private(a) && !registry_is_private(q->policy))
			return err_set(err, EACCES, "%s:%u: the registry leads to an address of a private network",
				       q->host, q->port);
	return 0;
}

/* --- connecting --- */

static int wait_connected(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	socklen_t len = sizeof(int);
	int r, error = 0;

	do
		r = poll(&p, 1, CONNECT_TIMEOUT_MS);
	while (r < 0 && errno == EINTR);
	if (r == 0)
		return -ETIMEDOUT;
	if (r < 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		return -errno;
	return -error;
}

/* The socket, blocking as curl's own are not: it sets that itself. */
static int connect_to(const struct addrinfo *a)
{
	autoclose int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const int on = 1;
	int r;

	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	r = connect(fd, a->ai_addr, a->ai_addrlen) < 0 ? -errno : 0;
	if (r == -EINPROGRESS)
		r = wait_connected(fd);
	return r < 0 ? r : TAKE_FD(fd);
}

static int connect_any(const struct connect_request *q, const struct addrinfo *list, struct err *err)
{
	int r = -EHOSTUNREACH, tried = 0;

	for (const struct addrinfo *a = list; a && tried < ADDRESSES_MAX; a = a->ai_next, tried++) {
		r = connect_to(a);
		if (r >= 0)
			return r;
	}
	return err_errno(err, -r, "connect to %s:%u", q->host, q->port);
}

static int serve_one(const struct connect_request *q, struct err *err)
{
	struct addrinfo *list = NULL;
	int r = look_up(q->host, q->port, &list, err);

	if (r < 0)
		return r;
	r = check_policy(q, list, err);
	if (r >= 0)
		r = connect_any(q, list, err);
	freeaddrinfo(list);
	return r;
}

static void *serve_thread(void *arg)
{
	struct connect_request *q = arg;
	struct connect_reply reply = { 0 };
	struct err err = { 0 };
	autoclose int fd = serve_one(q, &err);

	if (fd < 0) {
		reply.code = err.code;
		snprintf(reply.text, sizeof(reply.text), "%.255s", err.msg);
		snprintf(reply.hint, sizeof(reply.hint), "%.255s", err.hint);
	}
	msg_send(q->reply, &reply, sizeof(reply), &fd, fd >= 0, NULL);
	close(q->reply);
	free(q);
	return NULL;
}

static int parse_request(const struct buf *message, struct connect_request *q)
{
	size_t host_len = strnlen(buf_str(message), message->len);
	uint32_t port;

	if (host_len == 0 || host_len >= sizeof(q->host) || host_len + 2 > message->len ||
	    message->data[message->len - 1] != '\0')
		return -EBADMSG;
	memcpy(q->host, message->data, host_len + 1);
	if (num_parse_u32(message->data + host_len + 1, 65535, &port) < 0 || port == 0)
		return -EBADMSG;
	q->port = (uint16_t)port;
	return 0;
}

static void begin(const struct buf *message, int reply, const struct connector_policy *policy)
{
	struct connect_request *q = calloc(1, sizeof(*q));
	pthread_attr_t attr;
	pthread_t thread;
	int r;

	if (!q || parse_request(message, q) < 0) {
		free(q);
		close(reply);
		return;
	}
	q->reply = reply;
	q->policy = policy;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, 256 << 10);
	r = pthread_create(&thread, &attr, serve_thread, q);
	pthread_attr_destroy(&attr);
	if (r != 0) {
		close(reply); /* the other side reads that as a failure */
		free(q);
	}
}

void connector_serve(int sock, const struct connector_policy *policy)
{
	struct buf autobuf message = BUF_INIT(MSG_MAX);
	int fds[1];

	for (;;) {
		int r = msg_receive(sock, &message, fds, ARRAY_SIZE(fds), NULL);

		if (r < 0)
			return;
		if (r == 1)
			begin(&message, fds[0], policy);
	}
}

/* --- the confined half --- */

static int take_reply(int sock, struct err *err)
{
	struct buf autobuf message = BUF_INIT(sizeof(struct connect_reply) + 1);
	struct connect_reply reply;
	int fds[1] = { -1 };
	int r = msg_receive(sock, &message, fds, ARRAY_SIZE(fds), err);

	if (r < 0)
		return r;
	if (message.len != sizeof(reply))
		return err_set(err, EPROTO, "the connector's answer makes no sense");
	memcpy(&reply, message.data, sizeof(reply));
	if (reply.code == 0 && r == 1)
		return fds[0];
	reply.text[sizeof(reply.text) - 1] = '\0';
	reply.hint[sizeof(reply.hint) - 1] = '\0';
	err_set(err, reply.code ? reply.code : EPROTO, "%s", reply.text);
	return reply.hint[0] ? err_hint(err, "%s", reply.hint) : -err->code;
}

int connector_connect(int sock, const char *host, uint16_t port, struct err *err)
{
	char request[300];
	int pair[2], len, r;
	autoclose int mine = -1;

	r = msg_pair(pair, err);
	if (r < 0)
		return r;
	mine = pair[0];
	/* The array is what is sent: the NUL in its middle parts host and port. */
	len = snprintf(request, sizeof(request), "%s%c%u", host, '\0', port);
	r = len < 0 || (size_t)len >= sizeof(request) ? err_set(err, E2BIG, "the host name '%.40s…' is too long", host)
						      : msg_send(sock, request, (size_t)len + 1, &pair[1], 1, err);
	close(pair[1]);
	return r < 0 ? r : take_reply(mine, err);
}

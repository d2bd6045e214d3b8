/*
 * Two ends of a network, for tests and benchmarks: static, so that it runs inside of containers, whatever they hold.
 *
 *     netprobe udp-serve PORT          answers datagrams with "ADDRESS: TEXT", ADDRESS being whom it sees
 *     netprobe udp-ask HOST PORT TEXT  sends one, prints the answer
 *     netprobe tcp-serve PORT          the same by connection
 *     netprobe tcp-ask HOST PORT TEXT
 *     netprobe load-serve PORT         the other end of the next three
 *     netprobe push HOST PORT MIB      sends so much, prints Mbit/s
 *     netprobe pull HOST PORT MIB      gets so much
 *     netprobe trips HOST PORT COUNT   sends a byte to and fro, prints microseconds for each
 *
 * HOST is an address; servers listen on every address of both families and say "ready". They end after 60 seconds.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_S = 60, ANSWER_S = 5, CHUNK = 128 * 1024 };

static char chunk[CHUNK];

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(1);
}

static int serve_on(int type, const char *port)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)strtoul(port, NULL, 10)) };
	int fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0), off = 0, on = 1;

	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || (type == SOCK_STREAM && listen(fd, 64) < 0))
		die("serve");
	puts("ready");
	fflush(stdout);
	return fd;
}

/* IPv4 in IPv6 as IPv4. */
static const char *name_of(const struct sockaddr_in6 *a)
{
	static char text[INET6_ADDRSTRLEN];

	inet_ntop(AF_INET6, &a->sin6_addr, text, sizeof(text));
	return strncmp(text, "::ffff:", 7) == 0 ? text + 7 : text;
}

static void serve_udp(const char *port)
{
	int fd = serve_on(SOCK_DGRAM, port);

	for (;;) {
		struct sockaddr_in6 from;
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(fd, chunk, sizeof(chunk) / 2, 0, (struct sockaddr *)&from, &len);
		char *answer = chunk + sizeof(chunk) / 2;
		int head = snprintf(answer, 64, "%s: ", name_of(&from));

		if (n < 0)
			die("receive");
		memcpy(answer + head, chunk, (size_t)n);
		sendto(fd, answer, (size_t)(head + n), 0, (struct sockaddr *)&from, len);
	}
}

static void serve_tcp(const char *port)
{
	int fd = serve_on(SOCK_STREAM, port);

	for (;;) {
		struct sockaddr_in6 from;
		socklen_t len = sizeof(from);
		int c = accept4(fd, (struct sockaddr *)&from, &len, SOCK_CLOEXEC);
		ssize_t n;

		if (c < 0)
			die("accept");
		dprintf(c, "%s: ", name_of(&from));
		while ((n = read(c, chunk, sizeof(chunk))) > 0)
			(void)!write(c, chunk, (size_t)n);
		close(c);
	}
}

static int connect_to(int type, const char *host, const char *port)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons((uint16_t)strtoul(port, NULL, 10)) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = v4.sin_port };
	struct timeval patience = { .tv_sec = ANSWER_S };
	int is_v6 = strchr(host, ':') != NULL, on = 1;
	int fd = socket(is_v6 ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC, 0);

	if (inet_pton(is_v6 ? AF_INET6 : AF_INET, host, is_v6 ? (void *)&v6.sin6_addr : (void *)&v4.sin_addr) != 1)
		die(host);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (type == SOCK_STREAM)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, is_v6 ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4, is_v6 ? sizeof(v6) : sizeof(v4)) < 0)
		die("connect");
	return fd;
}

static void ask(int type, const char *host, const char *port, const char *text)
{
	int fd = connect_to(type, host, port);
	ssize_t n, total = 0;

	(void)!write(fd, text, strlen(text));
	if (type == SOCK_STREAM)
		shutdown(fd, SHUT_WR);
	while ((n = read(fd, chunk, sizeof(chunk))) > 0) {
		(void)!write(1, chunk, (size_t)n);
		total += n;
		if (type == SOCK_DGRAM)
			break;
	}
	if (n < 0 || total == 0)
		die("answer");
	puts("");
}

/* --- load --- */

static void send_bytes(int fd, uint64_t bytes)
{
	while (bytes > 0) {
		ssize_t n = write(fd, chunk, bytes < sizeof(chunk) ? bytes : sizeof(chunk));

		if (n <= 0)
			die("send");
		bytes -= (uint64_t)n;
	}
}

static void take_bytes(int fd, uint64_t bytes)
{
	while (bytes > 0) {
		ssize_t n = read(fd, chunk, bytes < sizeof(chunk) ? bytes : sizeof(chunk));

		if (n <= 0)
			die("take");
		bytes -= (uint64_t)n;
	}
}

struct order {
	uint64_t kind, count;
};
enum { PUSH, PULL, TRIPS };

static void bounce(int fd, uint64_t count, int first)
{
	for (uint64_t i = 0; i < count; i++) {
		if (first && write(fd, chunk, 1) != 1)
			die("send");
		if (read(fd, chunk, 1) != 1)
			die("take");
		if (!first && write(fd, chunk, 1) != 1)
			die("send");
	}
}

static void serve_load(const char *port)
{
	int fd = serve_on(SOCK_STREAM, port), on = 1;

	for (;;) {
		int c = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
		struct order order;

		if (c < 0 || read(c, &order, sizeof(order)) != sizeof(order)) {
			close(c);
			continue;
		}
		setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		if (order.kind == PUSH) {
			take_bytes(c, order.count);
			(void)!write(c, "", 1);
		} else if (order.kind == PULL) {
			send_bytes(c, order.count);
		} else {
			bounce(c, order.count, 0);
		}
		close(c);
	}
}

static void load(uint64_t kind, const char *host, const char *port, uint64_t count)
{
	struct order order = { kind, kind == TRIPS ? count : count << 20 };
	int fd = connect_to(SOCK_STREAM, host, port);
	struct timespec a, b;
	double us;

	clock_gettime(CLOCK_MONOTONIC, &a);
	if (write(fd, &order, sizeof(order)) != sizeof(order))
		die("send");
	if (kind == PUSH) {
		send_bytes(fd, order.count);
		take_bytes(fd, 1);
	} else if (kind == PULL) {
		take_bytes(fd, order.count);
	} else {
		bounce(fd, count, 1);
	}
	clock_gettime(CLOCK_MONOTONIC, &b);
	us = (double)(b.tv_sec - a.tv_sec) * 1e6 + (double)(b.tv_nsec - a.tv_nsec) / 1e3;
	printf("%.1f\n", kind == TRIPS ? us / (double)count : (double)order.count * 8 / us);
}

int main(int argc, char **argv)
{
	static const char *const loads[] = { "push", "pull", "trips" };
	const char *what = argc > 2 ? argv[1] : "";

	alarm(PATIENCE_S);
	if (argc == 3 && strcmp(what, "udp-serve") == 0)
		serve_udp(argv[2]);
	if (argc == 3 && strcmp(what, "tcp-serve") == 0)
		serve_tcp(argv[2]);
	if (argc == 3 && strcmp(what, "load-serve") == 0)
		serve_load(argv[2]);
	if (argc != 5) {
		fprintf(stderr, "netprobe: see its source\n");
		return 2;
	}
	if (strcmp(what, "udp-ask") == 0)
		ask(SOCK_DGRAM, argv[2], argv[3], argv[4]);
	if (strcmp(what, "tcp-ask") == 0)
		ask(SOCK_STREAM, argv[2], argv[3], argv[4]);
	for (uint64_t i = 0; i < 3; i++)
		if (strcmp(what, loads[i]) == 0)
			load(i, argv[2], argv[3], strtoull(argv[4], NULL, 10));
	return 0;
}

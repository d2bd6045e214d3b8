/* The name servers of a resolv.conf(5), from its text. */
#pragma once

#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

enum {
	RESOLV_TEXT_MAX = 64 * 1024,
	RESOLV_SERVERS_MAX = 4, /* resolv.conf(5) stops at 3; one more is harmless */
};

union net_sockaddr {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};
socklen_t net_sockaddr_len(const union net_sockaddr *a);

struct resolv {
	union net_sockaddr servers[RESOLV_SERVERS_MAX]; /* with their port */
	size_t len;
};

/*
 * Reads TEXT (LEN bytes, anything may be in it). IPv4 and IPv6 with or without "%interface", and BSD's "[ADDRESS]:PORT"; lines that
 * say nothing sensible are skipped. Without any server it is 127.0.0.1, as resolv.conf(5) has it.
 */
void resolv_parse(const char *text, size_t len, struct resolv *ret);

/*
 * What the command, the keeper and the stack say to each other (docs/ARCHITECTURE.md, "The network helper"): fixed
 * structs over a SOCK_SEQPACKET pair, with descriptors where it is said. All three are of one build.
 */
#pragma once

#include "net/packet.h"
#include "net/resolv.h"
#include "sys/msg.h"

#include <stdbool.h>
#include <stdint.h>
#include <limits.h>

/* The keeper's descriptors at its start. */
enum { NET_FD_CONTROL = 3, NET_FDS };

enum net_word {
	/* command -> keeper -> stack */
	NET_WORD_CONFIG, /* struct net_config, with a descriptor to keep or none; the first */
	NET_WORD_PORTS,	 /* struct net_ports, with as many descriptors: sockets that are bound on the host */
	/* command -> keeper */
	NET_WORD_ATTACH, /* struct net_plain, with the network namespace and a pidfd of the container's first process; the last */
	/* keeper -> stack */
	NET_WORD_LINK,	 /* struct net_plain, with the link */
	NET_WORD_RESOLV, /* struct net_resolv */
	NET_WORD_SOCKET, /* struct net_socket, with the descriptor unless it failed */
	/* stack -> keeper */
	NET_WORD_READY,	  /* struct net_report */
	NET_WORD_REFRESH, /* struct net_plain: has resolv.conf changed? */
	NET_WORD_CONNECT, /* struct net_connect */
};

enum net_flags {
	NET_HOST_LOOPBACK = 1, /* 10.0.2.2 is the host's 127.0.0.1 */
};

struct net_config {
	uint32_t word, flags, mtu;
	uint8_t mac[PACKET_MAC];
	struct in_addr address;
	struct in6_addr address6;
	uint32_t relays;       /* some port is published by TCP: connections come from inside */
	char resolv[PATH_MAX]; /* the host's resolv.conf */
};

/* A socket that is bound on the host, and where what comes in there goes to. */
struct net_port {
	uint16_t container_port;
	uint8_t is_udp, is_ipv6;
};
enum {
	NET_PORTS_BATCH = MSG_FDS_MAX,
	NET_PORTS_MAX = 2048, /* sockets; a port without an address takes two */
};

struct net_ports {
	uint32_t word, len;
	struct net_port items[NET_PORTS_BATCH];
};

struct net_plain {
	uint32_t word;
};

struct net_resolv {
	uint32_t word, len;
	char text[RESOLV_TEXT_MAX];
};

/* A connection to the container is wanted: TO is one of its own addresses, FROM the one that it shall see. */
struct net_connect {
	uint32_t word, id;
	union net_sockaddr from, to;
};

struct net_socket {
	uint32_t word, id;
	int32_t code; /* 0: the connection is under way; else an errno */
};

struct net_report {
	uint32_t word;
	int32_t code; /* 0: all is well; else an errno, and TEXT and HINT say what failed */
	char text[512], hint[512];
};

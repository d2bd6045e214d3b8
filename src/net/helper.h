/*
 * The user-mode network of one container, from the side of whoever starts it: libexec/cloche/net.
 *
 *     net_helper_spawn     early: it starts while the container is made
 *     net_helper_configure what it shall be, and the published ports' sockets, which are ours to bind
 *     net_helper_attach    the container has its namespaces: it makes the link in there; nothing is waited for
 *     net_helper_ready     waits until the network can be used; before the program is executed
 *
 * It lives as long as pid 1 of the container, also when we end first, and needs nothing more from us. If it ends before, the
 * container goes on without a network: its process is there to be watched by whoever wants to tell.
 */
#pragma once

#include "base/err.h"
#include "net/listen.h"
#include "sys/spawn.h"

#include <netinet/in.h>
#include <stdbool.h>

struct net_options {
	bool host_loopback;		/* 10.0.2.2 leads to the host's own 127.0.0.1 */
	const char *mac;		/* NULL: NET_MAC; "02:42:…" */
	const char *address, *address6; /* NULL: the usual ones (net/addresses.h) */
	const char *resolv;		/* the host's file; NULL: /etc/resolv.conf */
	unsigned mtu;			/* 0: NET_MTU */
};

struct net_helper {
	struct process process; /* the keeper; a child of the caller */
	int control;		/* -1: attached, or none */
};
#define NET_HELPER_INIT ((struct net_helper){ PROCESS_INIT, -1 })

int net_helper_spawn(struct net_helper *ret, struct err *err);
/*
 * PORTS and LIFE stay the caller's; the helper gets duplicates. LIFE is held as long as it lives, so that a lock on it tells
 * others (-1: none). -EINVAL: an address that is none, or not of the private network.
 */
int net_helper_configure(struct net_helper *h, const struct net_options *o, const struct net_listeners *ports, int life,
			 struct err *err);
int net_helper_attach(struct net_helper *h, int netns, int pidfd, struct err *err);
/* With what failed inside, and its hint. Closes the control socket. */
int net_helper_ready(struct net_helper *h, struct err *err);
/* Ends it if it still runs, and reaps it. */
void net_helper_done(struct net_helper *h);

/* Checks the words of OPTIONS without a helper. */
int net_options_check(const struct net_options *o, struct err *err);

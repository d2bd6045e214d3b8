/*
 * The published ports' sockets on the host. Whoever starts the container binds them, before there is one: so a port that
 * can't be had is an error at once, with who holds it, and the helper needs no right to bind.
 */
#pragma once

#include "base/err.h"
#include "net/ports.h"

struct net_listener {
	struct port port; /* host_port is what it was bound to */
	int fd;		  /* owned; nonblocking; TCP ones listen */
};

struct net_listeners {
	struct net_listener *items;
	size_t len;
};
void net_listeners_done(struct net_listeners *l);

/*
 * Binds all of PORTS. A port without a number takes a free one, the same for both families of addresses. Where the machine has
 * no IPv6, "every address" is that of IPv4. Errors name the port, who holds it, and what would help.
 */
int net_listen(const struct port_list *ports, struct net_listeners *ret, struct err *err);

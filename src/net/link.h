/*
 * The container's end of its network: an Ethernet interface in its network namespace, whose other end is a descriptor
 * from which each read gives a frame and to which each write gives one.
 *
 * A tap device, where /dev/net/tun can be opened. Where it can't (it is missing in most pods, and root's alone on some
 * machines), a pair of virtual Ethernet devices, whose other end stands in a network namespace of its own, under a packet
 * socket: that needs nothing that a user namespace doesn't bring.
 */
#pragma once

#include "base/err.h"
#include "net/wire.h"

/* The mark of connections that come through published ports, and the routing table for their answers. */
enum { LINK_MARK = 0xc10c, LINK_TABLE = 0xc10c };

/*
 * Makes it in the network namespace that the caller is in, with its addresses and routes as C says; the caller has
 * all rights over that. Returns the nonblocking descriptor. IPv6 is left out where the kernel has none.
 * *RET_MARKS: answers to marked connections stay inside, whatever address they go to.
 */
int link_make(const struct net_config *c, bool *ret_marks, struct err *err);

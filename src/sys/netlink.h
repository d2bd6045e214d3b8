/*
 * rtnetlink(7), as little as it takes to set up the links, addresses and routes of a network namespace.
 *
 * Requests are put together one behind the other and sent at once; the kernel answers each. A socket acts on the network
 * namespace in which it was opened.
 */
#pragma once

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum { NETLINK_ROOM = 4096, NETLINK_REQUESTS_MAX = 32 };

struct netlink {
	int fd; /* owned */
	uint32_t seq;
	size_t len, start, nested; /* of the bytes; where the request at the end begins; its open nest or 0 */
	const char *what[NETLINK_REQUESTS_MAX];
	size_t requests;
	_Alignas(4) char bytes[NETLINK_ROOM];
};
#define NETLINK_INIT ((struct netlink){ .fd = -1 })

int netlink_open(struct netlink *n, struct err *err);
void netlink_done(struct netlink *n);

/*
 * Begins a request of TYPE (RTM_*) with FLAGS (NLM_F_*; request and acknowledgement are added) and the family's header.
 * WHAT is a literal for errors: "add the address".
 */
void netlink_begin(struct netlink *n, const char *what, uint16_t type, uint16_t flags, const void *header, size_t len);
/* Adds an attribute to it. Too many bytes are noticed by netlink_commit: -E2BIG. */
void netlink_add(struct netlink *n, uint16_t type, const void *data, size_t len);
void netlink_add_u32(struct netlink *n, uint16_t type, uint32_t value);
void netlink_add_str(struct netlink *n, uint16_t type, const char *text);
/* Bytes that are no attribute: a family's header inside of a nest. */
void netlink_add_raw(struct netlink *n, const void *data, size_t len);
/* Attributes up to netlink_close_nest are inside this one; returns what that needs. */
size_t netlink_open_nest(struct netlink *n, uint16_t type);
void netlink_close_nest(struct netlink *n, size_t nest);

/* Sends all that was begun and waits for the answers. Reports the first failure; those behind it were tried all the same. */
int netlink_commit(struct netlink *n, struct err *err);

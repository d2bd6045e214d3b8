/*
 * The three files of name service that a container gets of its own: /etc/hosts, /etc/hostname and
 * /etc/resolv.conf, as texts. They are bound over the image's, since the image's are of another machine.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/vec.h"
#include "engine/container/record.h"

#include <netinet/in.h>
#include <stdbool.h>

enum { RUN_HOSTS_MAX = 1 << 20, RUN_RESOLV_MAX = 256 * 1024 };

/*
 * "name:address" or "name=address", IPv6 in brackets or not; "host-gateway" becomes GATEWAY (NULL: refused,
 * since there is none). Appends "address\tname\n" to OUT.
 */
int run_hosts_add(const char *word, const char *gateway, struct buf *out, struct err *err);
/*
 * The whole of /etc/hosts: localhost, the container's own names (unless it has the host's) at ADDRESS (NULL: 127.0.1.1), the
 * added lines.
 */
int run_hosts_text(const char *hostname, const char *domainname, const char *address, const char *added,
		   struct buf *out, struct err *err);
/*
 * How a container of the NETWORK, which may be PRIVATE (kind NULL: not), reaches the host: with the host's network at 127.0.0.1; in a private one with host-loopback at 10.0.2.2,
 * else at an address of the host's own (into DST), where it finds what listens there. NULL: not at all.
 */
const char *run_hosts_gateway(const struct container_network *private, const char *network,
			      char dst[static INET6_ADDRSTRLEN]);
/* Where the host's resolv.conf is: $CLOCHE_RESOLV_CONF, for tests, or /etc/resolv.conf. */
const char *run_resolv_path(void);
/*
 * /etc/resolv.conf: HOST (the host's file) as it is, or with the lines replaced for which there are options.
 * An option "." in SEARCH empties the list, as in docker.
 */
int run_resolv_text(const char *host, const struct strv *servers, const struct strv *search, const struct strv *options,
		    struct buf *out, struct err *err);

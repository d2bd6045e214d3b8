/*
 * The three files of name service that a container gets of its own: /etc/hosts, /etc/hostname and
 * /etc/resolv.conf, as texts. They are bound over the image's, since the image's are of another machine.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/vec.h"

#include <stdbool.h>

enum { RUN_HOSTS_MAX = 1 << 20, RUN_RESOLV_MAX = 256 * 1024 };

/*
 * "name:address" or "name=address", IPv6 in brackets or not; "host-gateway" becomes GATEWAY (NULL: refused,
 * since there is none). Appends "address\tname\n" to OUT.
 */
int run_hosts_add(const char *word, const char *gateway, struct buf *out, struct err *err);
/* The whole of /etc/hosts: localhost, the container's own names (unless it has the host's), the added lines. */
int run_hosts_text(const char *hostname, const char *domainname, const char *added, struct buf *out, struct err *err);
/*
 * /etc/resolv.conf: HOST (the host's file) as it is, or with the lines replaced for which there are options.
 * An option "." in SEARCH empties the list, as in docker.
 */
int run_resolv_text(const char *host, const struct strv *servers, const struct strv *search, const struct strv *options,
		    struct buf *out, struct err *err);

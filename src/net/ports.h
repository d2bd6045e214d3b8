/*
 * Published ports as docker's words have them: --publish, --expose, EXPOSE; and as docker prints them. Text only.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/vec.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

/* A port of the container on one address of the host. */
struct port {
	bool is_udp, is_ipv6;
	struct in6_addr host; /* IPv4: the first four bytes; all zero: every address */
	uint16_t host_port;   /* 0: the kernel chooses */
	uint16_t host_last;   /* chosen from host_port to this one, by what is free; 0: no such range */
	uint16_t container_port;
};
DEFINE_VEC(port_list, struct port)

/* What one word may mean at most, and all together: sockets, of which a port without an address takes two. */
enum { PORTS_MAX = 2048 };

/*
 * "[[ip:]hostPort[-last]:]containerPort[-last][/tcp|udp]", the ip an IPv4 or an IPv6 address in brackets: appends to TO. Without an
 * ip it is two, 0.0.0.0 and ::. Ranges must be of equal length, but for a range of the host's for a single port: the first free.
 * -EINVAL, -E2BIG.
 */
int ports_parse_publish(const char *word, struct port_list *to, struct err *err);
/* "port[-last][/tcp|udp]" of --expose and of images: appends with host_port 0 and no addresses. */
int ports_parse_expose(const char *word, struct port_list *to, struct err *err);

/* Whether TO has A's container port of the same protocol. */
bool ports_has(const struct port_list *list, const struct port *a);

/* "0.0.0.0" or "::"; DST has room for INET6_ADDRSTRLEN. */
void port_format_host(const struct port *p, char dst[static INET6_ADDRSTRLEN]);
/* "0.0.0.0:8080" or "[::]:8080"; DST has room for 64. */
void port_format_socket(const struct port *p, char dst[static 64]);
/* "80/tcp"; DST has room for 16. */
void port_format_container(const struct port *p, char dst[static 16]);
/* The PORTS column of `ps`: "0.0.0.0:8080-8081->80-81/tcp, [::]:8080->80/tcp, 53/udp". */
int ports_format(const struct port_list *published, const struct port_list *exposed, struct buf *out);

#include "net/ports.h"

#include "base/cleanup.h"
#include "base/num.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

/* --- words --- */

struct range {
	uint16_t first, last;
};

/* "80" or "80-90". ZERO: a single 0 is allowed. */
static int parse_range(const char *text, size_t len, bool zero, struct range *ret)
{
	char first[8], *last;
	uint32_t a, b;

	if (len == 0 || len >= 2 * sizeof(first) - 1)
		return -EINVAL;

	char copy[2 * sizeof(first)];

	memcpy(copy, text, len);
	copy[len] = '\0';
	last = strchr(copy, '-');
	if (last)
		*last++ = '\0';
	if (num_parse_u32(copy, UINT16_MAX, &a) < 0 || num_parse_u32(last ? last : copy, UINT16_MAX, &b) < 0 || b < a)
		return -EINVAL;
	if (a == 0 && (!zero || last))
		return -EINVAL;
	*ret = (struct range){ (uint16_t)a, (uint16_t)b };
	return 0;
}

static size_t range_len(const struct range *r)
{
	return (size_t)(r->last - r->first) + 1;
}

/* The protocol behind the slash; *RET_LEN is what stands before it. */
static int parse_protocol(const char *word, bool *ret_udp, size_t *ret_len, struct err *err)
{
	const char *slash = strchr(word, '/');

	*ret_len = slash ? (size_t)(slash - word) : strlen(word);
	*ret_udp = slash && strcasecmp(slash + 1, "udp") == 0;
	if (!slash || *ret_udp || strcasecmp(slash + 1, "tcp") == 0)
		return 0;
	if (strcasecmp(slash + 1, "sctp") == 0)
		return err_set(err, EOPNOTSUPP, "the user-mode network has no SCTP");
	return err_set(err, EINVAL, "'%s' is no protocol: tcp or udp", slash + 1);
}

static int push(struct port_list *to, const struct port *p, struct err *err)
{
	if (to->len == PORTS_MAX)
		return err_set(err, E2BIG, "more than %d ports and addresses", PORTS_MAX);
	return port_list_push(to, *p) < 0 ? err_oom(err) : 0;
}

/* The host's address in LEN bytes: none, IPv4, IPv6 in brackets. */
static int parse_host(const char *text, size_t len, struct port *p, bool *ret_any, struct err *err)
{
	char copy[INET6_ADDRSTRLEN + 2] = "";

	*ret_any = len == 0;
	if (len == 0)
		return 0;
	if (len < sizeof(copy))
		memcpy(copy, text, len);
	if (copy[0] == '[' && copy[len - 1] == ']') {
		copy[len - 1] = '\0';
		p->is_ipv6 = true;
		if (inet_pton(AF_INET6, copy + 1, &p->host) == 1)
			return 0;
	} else if (inet_pton(AF_INET, copy, &p->host) == 1) {
		return 0;
	}
	err_set(err, EINVAL, "'%.*s' is no IP address", (int)len, text);
	return err_hint(err, "names are not looked up; an IPv6 address stands in brackets: [::1]:8080:80");
}

/* Each port of the two ranges, on one address or on both families' any. */
static int push_ranges(const struct port *form, bool any, const struct range *host, const struct range *container,
		       struct port_list *to, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < range_len(container); i++) {
		struct port p = *form;

		p.container_port = (uint16_t)(container->first + i);
		p.host_port = host->first ? (uint16_t)(host->first + i) : 0;
		if (range_len(container) == 1 && host->last > host->first)
			p.host_last = host->last;
		r = push(to, &p, err);
		if (r >= 0 && any) {
			p.is_ipv6 = true;
			r = push(to, &p, err);
		}
	}
	return r;
}

/* The last colon before END, outside of brackets; NULL: none. */
static const char *last_colon(const char *word, const char *end)
{
	while (end > word && *--end != ']')
		if (*end == ':')
			return end;
	return NULL;
}

static int parse_publish(const char *word, struct port_list *to, struct err *err)
{
	struct range host = { 0, 0 }, container;
	struct port form = { 0 };
	const char *end, *colon, *before = NULL;
	size_t len;
	bool any = true;
	int r = parse_protocol(word, &form.is_udp, &len, err);

	if (r < 0)
		return r;
	end = word + len;
	colon = last_colon(word, end);
	if (parse_range(colon ? colon + 1 : word, (size_t)(end - (colon ? colon + 1 : word)), false, &container) < 0)
		return err_set(err, EINVAL,
			       "the container's port must be a number from 1 to 65535, or two as in 80-90");
	if (colon) {
		before = last_colon(word, colon);
		r = parse_host(word, before ? (size_t)(before - word) : 0, &form, &any, err);
	}
	if (r < 0)
		return r;
	if (colon) {
		const char *at = before ? before + 1 : word;

		/* "127.0.0.1::80": any port of that address. */
		if (at < colon && parse_range(at, (size_t)(colon - at), true, &host) < 0)
			return err_set(err, EINVAL, "the host's port must be a number up to 65535, or two as in 80-90");
	}
	if (host.first && range_len(&host) != range_len(&container) && range_len(&container) != 1)
		return err_set(err, EINVAL, "the two ranges are not of the same length");
	return push_ranges(&form, any, &host, &container, to, err);
}

int ports_parse_publish(const char *word, struct port_list *to, struct err *err)
{
	int r = parse_publish(word, to, err);

	return r < 0 ? err_wrap(err, "--publish '%s'", word) : 0;
}

int ports_parse_expose(const char *word, struct port_list *to, struct err *err)
{
	struct range range;
	struct port p = { 0 };
	size_t len;
	int r = parse_protocol(word, &p.is_udp, &len, err);

	if (r >= 0 && parse_range(word, len, false, &range) < 0)
		r = err_set(err, EINVAL, "a port is a number from 1 to 65535, or two as in 80-90");
	for (size_t i = 0; r >= 0 && i < range_len(&range); i++) {
		p.container_port = (uint16_t)(range.first + i);
		if (!ports_has(to, &p))
			r = push(to, &p, err);
	}
	return r < 0 ? err_wrap(err, "expose '%s'", word) : 0;
}

bool ports_has(const struct port_list *list, const struct port *a)
{
	for (size_t i = 0; i < list->len; i++)
		if (list->items[i].container_port == a->container_port && list->items[i].is_udp == a->is_udp)
			return true;
	return false;
}

/* --- as docker prints them --- */

void port_format_host(const struct port *p, char dst[static INET6_ADDRSTRLEN])
{
	inet_ntop(p->is_ipv6 ? AF_INET6 : AF_INET, &p->host, dst, INET6_ADDRSTRLEN);
}

void port_format_socket(const struct port *p, char dst[static 64])
{
	char host[INET6_ADDRSTRLEN];

	port_format_host(p, host);
	snprintf(dst, 64, p->is_ipv6 ? "[%s]:%u" : "%s:%u", host, p->host_port);
}

void port_format_container(const struct port *p, char dst[static 16])
{
	snprintf(dst, 16, "%u/%s", p->container_port, p->is_udp ? "udp" : "tcp");
}

/* B stands right behind A: a range goes on. */
static bool continues(const struct port *a, const struct port *b, bool published)
{
	return a->is_udp == b->is_udp && a->is_ipv6 == b->is_ipv6 && memcmp(&a->host, &b->host, sizeof(a->host)) == 0 &&
	       b->container_port == a->container_port + 1 && (!published || b->host_port == a->host_port + 1);
}

static int compare(const void *a, const void *b)
{
	const struct port *p = a, *q = b;
	int r = memcmp(&p->host, &q->host, sizeof(p->host));

	if (p->is_udp != q->is_udp)
		return p->is_udp - q->is_udp;
	if (p->is_ipv6 != q->is_ipv6)
		return p->is_ipv6 - q->is_ipv6;
	if (r != 0)
		return r;
	if (p->container_port != q->container_port)
		return p->container_port - q->container_port;
	return p->host_port - q->host_port;
}

static void format_run(const struct port *first, const struct port *last, bool published, struct buf *out)
{
	char socket[64];

	if (out->len)
		buf_add_str(out, ", ");
	if (published) {
		port_format_socket(first, socket);
		buf_add_str(out, socket);
		if (last != first)
			buf_addf(out, "-%u", last->host_port);
		buf_add_str(out, "->");
	}
	buf_addf(out, "%u", first->container_port);
	if (last != first)
		buf_addf(out, "-%u", last->container_port);
	buf_add_str(out, first->is_udp ? "/udp" : "/tcp");
}

static int format_sorted(const struct port_list *list, const struct port_list *without, struct buf *out)
{
	CLEANUP(cleanup_free) struct port *sorted = reallocarray(NULL, list->len + 1, sizeof(*sorted));
	size_t n = 0;

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < list->len; i++)
		if (!without || !ports_has(without, &list->items[i]))
			sorted[n++] = list->items[i];
	qsort(sorted, n, sizeof(*sorted), compare);
	for (size_t i = 0; i < n;) {
		size_t first = i++;

		while (i < n && continues(&sorted[i - 1], &sorted[i], !without))
			i++;
		format_run(&sorted[first], &sorted[i - 1], !without, out);
	}
	return out->error;
}

int ports_format(const struct port_list *published, const struct port_list *exposed, struct buf *out)
{
	int r = format_sorted(published, NULL, out);

	return r < 0 ? r : format_sorted(exposed, published, out);
}

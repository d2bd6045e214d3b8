#include "engine/run/hosts.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "net/addresses.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static bool is_address(const char *text)
{
	unsigned char bytes[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

static bool is_host_name(const char *name)
{
	if (!*name || strlen(name) > 253)
		return false;
	for (; *name; name++)
		if ((unsigned char)*name <= ' ' || *name == '#' || *name == 0x7f)
			return false;
	return true;
}

int run_hosts_add(const char *word, const char *gateway, struct buf *out, struct err *err)
{
	size_t len = strcspn(word, strchr(word, '=') ? "=" : ":");
	autofree char *name = strndup(word, len), *address = NULL;
	size_t n;

	if (!name)
		return err_oom(err);
	if (!word[len] || !is_host_name(name))
		return err_set(err, EINVAL, "--add-host '%s': the form is NAME:ADDRESS", word);
	address = strdup(word + len + 1);
	if (!address)
		return err_oom(err);
	n = strlen(address);
	if (n > 2 && address[0] == '[' && address[n - 1] == ']') {
		address[n - 1] = '\0';
		memmove(address, address + 1, n - 1);
	}
	if (strcmp(address, "host-gateway") == 0) {
		if (!gateway) {
			err_set(err, EINVAL,
				"--add-host '%s': there is no way to the host: the container has no network, or the "
				"host no address",
				word);
			return err_hint(
				err,
				"--network private:host-loopback makes one, to what listens on the host's 127.0.0.1");
		}
		return buf_addf(out, "%s\t%s\n", gateway, name) < 0 ? err_oom(err) : 0;
	}
	if (!is_address(address))
		return err_set(err, EINVAL, "--add-host '%s': '%s' is not an IP address", word, address);
	return buf_addf(out, "%s\t%s\n", address, name) < 0 ? err_oom(err) : 0;
}

int run_hosts_text(const char *hostname, const char *domainname, const char *address, const char *added,
		   struct buf *out, struct err *err)
{
	if (!address)
		address = "127.0.1.1";
	buf_add_str(
		out,
		"127.0.0.1\tlocalhost\n"
		"::1\tlocalhost ip6-localhost ip6-loopback\n"
		"fe00::0\tip6-localnet\nff00::0\tip6-mcastprefix\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n");
	buf_add_str(out, added);
	if (hostname && domainname && *domainname)
		buf_addf(out, "%s\t%s.%s %s\n", address, hostname, domainname, hostname);
	else if (hostname)
		buf_addf(out, "%s\t%s\n", address, hostname);
	return out->error ? err_errno(err, -out->error, "make /etc/hosts") : 0;
}

/* The address from which the host would send to ADDRESS. No datagram is sent: connect only looks at the routes. */
static bool address_towards(const struct sockaddr *to, socklen_t len, char dst[static INET6_ADDRSTRLEN])
{
	autoclose int fd = socket(to->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_storage own;
	socklen_t own_len = sizeof(own);
	const void *bytes = to->sa_family == AF_INET ? (void *)&((struct sockaddr_in *)&own)->sin_addr
						     : (void *)&((struct sockaddr_in6 *)&own)->sin6_addr;

	return fd >= 0 && connect(fd, to, len) == 0 && getsockname(fd, (struct sockaddr *)&own, &own_len) == 0 &&
	       inet_ntop(to->sa_family, bytes, dst, INET6_ADDRSTRLEN);
}

/* The host's own address towards the world, of RFC 5737 and 3849, which nobody has. */
static const char *own_address(char dst[static INET6_ADDRSTRLEN])
{
	const struct sockaddr_in world = { .sin_family = AF_INET,
					   .sin_port = htons(9),
					   .sin_addr = { htonl(0xcb007101u) } };
	const struct sockaddr_in6 world6 = { .sin6_family = AF_INET6,
					     .sin6_port = htons(9),
					     .sin6_addr = { .s6_addr = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 } } };

	if (address_towards((const struct sockaddr *)&world, sizeof(world), dst) ||
	    address_towards((const struct sockaddr *)&world6, sizeof(world6), dst))
		return dst;
	return NULL;
}

const char *run_hosts_gateway(const struct container_network *private, const char *network,
			      char dst[static INET6_ADDRSTRLEN])
{
	if (private->kind)
		return private->host_loopback ? NET_GATEWAY : own_address(dst);
	return network && strcmp(network, "host") == 0 ? "127.0.0.1" : NULL;
}

const char *run_resolv_path(void)
{
	const char *path = getenv("CLOCHE_RESOLV_CONF");

	return path ? path : "/etc/resolv.conf";
}

/* The keyword of a line of resolv.conf, if we replace its lines. */
static bool is_replaced(const char *line, const struct strv *servers, const struct strv *search,
			const struct strv *options)
{
	static const char blanks[] = " \t";
	size_t len;

	line += strspn(line, blanks);
	len = strcspn(line, " \t\n");
	if (len == 10 && memcmp(line, "nameserver", len) == 0)
		return servers->len > 0;
	if ((len == 6 && memcmp(line, "search", len) == 0) || (len == 6 && memcmp(line, "domain", len) == 0))
		return search->len > 0;
	return len == 7 && memcmp(line, "options", len) == 0 && options->len > 0;
}

static void add_words(struct buf *out, const char *keyword, const struct strv *words)
{
	if (!words->len || (words->len == 1 && strcmp(words->items[0], ".") == 0))
		return;
	buf_add_str(out, keyword);
	for (size_t i = 0; i < words->len; i++)
		buf_addf(out, " %s", words->items[i]);
	buf_add_char(out, '\n');
}

static int check_words(const struct strv *words, const char *option, bool addresses, struct err *err)
{
	for (size_t i = 0; i < words->len; i++) {
		const char *word = words->items[i];

		if (addresses && !is_address(word))
			return err_set(err, EINVAL, "%s '%s': not an IP address", option, word);
		if (!is_host_name(word))
			return err_set(err, EINVAL, "%s '%s': has blanks, or is empty or too long", option, word);
	}
	return 0;
}

int run_resolv_text(const char *host, const struct strv *servers, const struct strv *search, const struct strv *options,
		    struct buf *out, struct err *err)
{
	int r = check_words(servers, "--dns", true, err);

	if (r >= 0)
		r = check_words(search, "--dns-search", false, err);
	if (r >= 0)
		r = check_words(options, "--dns-option", false, err);
	if (r < 0)
		return r;
	for (const char *line = host; *line;) {
		size_t len = strcspn(line, "\n");

		if (!is_replaced(line, servers, search, options)) {
			buf_add(out, line, len);
			buf_add_char(out, '\n');
		}
		line += len + (line[len] == '\n');
	}
	add_words(out, "search", search);
	for (size_t i = 0; i < servers->len; i++)
		buf_addf(out, "nameserver %s\n", servers->items[i]);
	add_words(out, "options", options);
	return out->error ? err_errno(err, -out->error, "make /etc/resolv.conf") : 0;
}

#include "net/resolv.h"

#include "base/num.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <string.h>

enum { PORT_NAMES = 53 };

socklen_t net_sockaddr_len(const union net_sockaddr *a)
{
	return a->any.sa_family == AF_INET6 ? sizeof(a->v6) : sizeof(a->v4);
}

/* "[ADDRESS]:PORT" becomes ADDRESS; returns the port, 0 if it is none. */
static uint32_t split_port(char **word)
{
	uint32_t port = 0;
	char *end;

	if (**word != '[')
		return PORT_NAMES;
	end = strchr(++*word, ']');
	if (!end)
		return 0;
	*end++ = '\0';
	if (*end == '\0')
		return PORT_NAMES;
	return *end == ':' && num_parse_u32(end + 1, UINT16_MAX, &port) == 0 ? port : 0;
}

static int parse_server(char *word, union net_sockaddr *ret)
{
	union net_sockaddr a = { 0 };
	uint32_t port = split_port(&word);
	char *scope = strchr(word, '%');

	if (port == 0)
		return -1;
	if (inet_pton(AF_INET, word, &a.v4.sin_addr) == 1) {
		a.v4.sin_family = AF_INET;
		a.v4.sin_port = htons((uint16_t)port);
		*ret = a;
		return 0;
	}
	if (scope)
		*scope++ = '\0';
	if (inet_pton(AF_INET6, word, &a.v6.sin6_addr) != 1)
		return -1;
	a.v6.sin6_family = AF_INET6;
	a.v6.sin6_port = htons((uint16_t)port);
	if (scope)
		a.v6.sin6_scope_id = if_nametoindex(scope);
	*ret = a;
	return 0;
}

/* One line, without its end. */
static void parse_line(const char *line, size_t len, struct resolv *r)
{
	static const char keyword[] = "nameserver";
	char word[INET6_ADDRSTRLEN + IF_NAMESIZE + sizeof("[]:65535")];
	const char *end = line + len, *at;

	while (line < end && (*line == ' ' || *line == '\t'))
		line++;
	if ((size_t)(end - line) <= sizeof(keyword) - 1 || memcmp(line, keyword, sizeof(keyword) - 1) != 0)
		return;
	line += sizeof(keyword) - 1;
	if (*line != ' ' && *line != '\t')
		return;
	while (line < end && (*line == ' ' || *line == '\t'))
		line++;
	for (at = line; at < end && !strchr(" \t\r#;", *at);)
		at++;
	if (at == line || (size_t)(at - line) >= sizeof(word))
		return;
	memcpy(word, line, (size_t)(at - line));
	word[at - line] = '\0';
	if (parse_server(word, &r->servers[r->len]) == 0)
		r->len++;
}

void resolv_parse(const char *text, size_t len, struct resolv *ret)
{
	struct resolv r = { 0 };
	const char *end = text + len;

	while (text < end && r.len < RESOLV_SERVERS_MAX) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *stop = newline ? newline : end;

		parse_line(text, (size_t)(stop - text), &r);
		text = newline ? newline + 1 : end;
	}
	if (r.len == 0) {
		char word[] = "127.0.0.1";

		parse_server(word, &r.servers[0]);
		r.len = 1;
	}
	*ret = r;
}

/*
 * The grammar is ambiguous at its commas: one separates the parameters of a challenge as well as the challenges. A token
 * that is followed by "=" is a parameter; one that isn't begins the next challenge.
 */
#include "codec/challenge.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

static const char *skip_blanks(const char *p)
{
	return p + strspn(p, " \t");
}

/* RFC 9110, 5.6.2. */
static size_t token_len(const char *p)
{
	size_t n = 0;

	while (isalnum((unsigned char)p[n]) || (p[n] && strchr("!#$%&'*+-.^_`|~", p[n])))
		n++;
	return n;
}

static int add_char(char *dst, size_t *len, char c, struct err *err)
{
	if (*len + 1 >= CHALLENGE_VALUE_MAX)
		return err_set(err, E2BIG, "a value in the WWW-Authenticate header is longer than %d bytes",
			       CHALLENGE_VALUE_MAX - 1);
	dst[(*len)++] = c;
	return 0;
}

/* The value at *P, a token or a quoted string, into DST. */
static int take_value(const char **p, char dst[static CHALLENGE_VALUE_MAX], struct err *err)
{
	const char *at = *p;
	size_t len = 0;
	int r = 0;

	if (*at != '"') {
		size_t n = token_len(at);

		for (size_t i = 0; r >= 0 && i < n; i++)
			r = add_char(dst, &len, at[i], err);
		at += n;
	} else {
		for (at++; r >= 0 && *at && *at != '"'; at++) {
			if (*at == '\\' && at[1])
				at++;
			r = add_char(dst, &len, *at, err);
		}
		if (r >= 0 && *at != '"')
			return err_set(err, EBADMSG, "the WWW-Authenticate header ends inside a quoted value");
		at++;
	}
	dst[len] = '\0';
	if (r >= 0)
		*p = at;
	return r;
}

static char *place_of(struct challenge *c, const char *name, size_t len)
{
	static const struct {
		const char *name;
		size_t offset;
	} known[] = {
		{ "realm", offsetof(struct challenge, realm) },
		{ "service", offsetof(struct challenge, service) },
		{ "scope", offsetof(struct challenge, scope) },
		{ "error", offsetof(struct challenge, error) },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strlen(known[i].name) == len && strncasecmp(known[i].name, name, len) == 0)
			return (char *)c + known[i].offset;
	return NULL;
}

static enum challenge_scheme scheme_of(const char *name, size_t len)
{
	if (len == 6 && strncasecmp(name, "Bearer", len) == 0)
		return CHALLENGE_BEARER;
	if (len == 5 && strncasecmp(name, "Basic", len) == 0)
		return CHALLENGE_BASIC;
	return CHALLENGE_OTHER;
}

/* One parameter of C, "name = value", if one stands at *P: 1; 0: something else does. */
static int take_parameter(const char **p, struct challenge *c, struct err *err)
{
	char ignored[CHALLENGE_VALUE_MAX], *dst;
	size_t len = token_len(*p);
	const char *at = skip_blanks(*p + len);
	int r;

	if (len == 0 || *at != '=')
		return 0;
	dst = place_of(c, *p, len);
	at = skip_blanks(at + 1);
	r = take_value(&at, dst ? dst : ignored, err);
	if (r < 0)
		return r;
	*p = at;
	return 1;
}

static int take_challenge(const char **p, struct challenge *c, struct err *err)
{
	size_t len = token_len(*p);
	int r = 1;

	if (len == 0)
		return err_set(err, EBADMSG,
			       "no authentication scheme where one should stand in WWW-Authenticate: '%.40s'", *p);
	c->scheme = scheme_of(*p, len);
	*p = skip_blanks(*p + len);
	while (r > 0) {
		const char *at = *p + strspn(*p, ", \t");

		r = take_parameter(&at, c, err);
		if (r > 0)
			*p = skip_blanks(at);
	}
	/* token68 of schemes that we don't know ("Negotiate abc=="): up to the comma. */
	if (r >= 0 && c->scheme == CHALLENGE_OTHER)
		*p += strcspn(*p, ",");
	return r;
}

int challenge_parse(const char *header, struct challenge *ret, struct err *err)
{
	struct challenge best = { 0 };
	const char *p = header;

	if (strlen(header) > CHALLENGE_HEADER_MAX)
		return err_set(err, E2BIG, "the WWW-Authenticate header is longer than %d bytes", CHALLENGE_HEADER_MAX);
	for (p += strspn(p, ", \t"); *p; p += strspn(p, ", \t")) {
		struct challenge c = { 0 };
		int r = take_challenge(&p, &c, err);

		if (r < 0)
			return r;
		if (c.scheme > best.scheme)
			best = c;
	}
	*ret = best;
	return 0;
}

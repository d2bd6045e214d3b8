#include "codec/reference.h"

#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { NAME_MAX_LEN = 255, TAG_MAX_LEN = 128 };

static bool is_lower_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_alnum(char c)
{
	return is_lower_alnum(c) || (c >= 'A' && c <= 'Z');
}

/* Length of a separator inside a path component: one dot, one or two underscores, any number of dashes. */
static size_t separator_length(const char *p)
{
	if (*p == '.')
		return 1;
	if (*p == '_')
		return p[1] == '_' ? 2 : 1;
	return strspn(p, "-");
}

/* One path component of LEN bytes: runs of [a-z0-9] parted by separators. */
static bool valid_component(const char *p, size_t len)
{
	const char *end = p + len;

	while (p < end) {
		size_t sep;

		if (!is_lower_alnum(*p))
			return false;
		while (p < end && is_lower_alnum(*p))
			p++;
		if (p == end)
			return true;
		sep = separator_length(p);
		if (sep == 0)
			return false;
		p += sep;
	}
	return false;
}

static bool valid_path(const char *path)
{
	for (;;) {
		size_t len = strcspn(path, "/");

		if (!valid_component(path, len))
			return false;
		if (!path[len])
			return true;
		path += len + 1;
	}
}

/* host[:port], where host is a name, an address, or a bracketed IPv6 address. */
static bool valid_domain(const char *p, size_t len)
{
	const char *end = p + len, *colon = memrchr(p, ':', len);

	if (*p == '[') {
		const char *bracket = memchr(p, ']', len);

		if (!bracket)
			return false;
		for (const char *q = p + 1; q < bracket; q++)
			if (!isxdigit((unsigned char)*q) && *q != ':' && *q != '.')
				return false;
		colon = bracket + 1 < end ? bracket + 1 : NULL;
		if (colon && *colon != ':')
			return false;
	} else {
		for (const char *q = p; q < (colon ? colon : end); q++)
			if (!is_alnum(*q) && !((*q == '-' || *q == '.') && q > p))
				return false;
	}
	if (!colon)
		return true;
	for (const char *q = colon + 1; q < end; q++)
		if (*q < '0' || *q > '9')
			return false;
	return colon + 1 < end && colon > p;
}

static bool valid_tag(const char *tag)
{
	if (!is_alnum(*tag) && *tag != '_')
		return false;
	for (const char *p = tag; *p; p++)
		if (!is_alnum(*p) && !strchr("_.-", *p))
			return false;
	return strlen(tag) <= TAG_MAX_LEN;
}

/* The length of the domain at the start of REST, 0 if its first component is none. */
static size_t domain_length(const char *rest)
{
	const char *slash = strchr(rest, '/');
	size_t len;

	if (!slash)
		return 0;
	len = (size_t)(slash - rest);
	if (memchr(rest, '.', len) || memchr(rest, ':', len) || (len == 9 && memcmp(rest, "localhost", 9) == 0))
		return len;
	for (size_t i = 0; i < len; i++)
		if (isupper((unsigned char)rest[i]))
			return len;
	return 0;
}

/* Splits "name:tag@digest" in place. */
static int split(char *text, struct reference *ref, struct err *err)
{
	char *at = strchr(text, '@'), *slash, *colon;

	if (at) {
		int r = digest_parse(at + 1, &ref->digest, err);

		if (r < 0)
			return r;
		ref->has_digest = true;
		*at = '\0';
	}
	slash = strrchr(text, '/');
	colon = strchr(slash ? slash : text, ':');
	if (colon) {
		*colon = '\0';
		if (!valid_tag(colon + 1))
			return err_set(err, EBADMSG, "tag '%.140s' is not valid (letters, digits, _ . -, at most 128)",
				       colon + 1);
		strcpy(ref->tag, colon + 1);
	} else if (!at) {
		strcpy(ref->tag, "latest");
	}
	return 0;
}

static int normalise(const char *text, struct reference *ref, struct err *err)
{
	size_t domain = domain_length(text);
	const char *path = domain ? text + domain + 1 : text;

	if (domain && !valid_domain(text, domain))
		return err_set(err, EBADMSG, "'%.*s' is not a valid registry host", (int)domain, text);
	for (const char *p = path; *p; p++)
		if (isupper((unsigned char)*p))
			return err_set(err, EBADMSG, "the repository name '%s' must be in lower case", path);
	if (!valid_path(path))
		return err_set(err, EBADMSG, "'%s' is not a valid repository name", path);
	if (domain == 0)
		snprintf(ref->name, sizeof(ref->name), "docker.io/%s%s", strchr(path, '/') ? "" : "library/", path);
	else if (domain == 9 && strncmp(text, "docker.io", 9) == 0 && !strchr(path, '/'))
		snprintf(ref->name, sizeof(ref->name), "docker.io/library/%s", path);
	else
		snprintf(ref->name, sizeof(ref->name), "%s", text);
	if (strlen(ref->name) > NAME_MAX_LEN)
		return err_set(err, EBADMSG, "the name is longer than %d characters", NAME_MAX_LEN);
	return 0;
}

int reference_parse(const char *s, struct reference *ret, struct err *err)
{
	struct reference ref = { 0 };
	char text[REFERENCE_MAX];
	int r;

	if (strlen(s) >= sizeof(text) - 32)
		return err_set(err, EBADMSG, "image reference is longer than %zu characters", sizeof(text) - 32);
	if (!*s)
		return err_set(err, EBADMSG, "image reference is empty");
	strcpy(text, s);
	r = split(text, &ref, err);
	if (r >= 0)
		r = normalise(text, &ref, err);
	if (r < 0)
		return err_wrap(err, "image reference '%s'", s);
	*ret = ref;
	return 0;
}

static void append_version(const struct reference *ref, char *dst, size_t size)
{
	size_t len = strlen(dst);

	if (ref->tag[0])
		len += (size_t)snprintf(dst + len, size - len, ":%s", ref->tag);
	if (ref->has_digest) {
		char digest[DIGEST_STR_MAX];

		digest_format(&ref->digest, digest);
		snprintf(dst + len, size - len, "@%s", digest);
	}
}

void reference_format(const struct reference *ref, char dst[static REFERENCE_MAX + 256])
{
	snprintf(dst, REFERENCE_MAX, "%s", ref->name);
	append_version(ref, dst, REFERENCE_MAX + 256);
}

/* Whether PATH would be read back as a path on docker.io: its first component must not pass for a domain. */
static bool is_familiar_path(const char *path)
{
	size_t first = strcspn(path, "/");

	return path[first] && !memchr(path, '.', first) && !(first == 9 && memcmp(path, "localhost", 9) == 0);
}

const char *reference_familiar_name(const struct reference *ref)
{
	const char *path = str_skip_prefix(ref->name, "docker.io/");
	const char *rest = path ? str_skip_prefix(path, "library/") : NULL;

	if (rest && !strchr(rest, '/'))
		return rest;
	return path && is_familiar_path(path) ? path : ref->name;
}

void reference_format_familiar(const struct reference *ref, char dst[static REFERENCE_MAX + 256])
{
	snprintf(dst, REFERENCE_MAX, "%s", reference_familiar_name(ref));
	append_version(ref, dst, REFERENCE_MAX + 256);
}

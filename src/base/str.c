#include "base/str.h"

#include "base/vec.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool str_starts_with(const char *s, const char *prefix)
{
	return str_skip_prefix(s, prefix) != NULL;
}

bool str_ends_with(const char *s, const char *suffix)
{
	size_t len = strlen(s), suffix_len = strlen(suffix);

	return len >= suffix_len && memcmp(s + len - suffix_len, suffix, suffix_len) == 0;
}

const char *str_skip_prefix(const char *s, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(s, prefix, len) == 0 ? s + len : NULL;
}

char *str_format(const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	return n < 0 ? NULL : s;
}

char *path_clean(const char *path)
{
	bool absolute = path[0] == '/';
	char *out = malloc(strlen(path) + 2), *end = out;
	const char *p = path;

	if (!out)
		return NULL;
	/* END always points behind the last component written, with no slash there. */
	while (*p) {
		size_t len;

		p += strspn(p, "/");
		len = strcspn(p, "/");
		if (len == 2 && p[0] == '.' && p[1] == '.') {
			while (end > out && *--end != '/')
				;
		} else if (len > 1 || (len == 1 && p[0] != '.')) {
			if (absolute || end > out)
				*end++ = '/';
			memcpy(end, p, len);
			end += len;
		}
		p += len;
	}
	if (end == out)
		*end++ = absolute ? '/' : '.';
	*end = '\0';
	return out;
}

char *path_join(const char *base, const char *name)
{
	size_t len = strlen(base);

	while (len > 0 && base[len - 1] == '/')
		len--;
	return str_format("%.*s/%s", (int)len, base, name);
}

char *path_resolve(const char *base, const char *path)
{
	char *joined, *cleaned;

	if (path[0] == '/')
		return path_clean(path);
	joined = path_join(base, path);
	if (!joined)
		return NULL;
	cleaned = path_clean(joined);
	free(joined);
	return cleaned;
}

const char *path_basename(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

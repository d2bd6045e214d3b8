#include "codec/dockerignore.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "base/vec.h"
#include "codec/pattern.h"

#include <ctype.h>
#include <string.h>

struct dockerignore_pattern {
	struct pattern *pattern;
	bool negated;
	char *prefix; /* whole components before the first wildcard; owned */
};

DEFINE_VEC(pattern_list, struct dockerignore_pattern)

void dockerignore_done(struct dockerignore *di)
{
	for (size_t i = 0; i < di->len; i++) {
		pattern_free(di->items[i].pattern);
		free(di->items[i].prefix);
	}
	free(di->items);
	*di = (struct dockerignore){ 0 };
}

/* The leading components of PATH that have no wildcard: "a/b" of "a/b/c*". */
static char *fixed_prefix(const char *path)
{
	size_t len = strcspn(path, "*?[\\");

	if (path[len]) {
		while (len > 0 && path[len] != '/')
			len--;
	}
	return strndup(path, len);
}

/* Whether PATH leaves its start: nothing in a context has such a name. */
static bool rises(const char *path)
{
	while (str_starts_with(path, "./"))
		path += 2;
	return strcmp(path, "..") == 0 || str_starts_with(path, "../");
}

static int add_pattern(struct dockerignore *di, const char *text, bool negated, struct err *err)
{
	struct pattern_list list = { di->items, di->len, di->cap };
	struct dockerignore_pattern p = { .negated = negated };
	autofree char *clean = NULL;
	int r;

	if (rises(text))
		return 0;
	clean = path_clean(text);
	if (!clean)
		return err_oom(err);
	if (clean[0] == '/' && clean[1])
		memmove(clean, clean + 1, strlen(clean));
	r = pattern_new(clean, PATTERN_DOUBLE_STAR, &p.pattern, err);
	if (r < 0)
		return r;
	p.prefix = fixed_prefix(clean);
	if (!p.prefix || pattern_list_push(&list, p) < 0) {
		pattern_free(p.pattern);
		free(p.prefix);
		return err_oom(err);
	}
	*di = (struct dockerignore){ list.items, list.len, list.cap };
	return 0;
}

static char *trimmed(const char *p, const char *end)
{
	while (p < end && isspace((unsigned char)*p))
		p++;
	while (end > p && isspace((unsigned char)end[-1]))
		end--;
	return strndup(p, (size_t)(end - p));
}

static int parse_line(struct dockerignore *di, const char *p, const char *end, struct err *err)
{
	autofree char *line = NULL, *rest = NULL;
	bool negated;

	if (p < end && *p == '#')
		return 0;
	line = trimmed(p, end);
	if (!line)
		return err_oom(err);
	negated = line[0] == '!';
	rest = trimmed(line + negated, line + strlen(line));
	if (!rest)
		return err_oom(err);
	if (!*rest)
		return negated ? err_set(err, EBADMSG, "'!' without a pattern behind it") : 0;
	if (di->len >= DOCKERIGNORE_PATTERNS_MAX)
		return err_set(err, E2BIG, "more than %d patterns", DOCKERIGNORE_PATTERNS_MAX);
	return add_pattern(di, rest, negated, err);
}

int dockerignore_parse(const char *name, const char *text, size_t len, struct dockerignore *ret, struct err *err)
{
	const char *p = text, *end = text + len;
	unsigned number = 1;

	if (len > DOCKERIGNORE_MAX)
		return err_set(err, E2BIG, "%s: larger than %d KiB", name, DOCKERIGNORE_MAX >> 10);
	if (memchr(text, '\0', len))
		return err_set(err, EBADMSG, "%s: holds a NUL byte", name);
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		p += 3;
	for (; p < end; number++) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		int r = parse_line(ret, p, newline ? newline : end, err);

		if (r < 0)
			return err_wrap(err, "%s:%u", name, number);
		p = newline ? newline + 1 : end;
	}
	return 0;
}

/* Whether the pattern matches PATH or one of the folders that it lies in. */
static bool matches_with_parents(const struct pattern *pattern, char *path)
{
	for (char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		bool found;

		*slash = '\0';
		found = pattern_matches(pattern, path);
		*slash = '/';
		if (found)
			return true;
	}
	return pattern_matches(pattern, path);
}

bool dockerignore_excludes(const struct dockerignore *di, const char *path)
{
	autofree char *copy = NULL;

	if (di->len == 0)
		return false;
	copy = strdup(path);
	if (!copy)
		return false;
	for (size_t i = di->len; i-- > 0;)
		if (matches_with_parents(di->items[i].pattern, copy))
			return !di->items[i].negated;
	return false;
}

/* Whether one of two clean paths is the other or lies in it. */
static bool on_one_line(const char *a, const char *b)
{
	size_t a_len = strlen(a), b_len = strlen(b), n = a_len < b_len ? a_len : b_len;

	if (memcmp(a, b, n) != 0)
		return false;
	return n == 0 || a_len == b_len || (a_len < b_len ? b[n] == '/' : a[n] == '/');
}

bool dockerignore_may_include_below(const struct dockerignore *di, const char *path)
{
	for (size_t i = 0; i < di->len; i++)
		if (di->items[i].negated && on_one_line(di->items[i].prefix, path))
			return true;
	return false;
}

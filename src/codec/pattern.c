#include "codec/pattern.h"

#include "base/cleanup.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

enum kind {
	KIND_CHAR,    /* the character LOW */
	KIND_ANY,     /* one character but '/' */
	KIND_STAR,    /* any run without '/' */
	KIND_ALL,     /* any run */
	KIND_PARENTS, /* nothing, or any run that ends in '/' */
	KIND_CLASS,   /* LOW ranges follow as KIND_RANGE; HIGH: negated */
	KIND_RANGE,
};

struct token {
	enum kind kind;
	uint32_t low, high;
};

struct pattern {
	size_t len;
	struct token tokens[];
};

/* The character at *P, which moves behind it; a byte that is not UTF-8 counts as a character of its own. */
static uint32_t next_char(const char **p)
{
	const unsigned char *s = (const unsigned char *)*p;
	uint32_t c = *s++;
	int more = c >= 0xf0 && c < 0xf8 ? 3 : c >= 0xe0 && c < 0xf0 ? 2 : c >= 0xc2 && c < 0xe0 ? 1 : 0;
	uint32_t value = more == 3 ? c & 7 : more == 2 ? c & 15 : c & 31;

	for (int i = 0; i < more; i++) {
		if ((s[i] & 0xc0) != 0x80) {
			more = 0;
			break;
		}
		value = value << 6 | (s[i] & 63);
	}
	*p = (const char *)s + more;
	/* Stray bytes get numbers beyond all of Unicode's, so that they equal themselves only. */
	return more ? value : c < 0x80 ? c : 0x110000 + c;
}

static int class_char(const char **p, uint32_t *ret)
{
	if (**p == '\\')
		(*p)++;
	if (!**p)
		return -EBADMSG;
	*ret = next_char(p);
	return 0;
}

/* A class, *P behind its '['. */
static int compile_class(const char **p, struct pattern *out)
{
	struct token *head = &out->tokens[out->len++];

	*head = (struct token){ .kind = KIND_CLASS };
	if (**p == '^') {
		head->high = 1;
		(*p)++;
	}
	while (**p != ']' || head->low == 0) {
		struct token range = { .kind = KIND_RANGE };

		if (**p == '-' || **p == ']' || class_char(p, &range.low) < 0)
			return -EBADMSG;
		range.high = range.low;
		if (**p == '-') {
			(*p)++;
			if (**p == ']' || class_char(p, &range.high) < 0)
				return -EBADMSG;
		}
		out->tokens[out->len++] = range;
		head->low++;
	}
	(*p)++;
	return 0;
}

/* One or two stars, *P behind the first. */
static struct token compile_star(const char **p, int flags)
{
	if (!(flags & PATTERN_DOUBLE_STAR) || **p != '*')
		return (struct token){ .kind = KIND_STAR };
	(*p)++;
	if (**p == '/')
		(*p)++;
	return (struct token){ .kind = **p ? KIND_PARENTS : KIND_ALL };
}

static int compile(const char *p, int flags, struct pattern *out)
{
	while (*p) {
		switch (*p) {
		case '*':
			p++;
			out->tokens[out->len++] = compile_star(&p, flags);
			break;
		case '?':
			p++;
			out->tokens[out->len++] = (struct token){ .kind = KIND_ANY };
			break;
		case '[':
			p++;
			if (compile_class(&p, out) < 0)
				return -EBADMSG;
			break;
		case '\\':
			if (!*++p)
				return -EBADMSG;
			__attribute__((fallthrough));
		default:
			out->tokens[out->len++] = (struct token){ .kind = KIND_CHAR, .low = next_char(&p) };
		}
	}
	return 0;
}

int pattern_new(const char *text, int flags, struct pattern **ret, struct err *err)
{
	size_t len = strlen(text);
	struct pattern *p;

	if (len > PATTERN_MAX)
		return err_set(err, E2BIG, "a pattern is longer than %d bytes", PATTERN_MAX);
	/* No character makes more than one token; a class has one more, which its brackets pay for. */
	p = calloc(1, sizeof(*p) + (len + 1) * sizeof(p->tokens[0]));
	if (!p)
		return err_oom(err);
	if (compile(text, flags, p) < 0) {
		free(p);
		return err_set(err, EBADMSG, "pattern '%.200s' is malformed", text);
	}
	*ret = p;
	return 0;
}

void pattern_free(struct pattern *p)
{
	free(p);
}

static bool in_class(const struct token *head, uint32_t c)
{
	bool found = false;

	for (uint32_t i = 1; i <= head->low; i++)
		found |= c >= head[i].low && c <= head[i].high;
	return found != (head->high == 1);
}

/* The token behind the one at AT. */
static size_t behind(const struct pattern *p, size_t at)
{
	return at + 1 + (p->tokens[at].kind == KIND_CLASS ? p->tokens[at].low : 0);
}

/* Marks the state AT, and those that are reached from it without a character. */
static void enter(const struct pattern *p, uint8_t *states, size_t at)
{
	for (;;) {
		states[at] = 1;
		if (at == p->len)
			return;
		switch (p->tokens[at].kind) {
		case KIND_STAR:
		case KIND_ALL:
		case KIND_PARENTS:
			at++;
			break;
		default:
			return;
		}
	}
}

static void step(const struct pattern *p, size_t at, uint32_t c, uint8_t *next)
{
	const struct token *t = &p->tokens[at];

	switch (t->kind) {
	case KIND_CHAR:
		if (c == t->low)
			enter(p, next, at + 1);
		break;
	case KIND_ANY:
		if (c != '/')
			enter(p, next, at + 1);
		break;
	case KIND_STAR:
		if (c != '/')
			enter(p, next, at);
		break;
	case KIND_ALL:
		enter(p, next, at);
		break;
	case KIND_PARENTS:
		/* Inside the run the way on opens behind a slash only. */
		next[at] |= 2;
		if (c == '/')
			enter(p, next, at + 1);
		break;
	case KIND_CLASS:
		if (in_class(t, c))
			enter(p, next, behind(p, at));
		break;
	case KIND_RANGE:
		break;
	}
}

bool pattern_matches(const struct pattern *p, const char *path)
{
	uint8_t a[PATTERN_MAX + 2], b[PATTERN_MAX + 2], *now = a, *next = b;

	memset(now, 0, p->len + 1);
	enter(p, now, 0);
	while (*path) {
		uint32_t c = next_char(&path);
		uint8_t *swap;

		memset(next, 0, p->len + 1);
		for (size_t at = 0; at < p->len; at++)
			if (now[at])
				step(p, at, c, next);
		swap = now;
		now = next;
		next = swap;
	}
	return now[p->len] != 0;
}

bool pattern_is_wild(const char *text)
{
	return strpbrk(text, "*?[\\") != NULL;
}

#include "build/glob.h"

#include <errno.h>
#include <string.h>

enum { GLOB_STAR = 256, GLOB_ONE = 257 };

int glob_init(struct glob *g, const char *text, char escape)
{
	g->len = 0;
	if (strlen(text) > GLOB_MAX)
		return -E2BIG;
	for (; *text; text++) {
		if (*text == escape && text[1])
			g->tokens[g->len++] = (unsigned char)*++text;
		else
			g->tokens[g->len++] = *text == '*' ? GLOB_STAR : *text == '?' ? GLOB_ONE : (unsigned char)*text;
	}
	return 0;
}

/* The token at AT, counted from the end for a match that runs backwards. */
static short token(const struct glob *g, size_t at, bool backwards)
{
	return g->tokens[backwards ? g->len - 1 - at : at];
}

static void enter(const struct glob *g, bool *states, size_t at, bool backwards)
{
	states[at] = true;
	while (at < g->len && token(g, at, backwards) == GLOB_STAR)
		states[++at] = true;
}

static long match(const struct glob *g, const char *s, size_t len, bool greedy, bool backwards)
{
	bool a[GLOB_MAX + 1] = { 0 }, b[GLOB_MAX + 1], *now = a, *next = b, *swap;
	long found = -1;

	enter(g, now, 0, backwards);
	for (size_t i = 0;; i++) {
		unsigned char c;

		if (now[g->len]) {
			found = (long)i;
			if (!greedy)
				return found;
		}
		if (i == len)
			return found;
		c = (unsigned char)s[backwards ? len - 1 - i : i];
		memset(next, 0, (g->len + 1) * sizeof(*next));
		for (size_t at = 0; at < g->len; at++) {
			short t = token(g, at, backwards);

			if (now[at] && t == GLOB_STAR)
				enter(g, next, at, backwards);
			else if (now[at] && (t == GLOB_ONE || t == c))
				enter(g, next, at + 1, backwards);
		}
		swap = now;
		now = next;
		next = swap;
	}
}

long glob_match_start(const struct glob *g, const char *s, size_t len, bool greedy)
{
	return match(g, s, len, greedy, false);
}

long glob_match_end(const struct glob *g, const char *s, size_t len, bool greedy)
{
	return match(g, s, len, greedy, true);
}

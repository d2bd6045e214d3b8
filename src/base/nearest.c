/*
 * The distance is that of Damerau and Levenshtein in its restricted form: letters that are missing, too many, wrong, or
 * swapped with their neighbour count one each. A name that begins with what was typed is near too, however long it is.
 */
#include "base/nearest.h"

#include <ctype.h>
#include <string.h>

enum { WORD_MAX = 40 };

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static bool same(const struct nearest *n, char a, char b)
{
	return a == b || (n->ignore_case && tolower((unsigned char)a) == tolower((unsigned char)b));
}

static size_t distance(const struct nearest *n, const char *b, size_t b_len)
{
	const char *a = n->typed;
	size_t rows[3][WORD_MAX + 1];
	size_t *before = rows[0], *last = rows[1], *row = rows[2];

	for (size_t j = 0; j <= b_len; j++)
		last[j] = j;
	for (size_t i = 1; i <= n->len; i++) {
		size_t *oldest = before;

		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			row[j] = least(least(last[j], row[j - 1]) + 1, last[j - 1] + !same(n, a[i - 1], b[j - 1]));
			if (i > 1 && j > 1 && same(n, a[i - 1], b[j - 2]) && same(n, a[i - 2], b[j - 1]))
				row[j] = least(row[j], before[j - 2] + 1);
		}
		before = last;
		last = row;
		row = oldest;
	}
	return last[b_len];
}

void nearest_try(struct nearest *n, const char *name)
{
	size_t len = strlen(name), d;
	/* Of a short word, one slip leaves little that is the same. */
	size_t enough = n->len <= 3 ? 1 : n->len <= 6 ? 2 : 3;

	if (n->len == 0 || n->len > WORD_MAX || len > WORD_MAX)
		return;
	if (n->len >= 3 && (n->ignore_case ? strncasecmp : strncmp)(name, n->typed, n->len) == 0)
		d = 1;
	else
		d = distance(n, name, len);
	if (d > enough || d >= n->distance || d >= n->len)
		return;
	n->distance = d;
	n->best = name;
}

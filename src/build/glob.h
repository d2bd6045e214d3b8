/* The patterns of ${x#p}, ${x%p} and ${x/p/r}: `*` any run, `?` any byte, an escaped byte itself. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { GLOB_MAX = 256 };

struct glob {
	short tokens[GLOB_MAX]; /* a byte, or GLOB_STAR or GLOB_ONE */
	size_t len;
};

/* -E2BIG if TEXT is longer than GLOB_MAX. */
int glob_init(struct glob *g, const char *text, char escape);
/*
 * How many bytes at the start of the LEN bytes at S match: the most (GREEDY) or the fewest; -1 if none do.
 * Takes time proportional to LEN times the pattern's length.
 */
long glob_match_start(const struct glob *g, const char *s, size_t len, bool greedy);
/* The same at the end of S. */
long glob_match_end(const struct glob *g, const char *s, size_t len, bool greedy);

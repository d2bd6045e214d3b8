/*
 * Patterns on paths: Go's filepath.Match for COPY and ADD, and the form of .dockerignore, which adds `**`.
 *
 *     *  any run without '/'     ?  one character but '/'     [a-z] [^a-z]  one of a class
 *     \x the character x         **  any run, of whole components where '/' follows (PATTERN_DOUBLE_STAR)
 *
 * A pattern is compiled once; matching takes time proportional to its length times the path's, whatever
 * the pattern (states are tracked side by side, nothing is tried again).
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum { PATTERN_MAX = 4096 }; /* bytes */

enum pattern_flags { PATTERN_DOUBLE_STAR = 1 };

struct pattern;

/* -EBADMSG if it is malformed (an open class, a lone escape at the end), -E2BIG if it is too long. */
int pattern_new(const char *text, int flags, struct pattern **ret, struct err *err);
void pattern_free(struct pattern *p);
/* Whether the whole of PATH matches. */
bool pattern_matches(const struct pattern *p, const char *path);
/* Whether TEXT has characters that make it more than a plain name. */
bool pattern_is_wild(const char *text);

static inline void pattern_freep(struct pattern **p)
{
	pattern_free(*p);
}

/*
 * Variables and quotes in the words of a Dockerfile, by the rules of docker's reference ("Environment
 * replacement"): they look like a shell's and differ from it in places, so this follows BuildKit.
 *
 *     $x ${x}   ${x:-w} ${x-w}   ${x:+w} ${x+w}   ${x:?m} ${x?m}   ${x#p} ${x##p} ${x%p} ${x%%p}   ${x/p/r} ${x//p/r}
 *
 * w, m and r may hold variables themselves; p has `*`, `?` and the escape character. Quotes and escapes are
 * removed. A name that isn't set counts as empty.
 */
#pragma once

#include "base/err.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stddef.h>

enum {
	EXPAND_MAX = 1024 * 1024,    /* bytes that one word may become */
	EXPAND_PATTERN_MAX = 256,    /* bytes of a pattern behind # % / */
	EXPAND_SEARCHED_MAX = 16384, /* bytes of a value that a pattern is searched in */
	EXPAND_DEPTH_MAX = 32,	     /* ${x:-${y:-…}} */
};

struct expand {
	char escape;
	/* A heredoc's text: quotes mean nothing, and the escape character does so only before '$' and itself. */
	bool document;
	const char *(*lookup)(void *arg, const char *name); /* borrowed value, or NULL: not set */
	void *arg;
};

/*
 * WORD, expanded; the caller owns *RET. -EBADMSG (quote or brace not closed, unknown form, ${x:?}), with
 * *RET_AT (may be NULL) the offset in WORD; -E2BIG.
 */
int expand_word(const struct expand *x, const char *word, char **ret, size_t *ret_at, struct err *err);
/* The same, and what blanks outside quotes part becomes words of their own (EXPOSE). Appended to RET. */
int expand_words(const struct expand *x, const char *word, struct strv *ret, size_t *ret_at, struct err *err);

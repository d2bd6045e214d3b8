/* The variables that an instruction sees: ENV before ARG, and how its words are expanded with them. */
#pragma once

#include "base/err.h"
#include "base/vec.h"
#include "codec/dockerfile.h"

#include <stdbool.h>

/* Borrowed lists of "NAME=value"; the first that has a name counts. Either may be NULL. */
struct vars {
	const struct strv *env, *args;
};

/*
 * TEXT, which stands at OFFSET in IN's text, expanded. The caller owns *RET. An error shows its place in the
 * Dockerfile.
 */
int vars_expand(const struct vars *v, const struct dockerfile *df, const struct dockerfile_instruction *in,
		const char *text, size_t offset, char **ret, struct err *err);
/* The same, parted at blanks; appended to RET. */
int vars_expand_words(const struct vars *v, const struct dockerfile *df, const struct dockerfile_instruction *in,
		      const char *text, size_t offset, struct strv *ret, struct err *err);

/* A heredoc's content: only variables, and '\' before '$'. Errors show the line that announced it (OFFSET). */
int vars_expand_document(const struct vars *v, const struct dockerfile *df, const struct dockerfile_instruction *in,
			 const char *text, size_t offset, char **ret, struct err *err);

/* HTTP_PROXY and the like, in either case: they may be given without ARG, and are kept out of cache and history. */
bool vars_is_proxy(const char *name);

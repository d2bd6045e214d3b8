/* Shared by the files of the Dockerfile parser only. */
#pragma once

#include "base/vec.h"
#include "codec/dockerfile.h"

/* What the reference says about an instruction. */
struct dockerfile_rule {
	const char *name;
	int (*parse)(const struct dockerfile *df, struct dockerfile_instruction *in, struct err *err);
	const char *const *flags; /* names it may carry, ended by NULL; NULL: none */
	bool heredocs;
};

extern const struct dockerfile_rule dockerfile_rules[DOCKERFILE_KEYWORDS];

/* The keyword of LEN bytes at NAME in any case, or -1. */
int dockerfile_find_keyword(const char *name, size_t len);
/* The keyword most like it, or NULL if none is near. */
const char *dockerfile_nearest_keyword(const char *name, size_t len);

/* A physical line without its line end. */
struct dockerfile_line {
	const char *text;
	size_t len;
	unsigned number;
};

/* Walks physical lines of a source text. */
struct dockerfile_reader {
	const char *at, *end;
	unsigned line;
};

/* False at the end of the text. */
bool dockerfile_next_line(struct dockerfile_reader *r, struct dockerfile_line *ret);
/*
 * The next instruction's text and segments: comments and blank lines skipped, continuations joined. 1, or 0 at
 * the end of the file.
 */
int dockerfile_next_logical(const struct dockerfile *df, struct dockerfile_reader *r,
			    struct dockerfile_instruction *ret, struct err *err);
/* Parser directives at the top of the file; the reader then stands on the first line that is none. */
int dockerfile_read_directives(struct dockerfile *df, struct dockerfile_reader *r, struct err *err);
/* The heredocs that the instruction announces, from the lines that follow it. */
int dockerfile_read_heredocs(const struct dockerfile *df, struct dockerfile_reader *r,
			     struct dockerfile_instruction *in, struct err *err);

/* Blank inside an instruction: space, tab, vertical tab, form feed, carriage return. */
static inline bool dockerfile_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\v' || c == '\f' || c == '\r';
}

/* Takes the flags behind the keyword; *OFFSET moves behind them and the blanks that follow. */
int dockerfile_take_flags(const struct dockerfile *df, struct dockerfile_instruction *in, size_t *offset,
			  struct err *err);
/*
 * Length of the word at P: up to the next blank outside quotes; quotes and escapes stay in it.
 */
size_t dockerfile_word_length(const char *p, char escape);

DEFINE_VEC(dockerfile_offsets, size_t)
/*
 * The strings of the JSON array that TEXT is: copies into ARGS with their offsets (BASE added). Returns 1;
 * 0 if TEXT is no JSON array of strings (then ARGS is unchanged); -ENOMEM, -E2BIG.
 */
int dockerfile_json_strings(const char *text, size_t base, struct dockerfile_args *args);
/* Appends an argument that owns TEXT and VALUE (released on failure); -ENOMEM (TEXT NULL counts as that), -E2BIG. */
int dockerfile_add_arg(struct dockerfile_args *args, char *text, char *value, size_t offset);
void dockerfile_args_done(struct dockerfile_args *args);

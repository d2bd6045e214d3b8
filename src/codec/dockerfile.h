/*
 * The text of a Dockerfile, as a list of instructions with positions. Nothing is expanded and nothing is
 * looked up here: words keep their quotes and their variables (build/expand.h resolves those).
 *
 * Source: docker's "Dockerfile reference", and BuildKit's parser where the reference is silent (line
 * continuations, comments inside them, the fall-back from a malformed exec form to the shell form).
 * All instructions and flags of the reference are known here; whether one is carried out is for build/.
 *
 * Lines and columns count from 1, columns in bytes.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum {
	DOCKERFILE_MAX = 4 * 1024 * 1024,    /* bytes of a file */
	DOCKERFILE_LINE_MAX = 1024 * 1024,   /* bytes of one instruction, continuations joined */
	DOCKERFILE_INSTRUCTIONS_MAX = 10000, /* in one file */
	DOCKERFILE_WORDS_MAX = 10000,	     /* in one instruction */
	DOCKERFILE_HEREDOCS_MAX = 64,	     /* in one instruction */
};

enum dockerfile_keyword {
	DOCKERFILE_ADD,
	DOCKERFILE_ARG,
	DOCKERFILE_CMD,
	DOCKERFILE_COPY,
	DOCKERFILE_ENTRYPOINT,
	DOCKERFILE_ENV,
	DOCKERFILE_EXPOSE,
	DOCKERFILE_FROM,
	DOCKERFILE_HEALTHCHECK,
	DOCKERFILE_LABEL,
	DOCKERFILE_MAINTAINER,
	DOCKERFILE_ONBUILD,
	DOCKERFILE_RUN,
	DOCKERFILE_SHELL,
	DOCKERFILE_STOPSIGNAL,
	DOCKERFILE_USER,
	DOCKERFILE_VOLUME,
	DOCKERFILE_WORKDIR,
	DOCKERFILE_KEYWORDS,
};

/*
 * One argument. What it is depends on the instruction:
 *   ENV LABEL ARG        text = name, value (NULL for an ARG without one), both raw
 *   RUN CMD ENTRYPOINT SHELL, HEALTHCHECK CMD
 *                        exec form: each an item of the JSON array, decoded; else one with the whole command
 *   ADD COPY VOLUME      words, or decoded items of the JSON array (exec_form)
 *   FROM EXPOSE          words
 *   the others           one with the rest of the line
 */
struct dockerfile_arg {
	char *text;
	char *value;
	size_t offset; /* in the instruction's text */
};

struct dockerfile_args {
	struct dockerfile_arg *items;
	size_t len, cap;
};

/* --name=value; VALUE is NULL for a bare --name. */
struct dockerfile_flag {
	char *name;
	char *value;
	size_t offset;
};

struct dockerfile_flags {
	struct dockerfile_flag *items;
	size_t len, cap;
};

/* `<<NAME` … NAME: the lines between, each with its newline; EXPAND unless the name was quoted. */
struct dockerfile_heredoc {
	char *name;
	char *content;
	bool expand;
};

struct dockerfile_heredocs {
	struct dockerfile_heredoc *items;
	size_t len, cap;
};

/* Where in the file the byte at OFFSET of an instruction's text stood. */
struct dockerfile_segment {
	size_t offset;
	unsigned line, column;
};

struct dockerfile_segments {
	struct dockerfile_segment *items;
	size_t len, cap;
};

struct dockerfile_instruction {
	enum dockerfile_keyword keyword;
	char *text; /* the whole instruction with continuations joined and comments removed */
	struct dockerfile_segments segments;
	struct dockerfile_flags flags;
	size_t rest; /* offset in text of what follows keyword and flags */
	bool exec_form;
	struct dockerfile_args args;
	struct dockerfile_heredocs heredocs;
	bool healthcheck_none;			/* HEALTHCHECK NONE */
	struct dockerfile_instruction *trigger; /* ONBUILD: the instruction behind it; same text and segments */
	unsigned end_line;
};

struct dockerfile_instructions {
	struct dockerfile_instruction *items;
	size_t len, cap;
};

struct dockerfile {
	char *name;   /* as shown in errors */
	char *source; /* the whole text, for showing lines */
	char escape;  /* '\\' or '`' */
	char *syntax; /* value of `# syntax=`, or NULL; it selects nothing here */
	char *check;  /* value of `# check=`, or NULL */
	struct dockerfile_instructions instructions;
};

#define DOCKERFILE_INIT ((struct dockerfile){ .escape = '\\' })

/*
 * Reads TEXT of LEN bytes. RET (initialised) is to be released by dockerfile_done also on failure. Errors:
 * -EBADMSG with file, line, column, the line shown and a caret; -E2BIG over a limit.
 */
int dockerfile_parse(const char *name, const char *text, size_t len, struct dockerfile *ret, struct err *err);
/* One instruction of its own: what an image's OnBuild holds, or `--change`. NAME stands for the file in errors. */
int dockerfile_parse_line(const char *name, const char *line, struct dockerfile *ret, struct err *err);
void dockerfile_done(struct dockerfile *df);
void dockerfile_instruction_done(struct dockerfile_instruction *in);

/* "RUN". */
const char *dockerfile_keyword_name(enum dockerfile_keyword keyword);
/* The last --NAME of the instruction, or NULL. */
const struct dockerfile_flag *dockerfile_flag(const struct dockerfile_instruction *in, const char *name);
/* The position of the byte at OFFSET of IN's text. */
void dockerfile_position(const struct dockerfile_instruction *in, size_t offset, unsigned *ret_line,
			 unsigned *ret_column);

/*
 * Fills in ERR with CODE and "<file>:<line>:<column>: <message>", the line of the file and a caret below
 * the byte at OFFSET of IN's text. Returns -CODE.
 */
int dockerfile_error(const struct dockerfile *df, const struct dockerfile_instruction *in, size_t offset,
		     struct err *err, int code, const char *fmt, ...) __attribute__((format(printf, 6, 7)));
/* The same by a position of its own. */
int dockerfile_error_at(const struct dockerfile *df, unsigned line, unsigned column, struct err *err, int code,
			const char *message);

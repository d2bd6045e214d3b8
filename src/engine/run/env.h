/* -e, --env-file, --label, --label-file: pairs of names and values, with docker's rules. */
#pragma once

#include "base/err.h"
#include "base/vec.h"

enum { RUN_ENV_FILE_MAX = 1 << 20 };

/*
 * "NAME=value" is set in ENV; a bare "NAME" takes its value from OUTER (an environment list) and removes the
 * image's where OUTER has none. -EINVAL for an empty name.
 */
int run_env_apply(struct strv *env, const char *word, const struct strv *outer, struct err *err);
/*
 * The text of an --env-file: one word a line as above; lines that begin with # and empty lines are skipped,
 * blanks before a name too; blanks in a name are an error. PATH is for messages.
 */
int run_env_apply_text(struct strv *env, const char *path, const char *text, size_t len, const struct strv *outer,
		       struct err *err);

/* "key[=value]" into PAIRS (key, value, key, value …): the later of two wins. */
int run_label_apply(struct strv *pairs, const char *word, struct err *err);

/* Texts that are made from the option tables when cloche is built: manual pages and shell completion. */
#pragma once

#include "cli/command.h"

#include <stdio.h>

/* cloche(1): all commands. */
void manpage_print_overview(FILE *f);
/* cloche-<command>(1). */
void manpage_print_command(FILE *f, const struct command *cmd);

/* The completion scripts, whole, as the shells install them. */
void completion_print_bash(FILE *f);
void completion_print_zsh(FILE *f);
void completion_print_fish(FILE *f);

/* What docs are made of: commands and options that aren't hidden and are there already; no headings. */
const struct command *docgen_next_command(const struct command *const **at);
const struct option *docgen_next_option(const struct option **at);
/*
 * The groups of two-word commands, each once: AT as above; the first word of the next group, with its length in *RET_LEN,
 * or NULL.
 */
const char *docgen_next_group(const struct command *const **at, size_t *ret_len);
/*
 * Other names in the group that NAME's first LEN letters are: the next second word, with its command in *RET; NULL: no more.
 * AT is 0 at first.
 */
const char *docgen_next_other_name(const char *name, size_t len, size_t *at, const struct command **ret);

/* NAME with its blank replaced: "volume create" -> "volume-create". */
void docgen_join_words(char *name, char joint);

/* Texts that are made from the option tables when cloche is built: manual pages and shell completion. */
#pragma once

#include "cli/command.h"

#include <stdio.h>

/* cloche(1): all commands. */
void manpage_print_overview(FILE *f);
/* cloche-<command>(1). */
void manpage_print_command(FILE *f, const struct command *cmd);

/* cloche-oci(1), its commands included, and bash's completion of it. */
void manpage_print_oci(FILE *f);
void completion_print_oci(FILE *f);

/* Parts of a page: its head (COMMAND may be NULL), running text, what stands as it is, one word, a table's rows, sections. */
void manpage_print_head(FILE *f, const char *command, const char *summary);
void manpage_print_text(FILE *f, const char *s);
void manpage_print_verbatim(FILE *f, const char *s);
void manpage_print_word(FILE *f, const char *s);
void manpage_print_options(FILE *f, const struct option *table);
void manpage_print_exit_statuses(FILE *f, const struct exit_status *s);
void manpage_print_see_also(FILE *f, const char *names);

/* Parts of bash's: " --all -a" for each option; cases that say what completes an option's value, "-" for nothing. */
void completion_print_option_names(FILE *f, const struct option *table);
void completion_print_bash_values(FILE *f, const char *command, const struct option *table);

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

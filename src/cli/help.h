/* Texts made from the option tables: help, manual pages, shell completion. */
#pragma once

#include "cli/command.h"

#include <stdio.h>

/* What `cloche` and `cloche help` show: the commands by group. */
void help_print_overview(FILE *f);
/* S from column INDENT on, where we are already, broken between words. */
void help_print_wrapped(FILE *f, const char *s, size_t indent);
/* The rows of TABLE. */
void help_print_options(FILE *f, const struct option *table);
/* What `cloche COMMAND --help` shows, and the same of other programs. */
void help_print_command(FILE *f, const struct command *cmd);

/* What exit codes mean, ended by a NULL status; OF_CONTAINER: of a command that hands on a program's. */
const struct exit_status *help_exit_statuses(bool of_container);
bool help_is_of_container(const struct command *cmd);

/* What `cloche WORD` shows, where WORD is the first of two: the commands of that group. */
void help_print_group(FILE *f, const char *word);

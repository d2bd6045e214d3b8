/* Texts made from the option tables: help, manual pages, shell completion. */
#pragma once

#include "cli/command.h"

#include <stdio.h>

/* What `cloche` and `cloche help` show: the commands by group. */
void help_print_overview(FILE *f);
/* What `cloche COMMAND --help` shows. */
void help_print_command(FILE *f, const struct command *cmd);
/* What `cloche WORD` shows, where WORD is the first of two: the commands of that group. */
void help_print_group(FILE *f, const char *word);

#include "cli/help.h"

#include <string.h>

enum { NAME_WIDTH = 17 }; /* of the longest name */

static void print_group(FILE *f, const char *group)
{
	fprintf(f, "\n%s:\n", group);
	for (size_t i = 0; all_commands[i]; i++)
		if (!all_commands[i]->hidden && strcmp(all_commands[i]->group, group) == 0)
			fprintf(f, "  %-*s  %s\n", NAME_WIDTH, all_commands[i]->name, all_commands[i]->summary);
}

static bool group_seen_before(size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (!all_commands[i]->hidden && strcmp(all_commands[i]->group, all_commands[at]->group) == 0)
			return true;
	return false;
}

void help_print_overview(FILE *f)
{
	fputs("cloche: see-through containers, without root, daemon or set-up\n\nusage: cloche COMMAND [OPTIONS] ...\n",
	      f);
	for (size_t i = 0; all_commands[i]; i++)
		if (!all_commands[i]->hidden && !group_seen_before(i))
			print_group(f, all_commands[i]->group);
	fputs("\n'cloche help COMMAND' or 'cloche COMMAND --help' tells more.\n", f);
}

void help_print_group(FILE *f, const char *word)
{
	size_t len = strlen(word);
	bool is_alias = true;

	fprintf(f, "usage: cloche %s COMMAND [OPTIONS] ...\n\n", word);
	for (size_t i = 0; all_commands[i]; i++) {
		const struct command *cmd = all_commands[i];

		if (strncmp(cmd->name, word, len) != 0 || cmd->name[len] != ' ')
			continue;
		is_alias = false;
		fprintf(f, "  %-*s  %s\n", NAME_WIDTH, cmd->name, cmd->summary);
	}
	if (is_alias)
		fprintf(f, "docker's other name for commands of ours: '%s ls', '%s inspect' …\n", word, word);
	fputs("\n'cloche help COMMAND' tells more.\n", f);
}

static void print_options(FILE *f, const struct option *table)
{
	for (; table && table->kind != OPTION_KIND_END; table++) {
		char left[64];

		if (table->kind == OPTION_KIND_LATER)
			continue;
		if (table->kind == OPTION_KIND_HEADING) {
			fprintf(f, "\n%s:\n", table->help);
			continue;
		}
		snprintf(left, sizeof(left), "%c%c%s --%s%s%s", table->letter ? '-' : ' ',
			 table->letter ? table->letter : ' ', table->letter ? "," : " ", table->name,
			 table->kind == OPTION_KIND_OPTIONAL ? "="
			 : table->arg			     ? " "
							     : "",
			 table->arg ? table->arg : "");
		if (strlen(left) > 28)
			fprintf(f, "  %s\n  %-28s  %s\n", left, "", table->help);
		else
			fprintf(f, "  %-28s  %s\n", left, table->help);
	}
}

void help_print_command(FILE *f, const struct command *cmd)
{
	fprintf(f, "usage: cloche %s [OPTIONS] %s\n\n%s\n", cmd->name, cmd->usage ? cmd->usage : "", cmd->summary);
	if (cmd->description)
		fprintf(f, "\n%s\n", cmd->description);
	if (cmd->options && cmd->options[0].kind != OPTION_KIND_END) {
		if (cmd->options[0].kind != OPTION_KIND_HEADING)
			fputs("\nOptions:\n", f);
		print_options(f, cmd->options);
	}
	fputs("\nGlobal options:\n", f);
	print_options(f, global_table);
	if (cmd->examples)
		fprintf(f, "\nExamples:\n%s\n", cmd->examples);
}

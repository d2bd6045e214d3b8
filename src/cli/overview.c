/* What is cloche's own in the help: its commands by group, and what their exit codes mean. */
#include "cli/help.h"

#include <string.h>

enum { NAME_WIDTH = 17 /* of the longest name */ };

static void print_name(FILE *f, const char *name, const char *summary)
{
	fprintf(f, "  %-*s  ", NAME_WIDTH, name);
	help_print_wrapped(f, summary, NAME_WIDTH + 4);
}

static void print_group(FILE *f, const char *group)
{
	fprintf(f, "\n%s:\n", group);
	for (size_t i = 0; all_commands[i]; i++)
		if (!all_commands[i]->hidden && strcmp(all_commands[i]->group, group) == 0)
			print_name(f, all_commands[i]->name, all_commands[i]->summary);
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
	fputs("cloche: see-through containers, without root, daemon or set-up\n\n"
	      "usage: cloche COMMAND [OPTIONS] ...\n\n"
	      "To begin:\n"
	      "  $ cloche pull debian                  an image from a registry\n"
	      "  $ cloche run --rm -it debian bash     a shell in a new container of it\n"
	      "  $ cloche build -t web .               an image from the Dockerfile of this folder\n"
	      "  $ cloche run -d --name web -p 8080:80 web\n"
	      "  $ cloche doctor                       what this machine offers, and what is missing\n",
	      f);
	for (size_t i = 0; all_commands[i]; i++)
		if (!all_commands[i]->hidden && !group_seen_before(i))
			print_group(f, all_commands[i]->group);
	fputs("\nTopics:\n", f);
	for (size_t i = 0; all_topics[i]; i++)
		print_name(f, all_topics[i]->name, all_topics[i]->summary);
	fputs("\n'cloche help COMMAND', 'cloche help TOPIC' or 'cloche COMMAND --help' tell more.\n", f);
}

static void print_members(FILE *f, const char *word)
{
	size_t len = strlen(word), at = 0;
	const struct command *cmd;
	const char *second;

	for (size_t i = 0; (cmd = all_commands[i]); i++)
		if (!cmd->hidden && strncmp(cmd->name, word, len) == 0 && cmd->name[len] == ' ')
			print_name(f, cmd->name + len + 1, cmd->summary);
	while ((second = command_next_alias(word, &at, &cmd)))
		fprintf(f, "  %-*s  the same as 'cloche %s'\n", NAME_WIDTH, second, cmd->name);
}

void help_print_group(FILE *f, const char *word)
{
	fprintf(f, "usage: cloche %s COMMAND [OPTIONS] ...\n\n", word);
	print_members(f, word);
	if (strcmp(word, "container") == 0)
		fputs("\nAll commands about containers may be said so: 'cloche container run' is 'cloche run'.\n", f);
	fprintf(f, "\n'cloche help %s COMMAND' tells more.\n", word);
}

const struct exit_status *help_exit_statuses(bool of_container)
{
	static const struct exit_status all[] = {
		{ "0", "all was done" },
		{ "1", "it was understood and failed for what was named, or for some of it; stderr says for which" },
		{ "125", "cloche itself failed; stderr says at what, why, and what would help" },
		{ NULL, NULL },
	};
	static const struct exit_status programs[] = {
		{ "125", "cloche itself failed; stderr says at what, why, and what would help" },
		{ "126", "the program was found and couldn't be executed" },
		{ "127", "the program was not found" },
		{ "128+n", "signal n ended the program: 137 is SIGKILL, 143 is SIGTERM" },
		{ "another", "is the program's own" },
		{ NULL, NULL },
	};

	return of_container ? programs : all;
}

/* Those that end with a program's code are those whose words behind the first are a program's. */
bool help_is_of_container(const struct command *cmd)
{
	return cmd->stop_at_args && strcmp(cmd->name, "create") != 0 && strcmp(cmd->name, "top") != 0;
}

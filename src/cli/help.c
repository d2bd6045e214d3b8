#include "cli/help.h"

#include "base/num.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
	NAME_WIDTH = 17, /* of the longest name */
	LEFT_WIDTH = 28, /* of most options */
	WIDTH = 80,	 /* where it is no terminal */
	WIDTH_MAX = 110, /* longer lines are hard to read */
};

/* --- wrapping --- */

static size_t text_width(FILE *f)
{
	struct winsize size;

	if (ioctl(fileno(f), TIOCGWINSZ, &size) < 0 || size.ws_col < 40)
		return WIDTH;
	return size.ws_col > WIDTH_MAX ? WIDTH_MAX : size.ws_col;
}

/* What S takes on a terminal: characters, not bytes. */
static size_t word_width(const char *s, size_t len)
{
	size_t width = 0;

	for (size_t i = 0; i < len; i++)
		width += ((unsigned char)s[i] & 0xc0) != 0x80;
	return width;
}

/* S from column INDENT on, where we are already, broken between words; each line of S begins one, and ends with a newline. */
static void print_wrapped(FILE *f, const char *s, size_t indent)
{
	size_t width = text_width(f), at = indent;

	while (*s) {
		size_t len = strcspn(s, " \n"), wide = word_width(s, len);

		if (at > indent && at + 1 + wide > width) {
			fprintf(f, "\n%*s", (int)indent, "");
			at = indent;
		}
		if (at > indent) {
			fputc(' ', f);
			at++;
		}
		fwrite(s, 1, len, f);
		at += wide;
		s += len + strspn(s + len, " ");
		if (*s == '\n') {
			fprintf(f, "\n%*s", s[1] && s[1] != '\n' ? (int)indent : 0, "");
			at = indent;
			s++;
		}
	}
	fputc('\n', f);
}

/* --- overview --- */

static void print_name(FILE *f, const char *name, const char *summary)
{
	fprintf(f, "  %-*s  ", NAME_WIDTH, name);
	print_wrapped(f, summary, NAME_WIDTH + 4);
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

/* --- one command --- */

static void print_option(FILE *f, const struct option *o)
{
	char left[64];
	int len = snprintf(left, sizeof(left), "%c%c%s --%s%s%s", o->letter ? '-' : ' ', o->letter ? o->letter : ' ',
			   o->letter ? "," : " ", o->name,
			   o->kind == OPTION_KIND_OPTIONAL ? "="
			   : o->arg			   ? " "
							   : "",
			   o->arg ? o->arg : "");

	if (len > LEFT_WIDTH)
		fprintf(f, "  %s\n  %-*s  ", left, LEFT_WIDTH, "");
	else
		fprintf(f, "  %-*s  ", LEFT_WIDTH, left);
	print_wrapped(f, o->help, LEFT_WIDTH + 4);
}

static void print_options(FILE *f, const struct option *table)
{
	for (; table && table->kind != OPTION_KIND_END; table++) {
		if (table->kind == OPTION_KIND_HEADING)
			fprintf(f, "\n%s:\n", table->help);
		else if (table->kind != OPTION_KIND_LATER)
			print_option(f, table);
	}
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

static void print_exit_statuses(FILE *f, const struct command *cmd)
{
	fputs("\nExit codes:\n", f);
	for (const struct exit_status *s = help_exit_statuses(help_is_of_container(cmd)); s->status; s++) {
		fprintf(f, "  %-8s ", s->status);
		print_wrapped(f, s->meaning, 11);
	}
}

void help_print_command(FILE *f, const struct command *cmd)
{
	if (cmd->run)
		fprintf(f, "usage: cloche %s [OPTIONS] %s\n\n", cmd->name, cmd->usage ? cmd->usage : "");
	print_wrapped(f, cmd->summary, 0);
	if (cmd->description) {
		fputc('\n', f);
		print_wrapped(f, cmd->description, 0);
	}
	if (cmd->examples) {
		size_t len = strlen(cmd->examples);

		fprintf(f, "\nExamples:\n%s%s", cmd->examples, len && cmd->examples[len - 1] == '\n' ? "" : "\n");
	}
	if (cmd->options && cmd->options[0].kind != OPTION_KIND_END) {
		if (cmd->options[0].kind != OPTION_KIND_HEADING)
			fputs("\nOptions:\n", f);
		print_options(f, cmd->options);
	}
	if (cmd->run) {
		fputs("\nGlobal options:\n", f);
		print_options(f, global_table);
		print_exit_statuses(f, cmd);
	}
	if (cmd->see_also) {
		fputs("\nSee also: ", f);
		print_wrapped(f, cmd->see_also, 10);
	}
}

#include "cli/help.h"

#include "base/num.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
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
void help_print_wrapped(FILE *f, const char *s, size_t indent)
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
	help_print_wrapped(f, o->help, LEFT_WIDTH + 4);
}

void help_print_options(FILE *f, const struct option *table)
{
	for (; table && table->kind != OPTION_KIND_END; table++) {
		if (table->kind == OPTION_KIND_HEADING)
			fprintf(f, "\n%s:\n", table->help);
		else if (table->kind != OPTION_KIND_LATER)
			print_option(f, table);
	}
}

static void print_exit_statuses(FILE *f, const struct command *cmd)
{
	fputs("\nExit codes:\n", f);
	for (const struct exit_status *s = this_program->exit_statuses(cmd); s->status; s++) {
		fprintf(f, "  %-8s ", s->status);
		help_print_wrapped(f, s->meaning, 11);
	}
}

void help_print_command(FILE *f, const struct command *cmd)
{
	if (cmd->run)
		fprintf(f, "usage: %s %s [OPTIONS] %s\n\n", this_program->name, cmd->name,
			cmd->usage ? cmd->usage : "");
	help_print_wrapped(f, cmd->summary, 0);
	if (cmd->description) {
		fputc('\n', f);
		help_print_wrapped(f, cmd->description, 0);
	}
	if (cmd->examples) {
		size_t len = strlen(cmd->examples);

		fprintf(f, "\nExamples:\n%s%s", cmd->examples, len && cmd->examples[len - 1] == '\n' ? "" : "\n");
	}
	if (cmd->options && cmd->options[0].kind != OPTION_KIND_END) {
		if (cmd->options[0].kind != OPTION_KIND_HEADING)
			fputs("\nOptions:\n", f);
		help_print_options(f, cmd->options);
	}
	if (cmd->run) {
		fputs("\nGlobal options:\n", f);
		help_print_options(f, this_program->globals);
		print_exit_statuses(f, cmd);
	}
	if (cmd->see_also) {
		fputs("\nSee also: ", f);
		help_print_wrapped(f, cmd->see_also, 10);
	}
}

/*
 * Manual pages in the man macros of groff (man(7)). Text is escaped so that a dash stays a dash that can be
 * copied, and no line of text begins with a control character.
 */
#include "cli/docs/docgen.h"

#include "base/cleanup.h"
#include "cli/help.h"

#include "config.h"

#include <ctype.h>
#include <string.h>

static void print_char(FILE *f, char c)
{
	switch (c) {
	case '\\':
		fputs("\\e", f);
		break;
	case '-':
		fputs("\\-", f);
		break;
	case '\'':
		fputs("\\(aq", f);
		break;
	case '^':
		fputs("\\(ha", f);
		break;
	case '~':
		fputs("\\(ti", f);
		break;
	case '`':
		fputs("\\(ga", f);
		break;
	default:
		fputc(c, f);
	}
}

/* As running text; an empty line begins a paragraph. */
void manpage_print_text(FILE *f, const char *s)
{
	bool at_start = true;

	for (; *s; s++) {
		if (at_start && *s == '\n') {
			fputs(".PP\n", f);
			continue;
		}
		if (at_start && *s == '.')
			fputs("\\&", f);
		print_char(f, *s);
		at_start = *s == '\n';
	}
	if (!at_start)
		fputc('\n', f);
}

/* As it stands, line by line. */
void manpage_print_verbatim(FILE *f, const char *s)
{
	bool at_start = true;

	fputs(".PP\n.nf\n.RS 4\n", f);
	for (; *s; s++) {
		if (at_start && *s == '.')
			fputs("\\&", f);
		print_char(f, *s);
		at_start = *s == '\n';
	}
	fputs(at_start ? ".RE\n.fi\n" : "\n.RE\n.fi\n", f);
}

void manpage_print_word(FILE *f, const char *s)
{
	for (; *s; s++)
		print_char(f, *s);
}

/* A command's name as its page is called: "volume-create". */
static void print_name(FILE *f, const char *s)
{
	for (; *s; s++)
		print_char(f, *s == ' ' ? '-' : *s);
}

static void print_upper(FILE *f, const char *s)
{
	for (; *s; s++)
		print_char(f, *s == ' ' ? '-' : (char)toupper((unsigned char)*s));
}

void manpage_print_head(FILE *f, const char *command, const char *summary)
{
	fputs(".\\\" Made from cloche's option tables.\n.TH CLOCHE", f);
	if (command) {
		fputs("\\-", f);
		print_upper(f, command);
	}
	fputs(" 1 \"\" \"cloche " CLOCHE_VERSION "\" \"User Commands\"\n.SH NAME\ncloche", f);
	if (command) {
		fputs("\\-", f);
		print_name(f, command);
	}
	fputs(" \\- ", f);
	manpage_print_text(f, summary);
}

static void print_option(FILE *f, const struct option *o)
{
	fputs(".TP\n\\fB", f);
	if (o->letter) {
		print_char(f, '-');
		print_char(f, o->letter);
		fputs("\\fR, \\fB", f);
	}
	fputs("\\-\\-", f);
	manpage_print_word(f, o->name);
	fputs("\\fR", f);
	if (o->arg) {
		fputs(" \\fI", f);
		manpage_print_word(f, o->arg);
		fputs("\\fR", f);
	}
	fputc('\n', f);
	manpage_print_text(f, o->help);
}

void manpage_print_options(FILE *f, const struct option *table)
{
	for (const struct option *o = table; o && o->kind != OPTION_KIND_END; o++) {
		if (o->kind == OPTION_KIND_HEADING) {
			fputs(".SS ", f);
			manpage_print_text(f, o->help);
		} else if (o->kind != OPTION_KIND_LATER) {
			print_option(f, o);
		}
	}
}

void manpage_print_exit_statuses(FILE *f, const struct exit_status *s)
{
	fputs(".SH EXIT STATUS\n", f);
	for (; s->status; s++) {
		fputs(".TP\n", f);
		manpage_print_text(f, s->status);
		manpage_print_text(f, s->meaning);
	}
}

/* "exec, volume create" -> cloche-exec(1), cloche-volume-create(1), and the overview. */
void manpage_print_see_also(FILE *f, const char *names)
{
	fputs(".SH SEE ALSO\n", f);
	while (names && *names) {
		size_t len = strcspn(names, ",");
		autofree char *name = strndup(names, len);

		if (!name)
			return;
		fputs("\\fBcloche\\-", f);
		print_name(f, name);
		fputs("\\fR(1),\n", f);
		names += len + strspn(names + len, ", ");
	}
	fputs("\\fBcloche\\fR(1)\n", f);
}

static void print_files(FILE *f)
{
	fputs(".SH FILES\n.TP\n\\fI$XDG_DATA_HOME/cloche\\fR, \\fI\\(ti/.local/share/cloche\\fR\n", f);
	fputs("an ordinary user\\(aqs images and containers; the images are an OCI image layout\n", f);
	fputs(".TP\n\\fI/var/lib/cloche\\fR\nthe same for root\n", f);
	fputs(".TP\n\\fI$XDG_RUNTIME_DIR/cloche\\fR, \\fI/run/cloche\\fR\nlocks and live state\n", f);
}

void manpage_print_overview(FILE *f)
{
	const struct command *const *at = all_commands;
	const struct command *cmd;

	manpage_print_head(f, NULL, "see-through containers, without root, daemon or set-up");
	fputs(".SH SYNOPSIS\n\\fBcloche\\fR [\\fIGLOBAL OPTIONS\\fR] \\fICOMMAND\\fR [\\fIOPTIONS\\fR] ...\n", f);
	fputs(".SH DESCRIPTION\n", f);
	manpage_print_text(
		f, "Builds, runs and explains Linux containers. It needs no root, no daemon, no set-up and no ranges\n"
		   "of subordinate ids, and takes the image formats, the Dockerfiles and the options that people know\n"
		   "from docker.\n");
	fputs(".SH COMMANDS\n", f);
	while ((cmd = docgen_next_command(&at))) {
		fputs(".TP\n\\fBcloche\\-", f);
		print_name(f, cmd->name);
		fputs("\\fR(1)\n", f);
		manpage_print_text(f, cmd->summary);
	}
	fputs(".SH TOPICS\n", f);
	for (at = all_topics; (cmd = docgen_next_command(&at));) {
		fputs(".TP\n\\fBcloche\\-", f);
		print_name(f, cmd->name);
		fputs("\\fR(1)\n", f);
		manpage_print_text(f, cmd->summary);
	}
	fputs(".SH GLOBAL OPTIONS\n", f);
	manpage_print_options(f, global_table);
	manpage_print_exit_statuses(f, help_exit_statuses(true));
	print_files(f);
}

void manpage_print_command(FILE *f, const struct command *cmd)
{
	manpage_print_head(f, cmd->name, cmd->summary);
	if (cmd->run) {
		fputs(".SH SYNOPSIS\n\\fBcloche ", f);
		manpage_print_word(f, cmd->name);
		fputs("\\fR [\\fIOPTIONS\\fR] ", f);
		manpage_print_text(f, cmd->usage ? cmd->usage : "");
		if (!cmd->usage)
			fputc('\n', f);
	}
	if (cmd->description) {
		fputs(".SH DESCRIPTION\n", f);
		manpage_print_text(f, cmd->description);
	}
	if (cmd->examples) {
		fputs(".SH EXAMPLES\n", f);
		manpage_print_verbatim(f, cmd->examples);
	}
	if (!cmd->run) {
		manpage_print_see_also(f, cmd->see_also);
		return;
	}
	if (cmd->options && cmd->options[0].kind != OPTION_KIND_END) {
		fputs(".SH OPTIONS\n", f);
		manpage_print_options(f, cmd->options);
	}
	fputs(".SH GLOBAL OPTIONS\n", f);
	manpage_print_options(f, global_table);
	manpage_print_exit_statuses(f, help_exit_statuses(help_is_of_container(cmd)));
	manpage_print_see_also(f, cmd->see_also);
}

/*
 * Completion for bash, zsh and fish. Each script is a table made from the options, in that shell's words, and
 * a fixed part that uses it. What completes a value is one word for the kinds that need a look at the machine
 * (file, dir, image, container, volume, command), else the list of words itself.
 */
#include "cli/docs/docgen.h"

#include <string.h>

static bool is_kind(const char *complete)
{
	static const char *const kinds[] = { "file", "dir", "image", "container", "volume", "command" };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(complete, kinds[i]) == 0)
			return true;
	return false;
}

/* S between single quotes, as all three shells read it; QUOTE is how a quote inside is written. */
static void print_quoted(FILE *f, const char *s, const char *quote)
{
	fputc('\'', f);
	for (; *s; s++) {
		if (*s == '\'')
			fputs(quote, f);
		else if (*s == '\\' && quote[0] == '\\')
			fputs("\\\\", f);
		else
			fputc(*s, f);
	}
	fputc('\'', f);
}

void completion_print_option_names(FILE *f, const struct option *table)
{
	const struct option *o;

	while ((o = docgen_next_option(&table))) {
		fprintf(f, " --%s", o->name);
		if (o->letter)
			fprintf(f, " -%c", o->letter);
	}
}

/* ---- bash ---- */

static const char bash_fixed[] =
	"_cloche_words()\n"
	"{\n"
	"\tlocal cur=$1\n"
	"\tshift\n"
	"\tcase \"$*\" in\n"
	"\tfile) compgen -f -- \"$cur\" ;;\n"
	"\tdir) compgen -d -- \"$cur\" ;;\n"
	"\timage) compgen -W \"$(cloche images --format '{{.Repository}}:{{.Tag}}' 2>/dev/null)\" -- \"$cur\" ;;\n"
	"\tcontainer) compgen -W \"$(cloche ps -a --format '{{.Names}}' 2>/dev/null)\" -- \"$cur\" ;;\n"
	"\tvolume) compgen -W \"$(cloche volume ls -q 2>/dev/null)\" -- \"$cur\" ;;\n"
	"\tcommand) compgen -W \"$_cloche_commands\" -- \"$cur\" ;;\n"
	"\t\"group \"*) compgen -W \"$(_cloche_group \"$2\")\" -- \"$cur\" ;;\n"
	"\t*) compgen -W \"$*\" -- \"$cur\" ;;\n"
	"\tesac\n"
	"}\n"
	"\n"
	"# The command line by blanks: COMP_WORDS is split at the colon of an image's tag too.\n"
	"_cloche()\n"
	"{\n"
	"\tlocal line=${COMP_LINE:0:COMP_POINT} words=() cur command= count=0 i value kind\n"
	"\tread -r -a words <<<\"$line\"\n"
	"\t[[ $line != *[[:space:]] ]] || words+=(\"\")\n"
	"\tcur=${words[-1]}\n"
	"\tfor ((i = 1; i < ${#words[@]} - 1; i++)); do\n"
	"\t\tvalue=$(_cloche_value \"$command\" \"${words[i]}\")\n"
	"\t\tcase ${words[i]} in\n"
	"\t\t-*) [ -z \"$value\" ] || ((i++)) ;;\n"
	"\t\t*)\n"
	"\t\t\tif [ -z \"$command\" ]; then\n"
	"\t\t\t\tcommand=${words[i]}\n"
	"\t\t\telif [ \"$count\" = 0 ] && [ -n \"$(_cloche_group \"$command\")\" ]; then\n"
	"\t\t\t\tcommand=$(_cloche_alias \"$command ${words[i]}\")\n"
	"\t\t\telse\n"
	"\t\t\t\t((count++))\n"
	"\t\t\tfi\n"
	"\t\t\t;;\n"
	"\t\tesac\n"
	"\tdone\n"
	"\tkind=$(_cloche_value \"$command\" \"${words[${#words[@]} - 2]}\")\n"
	"\tif [ -n \"$kind\" ] && ((i == ${#words[@]})); then\n"
	"\t\t[ \"$kind\" != - ] || kind=\n"
	"\telif [[ $cur == -* ]]; then\n"
	"\t\tkind=$(_cloche_options \"$command\")\n"
	"\telif [ -z \"$command\" ]; then\n"
	"\t\tkind=command\n"
	"\telif [ -n \"$(_cloche_group \"$command\")\" ]; then\n"
	"\t\tkind=\"group $command\"\n"
	"\telse\n"
	"\t\tkind=$(_cloche_argument \"$command\" \"$count\")\n"
	"\tfi\n"
	"\tmapfile -t COMPREPLY < <(_cloche_words \"$cur\" $kind)\n"
	"\t# readline replaces only what stands behind the last colon.\n"
	"\tif [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then\n"
	"\t\tCOMPREPLY=(\"${COMPREPLY[@]#\"${cur%:*}:\"}\")\n"
	"\tfi\n"
	"}\n"
	"complete -o filenames -F _cloche cloche\n";

/* "-" stands for a value that nothing completes. */
void completion_print_bash_values(FILE *f, const char *command, const struct option *table)
{
	const struct option *o;

	while ((o = docgen_next_option(&table))) {
		if (!o->arg || o->kind == OPTION_KIND_OPTIONAL)
			continue;
		fprintf(f, "\t\"%s --%s\"", command, o->name);
		if (o->letter)
			fprintf(f, " | \"%s -%c\"", command, o->letter);
		fprintf(f, ") echo '%s' ;;\n", o->complete ? o->complete : "-");
	}
}

/* The second words of the group that NAME's first LEN letters name. */
static void print_second_words(FILE *f, const char *name, size_t len)
{
	const struct command *const *at = all_commands;
	const struct command *cmd;

	const char *word;
	size_t other = 0;

	while ((cmd = docgen_next_command(&at)))
		if (strncmp(cmd->name, name, len + 1) == 0)
			fprintf(f, " %s", cmd->name + len + 1);
	while ((word = docgen_next_other_name(name, len, &other, &cmd)))
		fprintf(f, " %s", word);
}

/* Cases that say which command another name is: "container ls" is ps. */
static void print_other_names(FILE *f, const char *format)
{
	const struct command *const *at = all_commands;
	const struct command *cmd;
	const char *name, *word;
	size_t len;

	while ((name = docgen_next_group(&at, &len)))
		for (size_t other = 0; (word = docgen_next_other_name(name, len, &other, &cmd));)
			fprintf(f, format, (int)len, name, word, cmd->name);
}

static void bash_print_groups(FILE *f)
{
	const struct command *const *at = all_commands;
	const char *name;
	size_t len;

	fputs("# The second words of a group's commands; nothing for another word.\n", f);
	fputs("_cloche_group()\n{\n\tcase $1 in\n", f);
	while ((name = docgen_next_group(&at, &len))) {
		fprintf(f, "\t%.*s) echo", (int)len, name);
		print_second_words(f, name, len);
		fputs(" ;;\n", f);
	}
	fputs("\tesac\n}\n\n# The command that two words are another name of.\n_cloche_alias()\n{\n\tcase $1 in\n", f);
	print_other_names(f, "\t\"%.*s %s\") echo \"%s\" ;;\n");
	fputs("\t*) echo \"$1\" ;;\n\tesac\n}\n\n", f);
}

static void print_first_words(FILE *f)
{
	const struct command *const *at = all_commands;
	const struct command *cmd;
	const char *name;
	size_t len;

	while ((cmd = docgen_next_command(&at)))
		if (!strchr(cmd->name, ' '))
			fprintf(f, "%s ", cmd->name);
	for (at = all_commands; (name = docgen_next_group(&at, &len));)
		fprintf(f, "%.*s ", (int)len, name);
}

static void bash_print_tables(FILE *f)
{
	const struct command *const *at = all_commands;
	const struct command *cmd;

	fputs("_cloche_options()\n{\n\tcase $1 in\n", f);
	while ((cmd = docgen_next_command(&at))) {
		fprintf(f, "\t\"%s\") echo", cmd->name);
		completion_print_option_names(f, cmd->options);
		fputs(" ;;\n", f);
	}
	fputs("\tesac\n\techo", f);
	completion_print_option_names(f, global_table);
	fputs("\n}\n\n_cloche_value()\n{\n\tcase \"$1 $2\" in\n", f);
	for (at = all_commands; (cmd = docgen_next_command(&at));)
		completion_print_bash_values(f, cmd->name, cmd->options);
	fputs("\t*)\n\t\tcase \" $2\" in\n", f);
	completion_print_bash_values(f, "", global_table);
	fputs("\t\tesac\n\t\t;;\n\tesac\n}\n\n# The second word is how many arguments stand before.\n", f);
	fputs("_cloche_argument()\n{\n\tcase \"$1 $2\" in\n", f);
	for (at = all_commands; (cmd = docgen_next_command(&at));)
		if (cmd->complete)
			fprintf(f, "\t\"%s %s) echo '%s' ;;\n", cmd->name, cmd->stop_at_args ? "0\"" : "\"*",
				cmd->complete);
	fputs("\tesac\n}\n\n", f);
}

void completion_print_bash(FILE *f)
{
	fputs("# bash completion for cloche, made from its option tables\n\n_cloche_commands='", f);
	print_first_words(f);
	fputs("'\n\n", f);
	bash_print_groups(f);
	bash_print_tables(f);
	fputs(bash_fixed, f);
}

/* ---- zsh ---- */

static const char zsh_fixed[] =
	"_cloche_image() {\n"
	"\tlocal -a names\n"
	"\tnames=(${(f)\"$(cloche images --format '{{.Repository}}:{{.Tag}}' 2>/dev/null)\"})\n"
	"\tcompadd -a names\n"
	"}\n"
	"\n"
	"_cloche_container() {\n"
	"\tlocal -a names\n"
	"\tnames=(${(f)\"$(cloche ps -a --format '{{.Names}}' 2>/dev/null)\"})\n"
	"\tcompadd -a names\n"
	"}\n"
	"\n"
	"_cloche_volume() {\n"
	"\tlocal -a names\n"
	"\tnames=(${(f)\"$(cloche volume ls -q 2>/dev/null)\"})\n"
	"\tcompadd -a names\n"
	"}\n"
	"\n"
	"_cloche() {\n"
	"\tlocal context state line\n"
	"\ttypeset -A opt_args\n"
	"\t_arguments -C $_cloche_globals '1:command:_cloche_command' '*::argument:->rest' && return\n"
	"\t[[ $state = rest ]] && (( $+functions[_cloche_of_$line[1]] )) && _cloche_of_$line[1]\n"
	"}\n"
	"\n"
	"_cloche \"$@\"\n";

/* The help of an option inside of [ ]: brackets and colons end things there. */
static void zsh_print_help(FILE *f, const char *s)
{
	for (; *s; s++) {
		if (*s == '[' || *s == ']' || *s == ':' || *s == '\\')
			fputc('\\', f);
		if (*s == '\'')
			fputs("'\\''", f);
		else
			fputc(*s, f);
	}
}

static void zsh_print_action(FILE *f, const char *complete)
{
	if (!complete)
		fputs(": ", f);
	else if (strcmp(complete, "file") == 0)
		fputs(":_files", f);
	else if (strcmp(complete, "dir") == 0)
		fputs(":_files -/", f);
	else if (is_kind(complete))
		fprintf(f, ":_cloche_%s", complete);
	else
		fprintf(f, ":(%s)", complete);
}

static void zsh_print_spec(FILE *f, const struct option *o, const char *dashes, const char *name, const char *end)
{
	fprintf(f, "\t\t'%s%s%s%s[", o->kind == OPTION_KIND_LIST ? "*" : "", dashes, name, o->arg ? end : "");
	zsh_print_help(f, o->help);
	fputc(']', f);
	if (o->arg) {
		fputc(':', f);
		zsh_print_help(f, o->arg);
		zsh_print_action(f, o->complete);
	}
	fputs("' \\\n", f);
}

static void zsh_print_options(FILE *f, const struct option *table)
{
	const struct option *o;

	while ((o = docgen_next_option(&table))) {
		char letter[2] = { o->letter, '\0' };

		zsh_print_spec(f, o, "--", o->name, o->kind == OPTION_KIND_OPTIONAL ? "=-" : "=");
		if (o->letter)
			zsh_print_spec(f, o, "-", letter, "+");
	}
}

static void zsh_print_function(FILE *f, const char *name)
{
	fputs("_cloche_of_", f);
	for (; *name; name++)
		fputc(*name == ' ' ? '_' : *name, f);
}

static void zsh_print_command(FILE *f, const struct command *cmd)
{
	zsh_print_function(f, cmd->name);
	fprintf(f, "() {\n\t_arguments -s%s \\\n", cmd->stop_at_args ? " -A '*'" : "");
	zsh_print_options(f, cmd->options);
	zsh_print_options(f, global_table);
	if (cmd->stop_at_args) {
		fputs("\t\t'1:first", f);
		zsh_print_action(f, cmd->complete);
		fputs("' '*::command:_normal'\n}\n\n", f);
	} else if (cmd->complete) {
		fputs("\t\t'*:argument", f);
		zsh_print_action(f, cmd->complete);
		fputs("'\n}\n\n", f);
	} else {
		fputs("\t\t'*: :'\n}\n\n", f);
	}
}

/* One word and what it is for, in a list for _describe. */
static void zsh_print_word(FILE *f, const char *word, int len, const char *summary)
{
	fprintf(f, "\t\t'%.*s:", len, word);
	zsh_print_help(f, summary);
	fputs("'\n", f);
}

static void zsh_print_first_words(FILE *f)
{
	const struct command *const *at = all_commands;
	const struct command *cmd;
	const char *name;
	size_t len;

	fputs("_cloche_command() {\n\tlocal -a commands\n\tcommands=(\n", f);
	while ((cmd = docgen_next_command(&at)))
		if (!strchr(cmd->name, ' '))
			zsh_print_word(f, cmd->name, (int)strlen(cmd->name), cmd->summary);
	for (at = all_commands; (name = docgen_next_group(&at, &len));)
		zsh_print_word(f, name, (int)len, "more commands");
	fputs("\t)\n\t_describe command commands\n}\n\n", f);
}

static void zsh_print_group(FILE *f, const char *name, size_t len)
{
	const struct command *const *at = all_commands;
	const struct command *cmd;
	const char *word;

	fprintf(f, "_cloche_second_of_%.*s() {\n\tlocal -a commands\n\tcommands=(\n", (int)len, name);
	while ((cmd = docgen_next_command(&at)))
		if (strncmp(cmd->name, name, len + 1) == 0)
			zsh_print_word(f, cmd->name + len + 1, (int)strlen(cmd->name + len + 1), cmd->summary);
	for (size_t other = 0; (word = docgen_next_other_name(name, len, &other, &cmd));)
		zsh_print_word(f, word, (int)strlen(word), cmd->summary);
	fputs("\t)\n\t_describe command commands\n}\n\n", f);
	fprintf(f,
		"_cloche_of_%.*s() {\n\tlocal context state line\n"
		"\t_arguments -C '1:command:_cloche_second_of_%.*s' '*::argument:->rest' && return\n"
		"\t[[ $state = rest ]] && (( $+functions[_cloche_of_%.*s_$line[1]] )) && _cloche_of_%.*s_$line[1]\n"
		"}\n\n",
		(int)len, name, (int)len, name, (int)len, name, (int)len, name);
	for (size_t other = 0; (word = docgen_next_other_name(name, len, &other, &cmd));) {
		fprintf(f, "_cloche_of_%.*s_%s() { ", (int)len, name, word);
		zsh_print_function(f, cmd->name);
		fputs(" }\n", f);
	}
	fputc('\n', f);
}

void completion_print_zsh(FILE *f)
{
	const struct command *const *at = all_commands;
	const struct command *cmd;
	const char *name;
	size_t len;

	fputs("#compdef cloche\n# zsh completion for cloche, made from its option tables\n\n", f);
	zsh_print_first_words(f);
	while ((name = docgen_next_group(&at, &len)))
		zsh_print_group(f, name, len);
	for (at = all_commands; (cmd = docgen_next_command(&at));)
		zsh_print_command(f, cmd);
	fputs("_cloche_globals=( \\\n", f);
	zsh_print_options(f, global_table);
	fputs(")\n\n", f);
	fputs(zsh_fixed, f);
}

/* ---- fish ---- */

static const char fish_fixed[] =
	"function __cloche_image\n"
	"\tcloche images --format '{{.Repository}}:{{.Tag}}' 2>/dev/null\n"
	"end\n"
	"\n"
	"function __cloche_container\n"
	"\tcloche ps -a --format '{{.Names}}' 2>/dev/null\n"
	"end\n"
	"\n"
	"function __cloche_volume\n"
	"\tcloche volume ls -q 2>/dev/null\n"
	"end\n"
	"\n"
	"# Whether the command line is of the command $argv[1]: a word, or a group's two words.\n"
	"function __cloche_using\n"
	"\tset -l words (commandline -opc)\n"
	"\tset -e words[1]\n"
	"\twhile set -q words[1]\n"
	"\t\tset -l alias (__cloche_alias \"$words[1..2]\")\n"
	"\t\tif test -n \"$alias\"\n"
	"\t\t\ttest \"$alias\" = \"$argv[1]\"\n"
	"\t\t\treturn\n"
	"\t\tend\n"
	"\t\tif contains -- $words[1] $__cloche_groups\n"
	"\t\t\ttest \"$words[1..2]\" = \"$argv[1]\"; or test \"$words[1]\" = \"$argv[1]\" -a (count $words) = 1\n"
	"\t\t\treturn\n"
	"\t\tend\n"
	"\t\tif contains -- $words[1] $__cloche_commands\n"
	"\t\t\ttest $words[1] = \"$argv[1]\"\n"
	"\t\t\treturn\n"
	"\t\tend\n"
	"\t\tset -e words[1]\n"
	"\tend\n"
	"\ttest -z \"$argv[1]\"\n"
	"end\n"
	"\n"
	"complete -c cloche -f\n";

/* Files are off for the whole command (-f): -F turns them on where they are meant. */
static void fish_print_action(FILE *f, const char *complete)
{
	if (!complete)
		return;
	if (strcmp(complete, "file") == 0)
		fputs(" -F", f);
	else if (strcmp(complete, "dir") == 0)
		fputs(" -a '(__fish_complete_directories)'", f);
	else if (strcmp(complete, "command") == 0)
		fputs(" -a '(complete -C \"cloche \" | string split -f 1 \\t)'", f);
	else if (is_kind(complete))
		fprintf(f, " -a '(__cloche_%s)'", complete);
	else
		fprintf(f, " -a '%s'", complete);
}

static void fish_print_options(FILE *f, const char *command, const struct option *table)
{
	const struct option *o;

	while ((o = docgen_next_option(&table))) {
		fputs("complete -c cloche", f);
		if (command)
			fprintf(f, " -n '__cloche_using \"%s\"'", command);
		fprintf(f, " -l %s", o->name);
		if (o->letter)
			fprintf(f, " -s %c", o->letter);
		if (o->arg && o->kind != OPTION_KIND_OPTIONAL)
			fputs(" -r", f);
		fish_print_action(f, o->complete);
		fputs(" -d ", f);
		print_quoted(f, o->help, "\\'");
		fputc('\n', f);
	}
}

static void fish_print_name(FILE *f, const struct command *cmd)
{
	const char *second = strchr(cmd->name, ' ');
	int first_len = second ? (int)(second - cmd->name) : 0;

	fprintf(f, "complete -c cloche -n '__cloche_using \"%.*s\"' -a %s -d ", first_len, cmd->name,
		second ? second + 1 : cmd->name);
	print_quoted(f, cmd->summary, "\\'");
	fputc('\n', f);
}

void completion_print_fish(FILE *f)
{
	const struct command *const *at = all_commands;
	const struct command *cmd;
	const char *name, *word;
	size_t len;

	fputs("# fish completion for cloche, made from its option tables\n\n", f);
	fputs("set -g __cloche_groups", f);
	while ((name = docgen_next_group(&at, &len)))
		fprintf(f, " %.*s", (int)len, name);
	fputs("\nset -g __cloche_commands ", f);
	print_first_words(f);
	fputs("\n\n# The command that two words are another name of.\nfunction __cloche_alias\n\tswitch \"$argv[1]\"\n",
	      f);
	print_other_names(f, "\t\tcase '%.*s %s'\n\t\t\techo '%s'\n");
	fputs("\tend\nend\n\n", f);
	fputs(fish_fixed, f);
	fish_print_options(f, NULL, global_table);
	for (at = all_commands; (cmd = docgen_next_command(&at));)
		fish_print_name(f, cmd);
	for (at = all_commands; (name = docgen_next_group(&at, &len));)
		for (size_t other = 0; (word = docgen_next_other_name(name, len, &other, &cmd));)
			fprintf(f, "complete -c cloche -n '__cloche_using \"%.*s\"' -a %s -d 'cloche %s'\n", (int)len,
				name, word, cmd->name);
	for (at = all_commands; (name = docgen_next_group(&at, &len));)
		fprintf(f, "complete -c cloche -n '__cloche_using \"\"' -a %.*s -d 'more commands'\n", (int)len, name);
	for (at = all_commands; (cmd = docgen_next_command(&at));) {
		fish_print_options(f, cmd->name, cmd->options);
		if (cmd->complete) {
			fprintf(f, "complete -c cloche -n '__cloche_using \"%s\"'", cmd->name);
			fish_print_action(f, cmd->complete);
			fputc('\n', f);
		}
	}
}

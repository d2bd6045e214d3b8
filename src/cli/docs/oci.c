/* The manual page and bash's completion of cloche-oci: one page for all commands, and no groups of two words. */
#include "cli/docs/docgen.h"

#include "cli/oci/global.h"

#include <string.h>

extern const struct command oci_cmd_run;

/* ---- the manual page ---- */

static void print_command(FILE *f, const struct command *cmd)
{
	fputs(".SS \"cloche\\-oci ", f);
	manpage_print_word(f, cmd->name);
	fputs(cmd->options ? " [OPTIONS] " : " ", f);
	manpage_print_word(f, cmd->usage ? cmd->usage : "");
	fputs("\"\n", f);
	manpage_print_text(f, cmd->summary);
	if (cmd->description) {
		fputs(".PP\n", f);
		manpage_print_text(f, cmd->description);
	}
	manpage_print_options(f, cmd->options);
	if (cmd->examples)
		manpage_print_verbatim(f, cmd->examples);
}

void manpage_print_oci(FILE *f)
{
	const struct command *const *at = program_oci.commands;
	const struct command *cmd;

	manpage_print_head(f, "oci", "runs OCI bundles for container engines");
	fputs(".SH SYNOPSIS\n\\fBcloche\\-oci\\fR [\\fIGLOBAL OPTIONS\\fR] \\fICOMMAND\\fR [\\fIOPTIONS\\fR] ...\n", f);
	fputs(".SH DESCRIPTION\n", f);
	manpage_print_text(f,
			   "The command line of an OCI runtime, as runc and crun have it: podman, containerd, CRI-O, "
			   "docker and others call it to run the bundles that they make.\n");
	fputs(".SH GLOBAL OPTIONS\n", f);
	manpage_print_options(f, program_oci.globals);
	fputs(".SH COMMANDS\n", f);
	while ((cmd = docgen_next_command(&at)))
		print_command(f, cmd);
	manpage_print_exit_statuses(f, program_oci.exit_statuses(&oci_cmd_run));
	fputs(".SH FILES\n.TP\n\\fI$XDG_RUNTIME_DIR/cloche\\-oci\\fR, \\fI/run/cloche\\-oci\\fR\n", f);
	fputs("what is known of containers\n", f);
	manpage_print_see_also(f, NULL);
}

/* ---- bash ---- */

static const char bash_fixed[] =
	"_cloche_oci()\n"
	"{\n"
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} command= count=0 root=() i kind value=\n"
	"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	"\t\tvalue=$(_cloche_oci_value \"$command\" \"${COMP_WORDS[i]}\")\n"
	"\t\t[ \"${COMP_WORDS[i]}\" != --root ] || root=(--root \"${COMP_WORDS[i + 1]}\")\n"
	"\t\tcase ${COMP_WORDS[i]} in\n"
	"\t\t-*) [ -z \"$value\" ] || ((i++)) ;;\n"
	"\t\t*) if [ -z \"$command\" ]; then command=${COMP_WORDS[i]}; else ((count++)); fi ;;\n"
	"\t\tesac\n"
	"\tdone\n"
	"\tif ((i > COMP_CWORD)); then\n"
	"\t\tkind=$value\n"
	"\telif [[ $cur == -* ]]; then\n"
	"\t\tkind=$(_cloche_oci_options \"$command\")\n"
	"\telif [ -z \"$command\" ]; then\n"
	"\t\tkind=$_cloche_oci_commands\n"
	"\telse\n"
	"\t\tkind=$(_cloche_oci_argument \"$command\" \"$count\")\n"
	"\tfi\n"
	"\tcase $kind in\n"
	"\t\"\" | -) COMPREPLY=() ;;\n"
	"\tfile) mapfile -t COMPREPLY < <(compgen -f -- \"$cur\") ;;\n"
	"\tdir) mapfile -t COMPREPLY < <(compgen -d -- \"$cur\") ;;\n"
	"\tcontainer) mapfile -t COMPREPLY < <(compgen -W \"$(cloche-oci \"${root[@]}\" list -q 2>/dev/null)\" -- "
	"\"$cur\") ;;\n"
	"\t*) mapfile -t COMPREPLY < <(compgen -W \"$kind\" -- \"$cur\") ;;\n"
	"\tesac\n"
	"}\n"
	"complete -o filenames -F _cloche_oci cloche-oci\n";

void completion_print_oci(FILE *f)
{
	const struct command *const *at = program_oci.commands;
	const struct command *cmd;

	fputs("# bash completion for cloche-oci, made from its option tables\n\n_cloche_oci_commands='", f);
	while ((cmd = docgen_next_command(&at)))
		fprintf(f, "%s ", cmd->name);
	fputs("'\n\n_cloche_oci_options()\n{\n\tcase $1 in\n", f);
	for (at = program_oci.commands; (cmd = docgen_next_command(&at));) {
		fprintf(f, "\t%s) echo", cmd->name);
		completion_print_option_names(f, cmd->options);
		fputs(" ;;\n", f);
	}
	fputs("\tesac\n\techo", f);
	completion_print_option_names(f, program_oci.globals);
	fputs("\n}\n\n_cloche_oci_value()\n{\n\tcase \"$1 $2\" in\n", f);
	for (at = program_oci.commands; (cmd = docgen_next_command(&at));)
		completion_print_bash_values(f, cmd->name, cmd->options);
	fputs("\t*)\n\t\tcase \" $2\" in\n", f);
	completion_print_bash_values(f, "", program_oci.globals);
	fputs("\t\tesac\n\t\t;;\n\tesac\n}\n\n# The second word is how many arguments stand before.\n", f);
	fputs("_cloche_oci_argument()\n{\n\tcase \"$1 $2\" in\n", f);
	for (at = program_oci.commands; (cmd = docgen_next_command(&at));)
		if (cmd->complete)
			fprintf(f, "\t\"%s %s) echo '%s' ;;\n", cmd->name,
				cmd->max_args == 1 || cmd->stop_at_args ? "0\"" : "\"*", cmd->complete);
	fputs("\tesac\n}\n\n", f);
	fputs(bash_fixed, f);
}

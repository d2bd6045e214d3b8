/* cloche-oci: the OCI runtime command line, as runc and crun have it. */
#include "base/log.h"
#include "base/nearest.h"
#include "cli/help.h"
#include "cli/oci/global.h"
#include "sys/fs.h"
#include "sys/leave.h"

#include "config.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

static int fail(struct err *err)
{
	oci_report(err);
	return OCI_EXIT_FAILED;
}

/* Engines read the first two lines, and runc's word order. */
static int print_version(void)
{
	puts("cloche-oci version " CLOCHE_VERSION "\nspec: 1.2.0");
	return 0;
}

/* Not even with --help: by whether that succeeds, podman finds out if it may ask for them. */
static bool is_later(const char *name)
{
	return strcmp(name, "checkpoint") == 0 || strcmp(name, "restore") == 0;
}

static const struct command *find(const char *name, struct err *err)
{
	struct nearest near = NEAREST_INIT(name, strlen(name));

	for (size_t i = 0; this_program->commands[i]; i++) {
		if (strcmp(this_program->commands[i]->name, name) == 0)
			return this_program->commands[i];
		nearest_try(&near, this_program->commands[i]->name);
	}
	if (is_later(name)) {
		err_set(err, EOPNOTSUPP, "%s is not there yet: criu can't be driven", name);
		return NULL;
	}
	err_set(err, EINVAL, "there is no command '%s'", name);
	if (near.best)
		err_hint(err, "did you mean '%s'? 'cloche-oci --help' lists the commands", near.best);
	else
		err_hint(err, "'cloche-oci --help' lists the commands");
	return NULL;
}

static int run_command(const struct command *cmd, int argc, char **argv, struct err *err)
{
	_Alignas(max_align_t) char options[COMMAND_OPTIONS_MAX] = { 0 };
	struct strv args = { 0 };
	int r = command_parse(cmd, argc, argv, options, &args, err);

	if (r >= 0)
		r = oci_globals_check(err);
	if (oci_globals.debug)
		log_set_level(LOG_DEBUG);
	if (r >= 0 && oci_globals.help)
		help_print_command(stdout, cmd);
	else if (r >= 0)
		r = cmd->run(options, &args, err);
	if (r < 0)
		err_wrap(err, "%s", cmd->name);
	else if (fflush(stdout) != 0 || ferror(stdout))
		r = err_errno(err, errno, "%s: write to stdout", cmd->name);
	command_options_done(cmd, options);
	strv_done(&args);
	return r;
}

static int run(int argc, char **argv)
{
	static const struct command before = { .name = "", .max_args = -1, .stop_at_args = true };
	const struct command *cmd;
	struct strv words = { 0 };
	struct err err = { 0 };
	int r;

	fs_hold_standard_fds();
	this_program = &program_oci;
	if (command_parse(&before, argc - 1, argv + 1, NULL, &words, &err) < 0)
		return fail(&err);
	if (oci_globals.version)
		return print_version();
	if (!words.len) {
		oci_print_overview(oci_globals.help ? stdout : stderr);
		return oci_globals.help ? 0 : OCI_EXIT_FAILED;
	}
	cmd = find(words.items[0], &err);
	if (!cmd)
		return fail(&err);
	/* Options of a command stay where they are: only words behind the first are its own. */
	r = run_command(cmd, (int)words.len - 1, argv + argc - ((int)words.len - 1), &err);
	strv_done(&words);
	return r < 0 ? fail(&err) : r;
}

int main(int argc, char **argv)
{
	leave(run(argc, argv));
}

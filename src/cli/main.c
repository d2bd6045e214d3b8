#include "base/log.h"
#include "cli/command.h"
#include "cli/foreign.h"
#include "cli/help.h"
#include "sys/fs.h"
#include "sys/leave.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

static int fail(const struct err *err)
{
	err_print(stderr, err);
	return EXIT_OURS;
}

static int unknown_command(int len, char *const *words)
{
	struct err err = { 0 };

	unknown_command_error(len, words, &err);
	return fail(&err);
}

static int run_command(const struct command *cmd, int argc, char **argv)
{
	_Alignas(max_align_t) char options[COMMAND_OPTIONS_MAX] = { 0 };
	struct strv args = { 0 };
	struct err err = { 0 };
	int r;

	r = command_parse(cmd, argc, argv, options, &args, &err);
	if (global_options.debug)
		log_set_level(LOG_DEBUG);
	if (r >= 0 && global_options.help) {
		help_print_command(stdout, cmd);
	} else if (r >= 0) {
		r = cmd->run(options, &args, &err);
	}
	if (r < 0) {
		err_wrap(&err, "%s", cmd->name);
		r = fail(&err);
	} else if (fflush(stdout) != 0 || ferror(stdout)) {
		err_errno(&err, errno, "%s: write to stdout", cmd->name);
		r = fail(&err);
	}
	command_options_done(cmd, options);
	strv_done(&args);
	return r;
}

/* Global options may stand before the command too: `cloche --root DIR images`. */
static int skip_globals(int argc, char **argv, struct err *err)
{
	static const struct command none = { .name = "", .max_args = -1, .stop_at_args = true };
	int at = 1, r;

	while (at < argc && argv[at][0] == '-') {
		struct strv args = { 0 };
		int words = strcmp(argv[at], "--root") == 0 || strcmp(argv[at], "--runroot") == 0 ? 2 : 1;

		if (strcmp(argv[at], "--version") == 0 || strcmp(argv[at], "-v") == 0) {
			global_options.version = true;
			return at;
		}
		if (at + words > argc)
			words = argc - at;
		r = command_parse(&none, words, argv + at, NULL, &args, err);
		strv_done(&args);
		if (r < 0)
			return r;
		at += words;
	}
	return at;
}

static int run(int argc, char **argv)
{
	const struct command *cmd;
	struct err err = { 0 };
	int at, used;

	fs_hold_standard_fds();
	this_program = &program_cloche;
	at = skip_globals(argc, argv, &err);
	if (at < 0)
		return fail(&err);
	if (global_options.version)
		return run_command(command_find("version"), 0, NULL);
	if (at >= argc) {
		help_print_overview(global_options.help ? stdout : stderr);
		return global_options.help ? 0 : EXIT_OURS;
	}
	cmd = command_find_words(argc - at, argv + at, &used);
	if (cmd)
		return run_command(cmd, argc - at - used, argv + at + used);
	if (at + 1 < argc && topic_find(argv[at]) && strcmp(argv[at + 1], "--help") == 0)
		return run_command(command_find("help"), 1, argv + at);
	if (command_is_group(argv[at]) && (at + 1 == argc || argv[at + 1][0] == '-')) {
		help_print_group(at + 1 == argc ? stderr : stdout, argv[at]);
		return at + 1 == argc ? EXIT_OURS : 0;
	}
	return unknown_command(argc - at, argv + at);
}

int main(int argc, char **argv)
{
	leave(run(argc, argv));
}

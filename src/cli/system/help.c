#include "cli/command.h"
#include "cli/help.h"

static int run_help(const void *options, const struct strv *args, struct err *err)
{
	const struct command *cmd;
	int used;

	(void)options;
	if (args->len == 0) {
		help_print_overview(stdout);
		return 0;
	}
	cmd = command_find_words((int)args->len, args->items, &used);
	if (!cmd && command_is_group(args->items[0])) {
		help_print_group(stdout, args->items[0]);
		return 0;
	}
	if (!cmd) {
		err_set(err, EINVAL, "help: there is no command '%s'", args->items[0]);
		err_hint(err, "'cloche help' lists the commands");
		return -1;
	}
	help_print_command(stdout, cmd);
	return 0;
}

const struct command cmd_help = {
	.name = "help",
	.group = "Other",
	.summary = "show the commands, or one command's options",
	.usage = "[COMMAND]",
	.complete = "command",
	.max_args = 2,
	.run = run_help,
};

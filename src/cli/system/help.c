#include "cli/command.h"
#include "cli/foreign.h"
#include "cli/help.h"

#include <stdio.h>

static int run_help(const void *options, const struct strv *args, struct err *err)
{
	const struct command *cmd, *topic;
	bool is_group;
	int used;

	(void)options;
	if (args->len == 0) {
		help_print_overview(stdout);
		return 0;
	}
	cmd = command_find_words((int)args->len, args->items, &used);
	topic = !cmd && args->len == 1 ? topic_find(args->items[0]) : NULL;
	is_group = !cmd && command_is_group(args->items[0]);
	if (!cmd && !topic && !is_group) {
		unknown_command_error((int)args->len, args->items, err);
		return -1;
	}
	if (is_group)
		help_print_group(stdout, args->items[0]);
	if (topic && is_group)
		putchar('\n');
	if (cmd || topic)
		help_print_command(stdout, cmd ? cmd : topic);
	return 0;
}

const struct command cmd_help = {
	.name = "help",
	.group = "Other",
	.summary = "show the commands, or the page of one, or of a topic: network, volume, ids",
	.usage = "[COMMAND|TOPIC]",
	.examples = "$ cloche help run\n$ cloche help network",
	.complete = "command",
	.max_args = 2,
	.run = run_help,
};

#include "cli/command.h"
#include "cli/container/each.h"

#include "engine/container/rename.h"

static const struct option rename_table[] = { OPTION_END };

static int run_rename(const void *options, const struct strv *args, struct err *err)
{
	autostore struct store *s = NULL;
	char id[CONTAINER_ID_MAX];

	(void)options;
	if (cli_open_store(&s, err) < 0 || container_find(s, args->items[0], id, err) < 0)
		return -1;
	return container_rename(s, id, args->items[1], err) < 0 ? -1 : 0;
}

const struct command cmd_rename = {
	.name = "rename",
	.group = "Containers",
	.summary = "give a container another name",
	.usage = "CONTAINER NAME",
	.description = "Its host name stays what it was made with.",
	.examples = "$ cloche rename web old-web",
	.see_also = "ps",
	.complete = "container",
	.options = rename_table,
	.min_args = 2,
	.max_args = 2,
	.run = run_rename,
};

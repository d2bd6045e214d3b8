#include "cli/container/each.h"
#include "cli/container/stop.h"

#include "base/cleanup.h"
#include "engine/container/stop.h"
#include "engine/run/run.h"

static int restart_one(struct store *s, const char *id, const char *name, void *arg, struct err *err)
{
	struct store_options store = { .root = global_options.root, .runroot = global_options.runroot };
	static const struct run_callbacks silent = { 0 };
	struct start_options options = { 0 };
	const struct stopping *how = arg;
	int code, r = container_stop(s, id, how->signal, how->timeout, err);

	(void)name;
	return r < 0 ? r : start_container(&store, id, &options, &silent, &code, err);
}

static int run_restart(const void *options, const struct strv *args, struct err *err)
{
	struct stopping how;
	struct each each = { .command = "restart", .do_one = restart_one, .arg = &how };
	autostore struct store *s = NULL;
	int r = cli_stop_parse(options, &how, err);

	if (r < 0)
		return r;
	if (cli_open_store(&s, err) < 0)
		return -1;
	return cli_for_each(s, &each, args);
}

const struct command cmd_restart = {
	.name = "restart",
	.group = "Containers",
	.summary = "stop containers and start them again",
	.usage = "CONTAINER...",
	.description = "Those that don't run are started.",
	.examples = "$ cloche restart web\n"
		    "# at once\n"
		    "$ cloche restart -t 0 web",
	.see_also = "stop, start, run",
	.complete = "container",
	.options = cli_stop_table,
	.options_size = sizeof(struct stop_options),
	.min_args = 1,
	.max_args = -1,
	.run = run_restart,
};

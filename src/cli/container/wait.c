#include "cli/command.h"
#include "cli/container/each.h"

#include "base/cleanup.h"
#include "engine/container/stop.h"

#include <stdio.h>

static const struct option wait_table[] = { OPTION_END };

static int wait_one(struct store *s, const char *id, const char *name, void *arg, struct err *err)
{
	int code, r = container_wait(s, id, &code, err);

	(void)name;
	(void)arg;
	if (r >= 0)
		printf("%d\n", code);
	return r;
}

static int run_wait(const void *options, const struct strv *args, struct err *err)
{
	struct each each = { .command = "wait", .silent = true, .do_one = wait_one };
	autostore struct store *s = NULL;

	(void)options;
	if (cli_open_store(&s, err) < 0)
		return -1;
	store_settle(s);
	return cli_for_each(s, &each, args);
}

const struct command cmd_wait = {
	.name = "wait",
	.group = "Containers",
	.summary = "wait until containers have ended, and print their exit codes",
	.usage = "CONTAINER...",
	.examples = "$ cloche wait job",
	.see_also = "run, logs",
	.complete = "container",
	.options = wait_table,
	.min_args = 1,
	.max_args = -1,
	.run = run_wait,
};

/* `pause` and `unpause`. */
#include "cli/command.h"
#include "cli/container/each.h"

#include "engine/container/pause.h"

#include <errno.h>
#include <stdio.h>

static int pause_one(struct store *s, const char *id, const char *name, void *arg, struct err *err)
{
	char why[512] = "";
	enum pause_way way;
	int r = container_pause(s, id, &way, why, err);

	(void)arg;
	if (r < 0)
		return r == -ESRCH ? err_hint(err, "'cloche start %s' starts it", name) : r;
	if (way == PAUSE_BY_SIGNALS)
		fprintf(stderr,
			"cloche: pause: %s is stopped by signals, which its processes may notice; not by a control "
			"group's freezer (%s)\n",
			name, why);
	return 0;
}

static int unpause_one(struct store *s, const char *id, const char *name, void *arg, struct err *err)
{
	(void)name;
	(void)arg;
	return container_unpause(s, id, err);
}

static int for_each(const struct each *each, const struct strv *args, struct err *err)
{
	autostore struct store *s = NULL;

	return cli_open_store(&s, err) < 0 ? -1 : cli_for_each(s, each, args);
}

static int run_pause(const void *options, const struct strv *args, struct err *err)
{
	static const struct each each = { .command = "pause", .do_one = pause_one };

	(void)options;
	return for_each(&each, args, err);
}

static int run_unpause(const void *options, const struct strv *args, struct err *err)
{
	static const struct each each = { .command = "unpause", .do_one = unpause_one };

	(void)options;
	return for_each(&each, args, err);
}

const struct command cmd_pause = {
	.name = "pause",
	.group = "Containers",
	.summary = "stop all processes of containers for a while",
	.usage = "CONTAINER...",
	.description = "By the freezer of a control group, where this user may have one: the processes can't notice. "
		       "Else each "
		       "process gets SIGSTOP, which is said: their parents may notice, and 'unpause' continues also "
		       "what the program itself had stopped.",
	.examples = "$ cloche pause web\n$ cloche unpause web",
	.complete = "container",
	.min_args = 1,
	.max_args = -1,
	.run = run_pause,
};

const struct command cmd_unpause = {
	.name = "unpause",
	.group = "Containers",
	.summary = "let paused containers go on",
	.usage = "CONTAINER...",
	.complete = "container",
	.min_args = 1,
	.max_args = -1,
	.run = run_unpause,
};

/* `pause` and `unpause`. */
#include "cli/command.h"

#include "engine/container/pause.h"
#include "store/containers.h"

#include <errno.h>
#include <stdio.h>

static int pause_one(struct store *s, const char *word, struct err *err)
{
	enum pause_way way;
	char id[CONTAINER_ID_MAX], why[512] = "";
	int r = container_find(s, word, id, err);

	if (r >= 0)
		r = container_pause(s, id, &way, why, err);
	if (r < 0)
		return r == -ESRCH ? err_hint(err, "'cloche start %s' starts it", word) : r;
	if (way == PAUSE_BY_SIGNALS)
		fprintf(stderr,
			"cloche: pause: %s is stopped by signals, which its processes may notice; not by a control "
			"group's freezer (%s)\n",
			word, why);
	return 0;
}

static int unpause_one(struct store *s, const char *word, struct err *err)
{
	char id[CONTAINER_ID_MAX];
	int r = container_find(s, word, id, err);

	return r < 0 ? r : container_unpause(s, id, err);
}

/* Each by itself: what can be done is done. */
static int for_each(const char *command, int (*fn)(struct store *s, const char *word, struct err *err),
		    const struct strv *args, struct err *err)
{
	struct store_options where = { .root = global_options.root, .runroot = global_options.runroot };
	autostore struct store *s = NULL;
	int failed = 0;

	if (store_open(&where, &s, err) < 0)
		return -1;
	for (size_t i = 0; i < args->len; i++) {
		struct err one = { 0 };

		if (fn(s, args->items[i], &one) >= 0) {
			puts(args->items[i]);
			continue;
		}
		err_wrap(&one, "%s", command);
		err_print(stderr, &one);
		failed = 1;
	}
	return failed;
}

static int run_pause(const void *options, const struct strv *args, struct err *err)
{
	(void)options;
	return for_each("pause", pause_one, args, err);
}

static int run_unpause(const void *options, const struct strv *args, struct err *err)
{
	(void)options;
	return for_each("unpause", unpause_one, args, err);
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

#include "cli/command.h"
#include "engine/run/run.h"

#include <stdio.h>

static const struct option create_table[] = {
#include "cli/container/run_options.def"
	OPTION_END,
};

static void on_notice(const char *text, void *arg)
{
	(void)arg;
	fprintf(stderr, "cloche: create: %s\n", text);
}

static int run_create(const void *options, const struct strv *args, struct err *err)
{
	struct store_options store = { .root = global_options.root, .runroot = global_options.runroot };
	struct run_callbacks callbacks = { .on_notice = on_notice };
	struct strv command = { .items = args->items + 1, .len = args->len - 1 };
	char id[CONTAINER_ID_MAX];

	if (create_container(&store, options, args->items[0], &command, &callbacks, id, err) < 0)
		return -1;
	puts(id);
	return 0;
}

const struct command cmd_create = {
	.name = "create",
	.group = "Containers",
	.summary = "make a container of an image, to be started later",
	.usage = "IMAGE [COMMAND [ARG...]]",
	.description =
		"Prints the ID. 'cloche start' starts it, any number of times; its files stay from one start to the "
		"next. What is wrong with the options shows here; what is wrong with the program shows at the "
		"start.",
	.examples =
		"# made once, started whenever it is wanted\n$ cloche create --name db -v ./data:/data busybox httpd "
		"-f -h /data\n$ cloche start db",
	.complete = "image",
	.options = create_table,
	.options_size = sizeof(struct run_options),
	.min_args = 1,
	.max_args = -1,
	.stop_at_args = true,
	.run = run_create,
};

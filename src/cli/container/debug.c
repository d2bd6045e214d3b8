#include "cli/command.h"
#include "engine/exec/debug.h"

#include <stdio.h>

static const struct option debug_table[] = {
	OPTION_STRING("image", 0, struct debug_options, image, "IMAGE",
		      "where the tools come from (default: the host's busybox)", "image"),
	OPTION_END,
};

static void on_notice(const char *text, void *arg)
{
	(void)arg;
	fprintf(stderr, "cloche: debug: %s\n", text);
}

static int run_debug(const void *options, const struct strv *args, struct err *err)
{
	static char shell[] = "sh";
	static char *default_words[] = { shell, NULL };
	const struct store_options where = { .root = global_options.root, .runroot = global_options.runroot };
	const struct strv command = args->len > 1 ? (struct strv){ .items = args->items + 1, .len = args->len - 1 }
						  : (struct strv){ .items = default_words, .len = 1 };
	const struct run_callbacks callbacks = { .on_notice = on_notice };
	int exit_code, r = engine_debug(&where, options, args->items[0], &command, &callbacks, &exit_code, err);

	if (r >= 0 || exit_code == EXIT_OURS)
		return r;
	err_wrap(err, "debug");
	err_print(stderr, err);
	return exit_code;
}

const struct command cmd_debug = {
	.name = "debug",
	.group = "Insight",
	.summary = "a shell with tools beside a container that has none",
	.usage = "CONTAINER [COMMAND [ARG...]]",
	.description = "For containers without a shell: it runs an image with tools (or the host's busybox) that sees "
		       "the container's processes, is in its "
		       "network and has its files at " DEBUG_FILES
		       ". It may trace its processes. Nothing is put into the container, and "
		       "nothing stays behind but the image of tools.",
	.examples = "# what goes on in there\n$ cloche debug web ps\n"
		    "# a shell; the container's files are at " DEBUG_FILES "\n$ cloche debug web\n"
		    "# with better tools\n$ cloche debug web --image debian:bookworm bash",
	.complete = "container",
	.options = debug_table,
	.options_size = sizeof(struct debug_options),
	.min_args = 1,
	.max_args = -1,
	.stop_at_args = true,
	.stop_after = 2,
	.run = run_debug,
};

#include "cli/command.h"
#include "engine/image/images.h"

static int run_tag(const void *options, const struct strv *args, struct err *err)
{
	autoengine struct engine e = { 0 };
	int r = engine_open(global_options.root, global_options.runroot, &e, err);

	(void)options;
	if (r >= 0)
		r = engine_tag(&e, args->items[0], args->items[1], err);
	return r < 0 ? -1 : 0;
}

const struct command cmd_tag = {
	.name = "tag",
	.group = "Images",
	.summary = "give an image another name",
	.usage = "IMAGE NAME[:TAG]",
	.description = "A name that another image has is taken from it; an image that so loses its last name stays, "
		       "without a name, "
		       "until 'cloche rmi' removes it by ID.",
	.examples = "$ cloche tag debian:12 registry.example/base:2026",
	.complete = "image",
	.min_args = 2,
	.max_args = 2,
	.run = run_tag,
};

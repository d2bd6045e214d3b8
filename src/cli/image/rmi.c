#include "cli/command.h"
#include "engine/image/images.h"

#include <errno.h>

struct rmi_options {
	bool force;
};

static const struct option rmi_table[] = {
	OPTION_FLAG(
		"force", 'f', struct rmi_options, force,
		"take all names away, also while containers use the image; and don't mind if there is no such image"),
	OPTION_END,
};

/* The images after one that fails are still removed; each error but the last is printed here, that one by main. */
static int remove_each(struct engine *e, const struct strv *images, bool force, struct err *err)
{
	struct err failed = { 0 };

	for (size_t i = 0; i < images->len; i++) {
		autostrv struct strv lines = { 0 };
		struct err why = { 0 };
		int r = engine_remove_image(e, images->items[i], force, &lines, &why);

		for (size_t n = 0; n < lines.len; n++)
			puts(lines.items[n]);
		if (r >= 0 || (r == -ENOENT && force))
			continue;
		if (failed.code) {
			err_wrap(&failed, "rmi");
			err_print(stderr, &failed);
		}
		failed = why;
	}
	if (failed.code)
		*err = failed;
	return -failed.code;
}

static int run_rmi(const void *options, const struct strv *args, struct err *err)
{
	const struct rmi_options *o = options;
	autoengine struct engine e = { 0 };
	int r = engine_open(global_options.root, global_options.runroot, &e, err);

	if (r < 0)
		return -1;
	r = remove_each(&e, args, o->force, err);
	engine_tidy(&e, true);
	return r < 0 ? -1 : 0;
}

const struct command cmd_rmi = {
	.name = "rmi",
	.group = "Images",
	.summary = "remove images, or names of images",
	.usage = "IMAGE [IMAGE...]",
	.description = "An image with several names loses the one that is given; with its last name, or named by its "
		       "ID, it is removed, "
		       "together with all layers that no other image and no container needs. An image that a container "
		       "was made from "
		       "is refused without --force.",
	.examples = "$ cloche rmi debian:12\n# all that have no name any more\n$ cloche rmi $(cloche images -q "
		    "--filter dangling=true)",
	.complete = "image",
	.options = rmi_table,
	.options_size = sizeof(struct rmi_options),
	.min_args = 1,
	.max_args = -1,
	.run = run_rmi,
};

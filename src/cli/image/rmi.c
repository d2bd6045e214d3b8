#include "cli/command.h"
#include "cli/image/remote_options.h"
#include "engine/image/images.h"
#include "engine/image/remote_list.h"

#include <errno.h>

struct rmi_options {
	bool force, remote;
	struct remote_words registry;
};

static const struct option rmi_table[] = {
	OPTION_FLAG(
		"force", 'f', struct rmi_options, force,
		"take all names away, also while containers use the image; and don't mind if there is no such image"),
	OPTION_FLAG(
		"remote", 0, struct rmi_options, remote,
		"remove them from their registry, not from the store; with --force also if other tags go with them"),
	REMOTE_OPTIONS(struct rmi_options, registry),
	OPTION_END,
};

static int remove_remote(const struct remote_options *remote, const char *image, bool force, struct strv *lines,
			 struct err *err)
{
	int r = remote_remove(remote, image, force, err);

	if (r < 0)
		return err_wrap(err, "'%s'", image);
	return strv_addf(lines, "Deleted: %s", image) < 0 ? err_oom(err) : 0;
}

/* The images after one that fails are still removed; each error but the last is printed here, that one by main. */
static int remove_each(struct engine *e, const struct strv *images, const struct rmi_options *o, struct err *err)
{
	const struct remote_options remote = remote_options_of(&o->registry);
	struct err failed = { 0 };

	for (size_t i = 0; i < images->len; i++) {
		autostrv struct strv lines = { 0 };
		struct err why = { 0 };
		int r = o->remote ? remove_remote(&remote, images->items[i], o->force, &lines, &why)
				  : engine_remove_image(e, images->items[i], o->force, &lines, &why);

		for (size_t n = 0; n < lines.len; n++)
			puts(lines.items[n]);
		if (r >= 0 || (r == -ENOENT && o->force))
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
	int r;

	if (o->remote)
		return remove_each(NULL, args, o, err);
	r = engine_open(global_options.root, global_options.runroot, &e, err);
	if (r < 0)
		return -1;
	r = remove_each(&e, args, o, err);
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
		       "is refused without --force.\n\n"
		       "With --remote a tag is taken away in its registry, or, named by its digest, an image with all "
		       "its tags. The "
		       "registry's own clean-up frees the space.",
	.examples = "$ cloche rmi debian:12\n# all that have no name any more\n$ cloche rmi $(cloche images -q "
		    "--filter dangling=true)",
	.complete = "image",
	.options = rmi_table,
	.options_size = sizeof(struct rmi_options),
	.min_args = 1,
	.max_args = -1,
	.run = run_rmi,
};

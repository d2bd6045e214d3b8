#include "cli/command.h"
#include "cli/image/remote_options.h"
#include "engine/image/images.h"
#include "engine/image/remote_list.h"
#include "engine/move/place.h"

#include <errno.h>
#include <stdio.h>

struct delete_options {
	struct remote_words remote;
	bool force;
};

static const struct option delete_table[] = {
	OPTION_FLAG("force", 'f', struct delete_options, force, "also if other tags go with it"),
	REMOTE_OPTIONS(struct delete_options, remote),
	OPTION_END,
};

static int delete_of_store(const char *name, bool force, struct err *err)
{
	autoengine struct engine e = { 0 };
	autostrv struct strv lines = { 0 };
	int r = engine_open(global_options.root, global_options.runroot, &e, err);

	if (r < 0)
		return r;
	r = engine_remove_image(&e, name, force, &lines, err);
	engine_tidy(&e, true);
	return r;
}

static int run_delete(const void *options, const struct strv *args, struct err *err)
{
	const struct delete_options *o = options;
	const struct remote_options remote = remote_options_of(&o->remote);
	struct place autoplace place = { .index = -1 };
	int r = place_parse(args->items[0], &place, err);

	if (r < 0)
		return r;
	if (place.kind == PLACE_DOCKER)
		r = remote_remove(&remote, place.name, o->force, err);
	else if (place.kind == PLACE_STORE)
		r = delete_of_store(place.name, o->force, err);
	else
		return err_set(err, EOPNOTSUPP, "images of %s are files: 'rm' removes them", place_prefix(place.kind));
	return r < 0 ? err_wrap(err, "'%s'", args->items[0]) : 0;
}

const struct command cmd_delete = {
	.name = "delete",
	.group = "Registries",
	.summary = "remove an image from its registry",
	.usage = "docker://NAME",
	.description =
		"As skopeo delete. Registries that can only remove a manifest with all its tags do so, if no other "
		"tag has it or with --force. store:NAME is the same as 'cloche rmi NAME'.",
	.examples = "$ cloche delete docker://registry.example.org/me/web:1",
	.see_also = "rmi, images",
	.options = delete_table,
	.options_size = sizeof(struct delete_options),
	.min_args = 1,
	.max_args = 1,
	.run = run_delete,
};

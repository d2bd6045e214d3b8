#include "cli/command.h"
#include "engine/container/container.h"
#include "engine/open.h"
#include "engine/container/volumes.h"

#include <errno.h>
#include <stdio.h>

struct rm_options {
	bool force;
};

static const struct option rm_table[] = {
	OPTION_FLAG("force", 'f', struct rm_options, force, "one that isn't there is fine"),
	OPTION_END,
};

static int run_rm(const void *options, const struct strv *args, struct err *err)
{
	const struct rm_options *o = options;
	autoengine struct engine e = { 0 };
	int failed = 0;

	if (engine_open(global_options.root, global_options.runroot, &e, err) < 0)
		return -1;
	/* A container whose command was killed, and that was to go at its end, has none any more. */
	containers_sweep(e.store, 0, true);
	for (size_t i = 0; i < args->len; i++) {
		struct err one = { 0 };
		int r = volume_remove(e.store, args->items[i], NULL, &one);

		if (r >= 0 || (r == -ENOENT && o->force)) {
			puts(args->items[i]);
			continue;
		}
		err_wrap(&one, "volume rm");
		err_print(stderr, &one);
		failed = 1;
	}
	engine_tidy(&e, false);
	return failed;
}

const struct command cmd_volume_rm = {
	.name = "volume rm",
	.group = "Volumes",
	.summary = "remove volumes with all that is in them",
	.usage = "VOLUME...",
	.description = "A volume that a container has, running or not, stays: the container goes first.",
	.examples = "$ cloche volume rm data",
	.see_also = "volume prune, volume",
	.complete = "volume",
	.options = rm_table,
	.options_size = sizeof(struct rm_options),
	.min_args = 1,
	.max_args = -1,
	.run = run_rm,
};

#include "base/num.h"
#include "cli/command.h"
#include "engine/exec/cp.h"

#include <string.h>
#include <unistd.h>

static const struct option cp_table[] = {
	OPTION_FLAG("archive", 'a', struct cp_options, archive, "keep owners (on the host: as root only)"),
	OPTION_FLAG("follow-link", 'L', struct cp_options, follow, "copy what a link leads to, not the link"),
	OPTION_FLAG("quiet", 'q', struct cp_options, quiet, "say nothing beside errors"),
	OPTION_END,
};

static void say_done(const struct strv *args, uint64_t bytes)
{
	char size[16];

	num_format_size(bytes, size);
	fprintf(stderr, "Successfully copied %s to %s\n", size, args->items[1]);
}

static int copy(const struct cp_options *o, const struct strv *args, const struct cp_side *from,
		const struct cp_side *to, struct err *err)
{
	autoengine struct engine e = { 0 };
	uint64_t bytes = 0;
	int r;

	if (!to->container && strcmp(to->path, "-") == 0 && isatty(STDOUT_FILENO))
		return err_set(err, EINVAL, "a tar is not written to a terminal");
	r = engine_open(global_options.root, global_options.runroot, &e, err);
	if (r >= 0)
		r = engine_cp(&e, o, from, to, &bytes, err);
	if (r >= 0 && !o->quiet && strcmp(args->items[1], "-") != 0)
		say_done(args, bytes);
	return r;
}

static int run_cp(const void *options, const struct strv *args, struct err *err)
{
	CLEANUP(cp_side_done) struct cp_side from = { 0 };
	CLEANUP(cp_side_done) struct cp_side to = { 0 };
	int r = cp_side_parse(args->items[0], &from, err);

	if (r >= 0)
		r = cp_side_parse(args->items[1], &to, err);
	return r < 0 ? -1 : copy(options, args, &from, &to, err) < 0 ? -1 : 0;
}

const struct command cmd_cp = {
	.name = "cp",
	.group = "Containers",
	.summary = "copy files between a container and the host",
	.usage = "CONTAINER:PATH|PATH|- CONTAINER:PATH|PATH|-",
	.description = "The container may run or not. A folder that is copied into one that exists gets its own name "
		       "in there; with '/.' at the end of the "
		       "source its content goes there. '-' as destination is a tar of the source on our output, as "
		       "source a tar on our input "
		       "that is unpacked into a folder of the container.\n\n"
		       "What is copied in belongs to the container's root, what is copied out to whoever copies; -a "
		       "keeps owners. Links in "
		       "the container mean what they mean in there.",
	.examples = "# a file out of it\n$ cloche cp web:/etc/nginx/nginx.conf .\n"
		    "# a folder's content into it\n$ cloche cp ./site/. web:/var/www/html\n"
		    "# by pipe\n$ cloche cp web:/var/log - | tar tvf -",
	.complete = "container",
	.options = cp_table,
	.options_size = sizeof(struct cp_options),
	.min_args = 2,
	.max_args = 2,
	.run = run_cp,
};

#include "cli/command.h"

#include "base/log.h"
#include "engine/container/commit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct commit_args {
	const char *author, *message, *pause;
	struct strv changes;
	bool quiet;
};

static const struct option commit_table[] = {
	OPTION_STRING("author", 'a', struct commit_args, author, "NAME", "who made it", NULL),
	OPTION_STRING("message", 'm', struct commit_args, message, "TEXT", "comment in the history", NULL),
	OPTION_LIST("change", 'c', struct commit_args, changes, "INSTRUCTION",
		    "change the configuration by a Dockerfile instruction, such as 'CMD [\"sh\"]'", NULL),
	OPTION_FLAG("quiet", 'q', struct commit_args, quiet, "say nothing beside the ID"),
	{ "pause", 'p', OPTION_KIND_OPTIONAL, offsetof(struct commit_args, pause), "true|false",
	  "let one that runs stand still meanwhile (default true)", "true false" },
	OPTION_END,
};

static int parse_pause(const char *word, bool *ret, struct err *err)
{
	*ret = !word || !*word || strcmp(word, "true") == 0 || strcmp(word, "1") == 0;
	return *ret || strcmp(word, "false") == 0 || strcmp(word, "0") == 0
		       ? 0
		       : err_set(err, EINVAL, "option --pause takes true or false, not '%s'", word);
}

static int run_commit(const void *options, const struct strv *args, struct err *err)
{
	const struct commit_args *a = options;
	struct commit_options o = { .changes = &a->changes, .author = a->author, .message = a->message };
	autoengine struct engine e = { 0 };
	struct reference name;
	char text[DIGEST_STR_MAX];
	struct digest id;
	bool moved;

	if (parse_pause(a->pause, &o.pause, err) < 0)
		return -1;
	if (args->len == 2) {
		if (reference_parse(args->items[1], &name, err) < 0)
			return -1;
		o.name = &name;
	}
	if (engine_open(global_options.root, global_options.runroot, &e, err) < 0 ||
	    engine_commit(&e, args->items[0], &o, &id, &moved, err) < 0)
		return -1;
	if (moved && !a->quiet)
		log_notice("commit: the container runs and was not paused: what it was writing may be half there");
	digest_format(&id, text);
	puts(text);
	return 0;
}

const struct command cmd_commit = {
	.name = "commit",
	.group = "Containers",
	.summary = "make an image of what a container changed",
	.usage = "CONTAINER [NAME[:TAG]]",
	.description = "The image has one layer more than the container's: its upper folder, with whiteouts for what "
		       "was deleted. "
		       "'cloche diff CONTAINER' shows beforehand what will be in it.",
	.examples = "$ cloche run --name web debian:bookworm sh -c 'echo hello >/etc/motd'\n$ cloche commit -c 'CMD "
		    "[\"cat\", \"/etc/motd\"]' web hello",
	.complete = "container",
	.options = commit_table,
	.options_size = sizeof(struct commit_args),
	.min_args = 1,
	.max_args = 2,
	.run = run_commit,
};

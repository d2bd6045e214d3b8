#include "cli/command.h"

#include "config.h"

static int run_version(const void *options, const struct strv *args, struct err *err)
{
	(void)options;
	(void)args;
	(void)err;
	puts("cloche version " CLOCHE_VERSION);
	return 0;
}

const struct command cmd_version = {
	.name = "version",
	.group = "Other",
	.summary = "show the version",
	.run = run_version,
};

#include "cli/command.h"

#include "engine/run/run.h"

static const struct option attach_table[] = {
	OPTION_FLAG("no-stdin", 0, struct attach_request, no_stdin, "only look: our input stays here"),
	OPTION_STRING("sig-proxy", 0, struct attach_request, sig_proxy, "true|false",
		      "pass signals on to it (default true)", "true false"),
	OPTION_STRING("detach-keys", 0, struct attach_request, detach_keys, "KEYS",
		      "what leaves it running (ctrl-p,ctrl-q)", NULL),
	OPTION_END,
};

static int run_attach(const void *options, const struct strv *args, struct err *err)
{
	struct store_options store = { .root = global_options.root, .runroot = global_options.runroot };
	int code, r = attach_container(&store, args->items[0], options, &code, err);

	return r == -ESRCH ? err_hint(err, "'cloche start -a %s' starts it and is with it", args->items[0]) : r;
}

const struct command cmd_attach = {
	.name = "attach",
	.group = "Containers",
	.summary = "be with a running container: its output, its input, its signals",
	.usage = "CONTAINER",
	.description =
		"Any number of commands can be with a container at once; each sees all that it writes from then on, "
		"and 'cloche "
		"logs' what it wrote before. On a terminal, ctrl-p ctrl-q leaves the container running, as does "
		"killing "
		"this command. One that is too slow to read for ten seconds misses output, and is told how much; the "
		"container goes on. The exit code is the container's.",
	.examples = "# ctrl-p ctrl-q leaves it running\n"
		    "$ cloche attach web\n"
		    "# only look\n"
		    "$ cloche attach --no-stdin web",
	.see_also = "logs, exec, run",
	.complete = "container",
	.options = attach_table,
	.options_size = sizeof(struct attach_request),
	.min_args = 1,
	.max_args = 1,
	.run = run_attach,
};

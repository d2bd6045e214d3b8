#include "cli/command.h"
#include "engine/exec/enter.h"

#include <stdio.h>

static const struct option enter_table[] = {
	OPTION_LIST("ns", 'n', struct enter_options, namespaces, "NAME[,NAME...]",
		    "which to join (default all): mnt, pid, net, ipc, uts, user, cgroup, time",
		    "all mnt pid net ipc uts user cgroup time"),
	OPTION_STRING("workdir", 'w', struct enter_options, workdir, "DIR", "working folder", NULL),
	OPTION_END,
};

static void on_notice(const char *text)
{
	fprintf(stderr, "cloche: enter: %s\n", text);
}

static int run_enter(const void *options, const struct strv *args, struct err *err)
{
	const struct store_options where = { .root = global_options.root, .runroot = global_options.runroot };
	const struct strv command = { .items = args->items + 1, .len = args->len - 1 };
	int exit_code, r = engine_enter(&where, options, args->items[0], &command, on_notice, &exit_code, err);

	if (r >= 0 || exit_code == EXIT_OURS)
		return r;
	err_wrap(err, "enter");
	err_print(stderr, err);
	return exit_code;
}

const struct command cmd_enter = {
	.name = "enter",
	.group = "Insight",
	.summary = "run a program in some of a container's namespaces and in ours for the rest",
	.usage = "CONTAINER [COMMAND [ARG...]]",
	.description = "As nsenter(1) does. Without 'mnt' the program is one of the host's and sees the host's files, "
		       "but is in the "
		       "container's network, say. It has all capabilities over what it joined, no profile of system "
		       "calls and none of the container's "
		       "limits: 'cloche exec' is for running a program as the container would.\n\n"
		       "An ordinary user joins the user namespace in any case: it is what gives the right to join the "
		       "others. Its own files then "
		       "look like root's. Where one id is mapped, ids are not emulated here.\n\n"
		       "The container sees a program that joins 'pid'.",
	.examples = "# the host's tools in the container's network\n$ cloche enter web --ns net ip addr\n"
		    "# under its host name, with our files\n$ cloche enter web --ns uts hostname",
	.complete = "container",
	.options = enter_table,
	.options_size = sizeof(struct enter_options),
	.min_args = 1,
	.max_args = -1,
	.stop_at_args = true,
	.stop_after = 2,
	.run = run_enter,
};

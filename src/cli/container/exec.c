#include "cli/command.h"
#include "cli/container/explain_table.h"
#include "engine/exec/exec.h"

#include <unistd.h>

#define FLAG(n, l, field, h) OPTION_FLAG(n, l, struct exec_options, field, h)
#define STRING(n, l, field, a, h, c) OPTION_STRING(n, l, struct exec_options, field, a, h, c)
#define LIST(n, l, field, a, h, c) OPTION_LIST(n, l, struct exec_options, field, a, h, c)

static const struct option exec_table[] = {
	FLAG("interactive", 'i', interactive, "pass our input on"),
	FLAG("tty", 't', tty, "give it a terminal"),
	FLAG("detach", 'd', detach, "don't wait for its end"),
	STRING("detach-keys", 0, detach_keys, "KEYS",
	       "what leaves its terminal (default ctrl-p,ctrl-q; empty: nothing)", NULL),
	LIST("env", 'e', env, "NAME[=VALUE]", "set a variable; without a value, pass ours on", NULL),
	LIST("env-file", 0, env_files, "FILE", "set the variables that a file names, one a line", "file"),
	STRING("user", 'u', user, "USER[:GROUP]", "run as this user, by name or number", NULL),
	STRING("workdir", 'w', workdir, "DIR", "working folder in the container", NULL),
	FLAG("privileged", 0, privileged, "all capabilities over the container's namespaces"),
	FLAG("explain", 0, explain, "show each step of the start as it happens"),
	OPTION_END,
};

static int run_exec(const void *options, const struct strv *args, struct err *err)
{
	const struct exec_options *o = options;
	const struct store_options where = { .root = global_options.root, .runroot = global_options.runroot };
	const struct strv command = { .items = args->items + 1, .len = args->len - 1 };
	struct explain_table table = explain_table_init(stderr);
	const struct exec_callbacks callbacks = { o->explain ? explain_table_step : NULL, &table };
	int exit_code, r;

	if (o->interactive && o->tty && !o->detach && !isatty(STDIN_FILENO)) {
		fputs("cloche: exec: the input device is not a TTY\n", stderr);
		return 1;
	}
	r = engine_exec(&where, o, args->items[0], &command, &callbacks, &exit_code, err);
	if (r >= 0 || exit_code == EXIT_OURS)
		return r;
	err_wrap(err, "exec");
	err_print(stderr, err);
	return exit_code;
}

const struct command cmd_exec = {
	.name = "exec",
	.group = "Containers",
	.summary = "run a further program in a container that runs",
	.usage = "CONTAINER COMMAND [ARG...]",
	.description = "The program gets what the container's first process has: namespaces, control groups, limits, "
		       "capabilities, the "
		       "profile of system calls. The exit code is that of the program; 128 and the signal's number if "
		       "a signal ended it; "
		       "127 if the program was not found, 126 if it could not be executed, and 125 if cloche itself "
		       "failed.\n\n"
		       "Signals that cloche gets are passed on. Killed with SIGKILL, it leaves the program running, as "
		       "docker does; "
		       "only a terminal that was given by -t hangs up.",
	.examples = "# a shell in it (ctrl-d leaves it, the container goes on)\n"
		    "$ cloche exec -it web sh\n"
		    "# one command\n"
		    "$ cloche exec web nginx -t\n"
		    "# as another user, with a variable, in a folder\n"
		    "$ cloche exec -u www-data -e DEBUG=1 -w /srv web id\n"
		    "# what comes in by a pipe goes to it\n"
		    "$ cloche exec -i db sh -c 'cat >/tmp/dump' <dump\n"
		    "# in the background\n"
		    "$ cloche exec -d web /usr/bin/tidy-up",
	.see_also = "run, debug, enter, attach, cp",
	.complete = "container",
	.options = exec_table,
	.options_size = sizeof(struct exec_options),
	.min_args = 2,
	.max_args = -1,
	.stop_at_args = true,
	.run = run_exec,
};

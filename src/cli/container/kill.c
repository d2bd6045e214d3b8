#include "cli/command.h"
#include "cli/container/each.h"

#include "base/cleanup.h"
#include "engine/container/stop.h"
#include "sys/signals.h"

#include <errno.h>
#include <signal.h>

struct kill_options {
	const char *signal;
};

static const struct option kill_table[] = {
	OPTION_STRING("signal", 's', struct kill_options, signal, "SIGNAL", "which one, by name or number (KILL)",
		      "KILL TERM INT HUP USR1 USR2 QUIT STOP CONT"),
	OPTION_END,
};

static int kill_one(struct store *s, const char *id, const char *name, void *arg, struct err *err)
{
	int r = container_signal(s, id, *(const int *)arg, err);

	return r == -ESRCH ? err_hint(err, "'cloche start %s' starts it", name) : r;
}

static int run_kill(const void *options, const struct strv *args, struct err *err)
{
	const struct kill_options *o = options;
	int signal = SIGKILL;
	struct each each = { .command = "kill", .do_one = kill_one, .arg = &signal };
	autostore struct store *s = NULL;

	if (o->signal && signal_parse(o->signal, &signal, err) < 0)
		return err_wrap(err, "--signal");
	if (cli_open_store(&s, err) < 0)
		return -1;
	return cli_for_each(s, &each, args);
}

const struct command cmd_kill = {
	.name = "kill",
	.group = "Containers",
	.summary = "send a signal to the first process of containers",
	.usage = "CONTAINER...",
	.description = "The kernel gives pid 1 of a container only those signals for which it has a handler, and KILL "
		       "and STOP; "
		       "with 'cloche run --init' they come through.",
	.examples = "$ cloche kill web\n"
		    "# have it read its configuration again\n"
		    "$ cloche kill -s HUP web",
	.see_also = "stop, wait",
	.complete = "container",
	.options = kill_table,
	.options_size = sizeof(struct kill_options),
	.min_args = 1,
	.max_args = -1,
	.run = run_kill,
};

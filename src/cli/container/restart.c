#include "cli/command.h"
#include "cli/container/each.h"

#include "base/cleanup.h"
#include "base/num.h"
#include "engine/container/stop.h"
#include "engine/run/run.h"
#include "sys/signals.h"

#include <errno.h>
#include <limits.h>

struct restart_options {
	const char *signal, *time;
};

static const struct option restart_table[] = {
	OPTION_STRING("signal", 's', struct restart_options, signal, "SIGNAL",
		      "what asks it to end, instead of its --stop-signal", NULL),
	OPTION_STRING("time", 't', struct restart_options, time, "SECONDS",
		      "how long to wait before it is killed (its --stop-timeout, or 10); -1: for ever", NULL),
	OPTION_STRING("timeout", 0, struct restart_options, time, "SECONDS", "the same", NULL),
	OPTION_END,
};

struct restarting {
	int signal;
	int64_t timeout;
};

static int restart_one(struct store *s, const char *id, const char *name, void *arg, struct err *err)
{
	struct store_options store = { .root = global_options.root, .runroot = global_options.runroot };
	static const struct run_callbacks silent = { 0 };
	struct start_options options = { 0 };
	const struct restarting *how = arg;
	int code, r = container_stop(s, id, how->signal, how->timeout, err);

	(void)name;
	return r < 0 ? r : start_container(&store, id, &options, &silent, &code, err);
}

static int run_restart(const void *options, const struct strv *args, struct err *err)
{
	const struct restart_options *o = options;
	struct restarting how = { .timeout = STOP_TIMEOUT_OWN };
	struct each each = { .command = "restart", .do_one = restart_one, .arg = &how };
	autostore struct store *s = NULL;

	if (o->signal && signal_parse(o->signal, &how.signal, err) < 0)
		return err_wrap(err, "--signal");
	if (o->time && (num_parse_i64(o->time, &how.timeout) < 0 || how.timeout < -1 || how.timeout > INT_MAX))
		return err_set(err, EINVAL, "--time '%s': a number of seconds, or -1 for ever", o->time);
	if (cli_open_store(&s, err) < 0)
		return -1;
	return cli_for_each(s, &each, args);
}

const struct command cmd_restart = {
	.name = "restart",
	.group = "Containers",
	.summary = "stop containers and start them again",
	.usage = "CONTAINER...",
	.description = "Those that don't run are started.",
	.examples = "$ cloche restart web\n"
		    "# at once\n"
		    "$ cloche restart -t 0 web",
	.see_also = "stop, start, run",
	.complete = "container",
	.options = restart_table,
	.options_size = sizeof(struct restart_options),
	.min_args = 1,
	.max_args = -1,
	.run = run_restart,
};

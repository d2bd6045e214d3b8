#include "cli/container/stop.h"

#include "cli/container/each.h"

#include "base/cleanup.h"
#include "base/num.h"
#include "engine/container/stop.h"
#include "sys/signals.h"

#include <errno.h>
#include <limits.h>

const struct option cli_stop_table[] = {
	OPTION_STRING("signal", 's', struct stop_options, signal, "SIGNAL",
		      "what asks it to end, instead of its --stop-signal", NULL),
	OPTION_STRING("time", 't', struct stop_options, time, "SECONDS",
		      "how long to wait before it is killed (its --stop-timeout, or 10); -1: for ever", NULL),
	OPTION_STRING("timeout", 0, struct stop_options, time, "SECONDS", "the same", NULL),
	OPTION_END,
};

int cli_stop_parse(const struct stop_options *o, struct stopping *ret, struct err *err)
{
	struct stopping how = { .timeout = STOP_TIMEOUT_OWN };

	if (o->signal && signal_parse(o->signal, &how.signal, err) < 0)
		return err_wrap(err, "--signal");
	if (o->time && (num_parse_i64(o->time, &how.timeout) < 0 || how.timeout < -1 || how.timeout > INT_MAX))
		return err_set(err, EINVAL, "--time '%s': a number of seconds, or -1 for ever", o->time);
	*ret = how;
	return 0;
}

static int stop_one(struct store *s, const char *id, const char *name, void *arg, struct err *err)
{
	const struct stopping *how = arg;

	(void)name;
	return container_stop(s, id, how->signal, how->timeout, err);
}

static int run_stop(const void *options, const struct strv *args, struct err *err)
{
	struct stopping how;
	struct each each = { .command = "stop", .do_one = stop_one, .arg = &how };
	autostore struct store *s = NULL;
	int r = cli_stop_parse(options, &how, err);

	if (r < 0)
		return r;
	if (cli_open_store(&s, err) < 0)
		return -1;
	return cli_for_each(s, &each, args);
}

const struct command cmd_stop = {
	.name = "stop",
	.group = "Containers",
	.summary = "ask containers to end, and kill those that don't",
	.usage = "CONTAINER...",
	.description =
		"Returns when they have ended. No --restart policy starts them again, until 'cloche start' does.",
	.examples = "$ cloche stop web\n"
		    "# give it a minute\n"
		    "$ cloche stop -t 60 db\n"
		    "# all that run\n"
		    "$ cloche stop $(cloche ps -q)",
	.see_also = "start, kill, restart, rm",
	.complete = "container",
	.options = cli_stop_table,
	.options_size = sizeof(struct stop_options),
	.min_args = 1,
	.max_args = -1,
	.run = run_stop,
};

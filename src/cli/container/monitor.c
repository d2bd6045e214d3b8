/* Hidden: what a container's monitor has us do (monitor/monitor.h). */
#include "cli/command.h"

#include "base/num.h"
#include "engine/exec/check.h"
#include "engine/run/monitored.h"

#include <errno.h>

static const struct option no_options[] = { OPTION_END };

static int run_again(const void *options, const struct strv *args, struct err *err)
{
	struct store_options store = { .root = global_options.root, .runroot = global_options.runroot };
	struct monitor_config c;

	(void)options;
	if (monitor_config_parse((int)args->len, args->items, &c, err) < 0)
		return -1;
	if (c.live < 0 || c.listen < 0)
		return err_set(err, EINVAL, "this command is for monitors");
	return run_monitored_again(&store, &c, err);
}

const struct command cmd_monitor_again = {
	.name = "monitor again",
	.group = "Containers",
	.summary = "start a container again (for its monitor)",
	.usage = "WORD...",
	.options = no_options,
	.max_args = -1,
	.hidden = true,
	.run = run_again,
};

static int run_check(const void *options, const struct strv *args, struct err *err)
{
	struct store_options store = { .root = global_options.root, .runroot = global_options.runroot };

	(void)options;
	return run_monitored_check(&store, args->items[0], err);
}

const struct command cmd_monitor_check = {
	.name = "monitor check",
	.group = "Containers",
	.summary = "run a container's health check once (for its monitor)",
	.usage = "ID",
	.options = no_options,
	.min_args = 1,
	.max_args = 1,
	.hidden = true,
	.run = run_check,
};

struct ended_options {
	const char *live, *exit_code, *restarts, *started, *error;
};

static const struct option ended_table[] = {
	OPTION_STRING("live", 0, struct ended_options, live, "N", "the descriptor of the lock", NULL),
	OPTION_STRING("exit-code", 0, struct ended_options, exit_code, "N", "the exit code", NULL),
	OPTION_STRING("restarts", 0, struct ended_options, restarts, "N", "how often it was started again", NULL),
	OPTION_STRING("started", 0, struct ended_options, started, "N", "nanoseconds since 1970", NULL),
	OPTION_STRING("error", 0, struct ended_options, error, "TEXT", "why, if the program didn't end by itself",
		      NULL),
	OPTION_END,
};

static int parse(const char *word, int64_t *ret, struct err *err)
{
	if (!word || num_parse_i64(word, ret) < 0 || *ret < 0)
		return err_set(err, EINVAL, "this command is for monitors");
	return 0;
}

static int run_ended(const void *options, const struct strv *args, struct err *err)
{
	struct store_options store = { .root = global_options.root, .runroot = global_options.runroot };
	const struct ended_options *o = options;
	struct run_ended ended = { .id = args->items[0], .error = o->error };
	int64_t live, exit_code, started;

	if (parse(o->live, &live, err) < 0 || parse(o->exit_code, &exit_code, err) < 0 ||
	    parse(o->restarts, &ended.restarts, err) < 0 || parse(o->started, &started, err) < 0)
		return -1;
	ended.live = (int)live;
	ended.exit_code = (int)exit_code;
	ended.started = (struct timespec){ .tv_sec = started / 1000000000, .tv_nsec = started % 1000000000 };
	return run_monitored_ended(&store, &ended, err);
}

const struct command cmd_monitor_ended = {
	.name = "monitor ended",
	.group = "Containers",
	.summary = "write down a container's end (for its monitor)",
	.usage = "ID",
	.options = ended_table,
	.options_size = sizeof(struct ended_options),
	.min_args = 1,
	.max_args = 1,
	.hidden = true,
	.run = run_ended,
};

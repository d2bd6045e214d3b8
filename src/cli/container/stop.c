#include "cli/container/stop.h"

#include "cli/container/each.h"

#include "base/cleanup.h"
#include "base/num.h"
#include "engine/container/stop.h"
#include "sys/signals.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

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

/* One of those that have been asked and not yet waited for. */
struct asked {
	char id[CONTAINER_ID_MAX];
	struct container_stopping stopping;
	struct err err;
	int r;
};

static void begin_one(struct store *s, const struct stopping *how, const char *name, struct asked *one)
{
	*one = (struct asked){ .stopping = CONTAINER_STOPPING_INIT };
	one->r = container_find(s, name, one->id, &one->err);
	if (one->r >= 0)
		one->r = container_stop_begin(s, one->id, how->signal, how->timeout, &one->stopping, &one->err);
}

static int finish_one(struct store *s, const char *name, struct asked *one)
{
	static const struct each each = { .command = "stop" };

	if (one->r >= 0)
		one->r = container_stop_finish(s, one->id, &one->stopping, &one->err);
	container_stopping_done(&one->stopping);
	return cli_each_result(&each, name, one->r, &one->err);
}

static int run_stop(const void *options, const struct strv *args, struct err *err)
{
	size_t window = args->len < EACH_WINDOW ? args->len : EACH_WINDOW;
	autofree struct asked *ring = NULL;
	autostore struct store *s = NULL;
	struct stopping how;
	int failed = 0, r = cli_stop_parse(options, &how, err);

	if (r < 0)
		return r;
	if (cli_open_store(&s, err) < 0)
		return -1;
	ring = calloc(window, sizeof(*ring));
	if (!ring)
		return err_oom(err);
	for (size_t i = 0, asked = 0; i < args->len; i++) {
		for (; asked < args->len && asked < i + window; asked++)
			begin_one(s, &how, args->items[asked], &ring[asked % window]);
		failed |= finish_one(s, args->items[i], &ring[i % window]);
	}
	return failed;
}

const struct command cmd_stop = {
	.name = "stop",
	.group = "Containers",
	.summary = "ask containers to end, and kill those that don't",
	.usage = "CONTAINER...",
	.description = "All are asked at once. Returns when they have ended. No --restart policy starts them again, "
		       "until 'cloche start' does.",
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

#include "cli/command.h"

#include "engine/container/attach.h"
#include "engine/container/update.h"
#include "engine/run/resources.h"
#include "store/containers.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct update_options {
	struct run_limits limits;
	const char *restart;
};

#define STRING(n, l, field, a, h, c) OPTION_STRING(n, l, struct update_options, field, a, h, c)

static const struct option update_table[] = {
#include "cli/container/limit_options.def"
	STRING("kernel-memory", 0, limits.kernel_memory, "SIZE", "no kernel has it any more: refused", NULL),
	STRING("restart", 0, restart, "POLICY", "when it is started again: no, on-failure[:N], always, unless-stopped",
	       "no on-failure always unless-stopped"),
	OPTION_END,
};

static int change(struct oci_resources *r, const void *arg, struct err *err)
{
	const struct update_options *o = arg;

	return run_limits_apply(&o->limits, r, err);
}

static bool says_nothing(const struct update_options *o)
{
	static const struct update_options nothing;

	return memcmp(o, &nothing, sizeof(nothing)) == 0;
}

static int update_one(struct store *s, const struct update_options *o, const char *word, struct err *err)
{
	static const struct run_limits none;
	enum restart_policy policy = RESTART_NO;
	char id[CONTAINER_ID_MAX];
	int64_t max = 0;
	int r = restart_parse(o->restart ? o->restart : "", &policy, &max, err);

	if (r >= 0)
		r = container_find(s, word, id, err);
	if (r >= 0 && memcmp(&o->limits, &none, sizeof(none)) != 0)
		r = container_update_limits(s, id, change, o, err);
	if (r >= 0 && o->restart) {
		r = container_update_restart(s, id, policy, max, err);
		/* What waits to be started again looks at it now. */
		if (r >= 0)
			attach_nudge(s, id);
	}
	return r < 0 ? err_wrap(err, "container '%s'", word) : 0;
}

static int no_limits(struct err *err)
{
	err_set(err, EINVAL, "give one or more limits, or --restart");
	return err_hint(err, "as in --memory 512m or --cpus 1.5; 'cloche update --help' lists them");
}

static int run_update(const void *options, const struct strv *args, struct err *err)
{
	const struct update_options *o = options;
	struct store_options where = { .root = global_options.root, .runroot = global_options.runroot };
	autostore struct store *s = NULL;
	int failed = 0;

	if (says_nothing(o))
		return no_limits(err);
	if (store_open(&where, &s, err) < 0)
		return -1;
	for (size_t i = 0; i < args->len; i++) {
		struct err one = { 0 };

		if (update_one(s, o, args->items[i], &one) >= 0) {
			puts(args->items[i]);
			continue;
		}
		err_wrap(&one, "update");
		err_print(stderr, &one);
		failed = 1;
	}
	return failed;
}

const struct command cmd_update = {
	.name = "update",
	.group = "Containers",
	.summary = "change limits and restart policy of containers, running or not",
	.usage = "CONTAINER...",
	.description = "A running container is limited at once, and moved into a control group for it if it had none; "
		       "each later "
		       "start has the new limits too.",
	.examples = "$ cloche update --memory 512m --cpus 1.5 web\n"
		    "$ cloche update --restart unless-stopped web",
	.complete = "container",
	.options = update_table,
	.options_size = sizeof(struct update_options),
	.min_args = 1,
	.max_args = -1,
	.run = run_update,
};

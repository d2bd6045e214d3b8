#include "base/num.h"
#include "cli/command.h"
#include "engine/build/cache.h"
#include "engine/open.h"
#include "store/gc.h"

#include <errno.h>
#include <string.h>

struct builder_options {
	const char *days;
};

static const struct option builder_table[] = {
	OPTION_STRING("keep-days", 0, struct builder_options, days, "N", "keep what was asked for in the last N days",
		      NULL),
	OPTION_END,
};

static int run_builder(const void *options, const struct strv *args, struct err *err)
{
	const struct builder_options *o = options;
	autoengine struct engine e = { 0 };
	struct gc_result freed = { 0 };
	char size[16];
	uint64_t entries;
	uint32_t days = 0;
	int r;

	if (strcmp(args->items[0], "prune") != 0)
		return err_set(err, EINVAL, "there is no 'builder %s'; 'builder prune' empties the cache",
			       args->items[0]);
	if (o->days && num_parse_u32(o->days, 100000, &days) < 0)
		return err_set(err, EINVAL, "--keep-days takes a number, not '%s'", o->days);
	r = engine_open(global_options.root, global_options.runroot, &e, err);
	if (r < 0)
		return r;
	entries = build_cache_prune(e.store, days);
	r = gc_collect(e.store, &freed, err);
	if (r < 0)
		return r;
	engine_tidy(&e, false);
	num_format_size(freed.bytes, size);
	printf("removed %llu entries, freed %s%s\n", (unsigned long long)entries, size,
	       freed.skipped ? " (others are at work: the last of them frees more)" : "");
	return 0;
}

const struct command cmd_builder = {
	.name = "builder",
	.group = "Images",
	.summary = "empty the cache of build",
	.usage = "prune",
	.description = "Removes what 'cloche build' remembers of earlier builds, with the layers that no image has, "
		       "and the folders "
		       "of RUN --mount=type=cache. What nothing has asked for in 30 days goes by itself.",
	.examples = "$ cloche builder prune\n$ cloche builder prune --keep-days 7\n",
	.complete = "prune",
	.options = builder_table,
	.options_size = sizeof(struct builder_options),
	.min_args = 1,
	.max_args = 1,
	.run = run_builder,
};

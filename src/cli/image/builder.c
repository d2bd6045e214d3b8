#include "base/num.h"
#include "cli/command.h"
#include "engine/build/cache.h"
#include "engine/open.h"
#include "store/gc.h"

#include <errno.h>

struct builder_prune_options {
	const char *days;
	bool all, force;
};

static const struct option prune_table[] = {
	OPTION_STRING("keep-days", 0, struct builder_prune_options, days, "N",
		      "keep what was asked for in the last N days", NULL),
	OPTION_FLAG("all", 'a', struct builder_prune_options, all, "all of it, which is the default"),
	OPTION_FLAG("force", 'f', struct builder_prune_options, force, "don't ask, which it never does"),
	OPTION_END,
};

static int run_builder_prune(const void *options, const struct strv *args, struct err *err)
{
	const struct builder_prune_options *o = options;
	autoengine struct engine e = { 0 };
	struct gc_result freed = { 0 };
	char size[16];
	uint64_t entries;
	uint32_t days = 0;
	int r;

	(void)args;
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

const struct command cmd_builder_prune = {
	.name = "builder prune",
	.group = "Images",
	.summary = "empty the cache of build",
	.description = "Removes what 'cloche build' remembers of earlier builds, with the layers that no image has, "
		       "and the folders "
		       "of RUN --mount=type=cache. What nothing has asked for in 30 days goes by itself.",
	.examples = "$ cloche builder prune\n$ cloche builder prune --keep-days 7\n",
	.options = prune_table,
	.options_size = sizeof(struct builder_prune_options),
	.run = run_builder_prune,
};

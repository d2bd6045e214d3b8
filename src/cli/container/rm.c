#include "cli/command.h"

#include "base/str.h"
#include "cli/container/each.h"
#include "engine/container/container.h"
#include "engine/container/stop.h"
#include "layer/ensure.h"
#include "sys/idmap.h"

#include <errno.h>
#include <string.h>

struct rm_options {
	bool force, volumes;
};

static const struct option rm_table[] = {
	OPTION_FLAG("force", 'f', struct rm_options, force, "end it first if it runs; one that isn't there is fine"),
	OPTION_FLAG("volumes", 'v', struct rm_options, volumes,
		    "with the volumes that were made for it without a name"),
	OPTION_LATER("link", 'l', "links come with networks that have names, in a later version"),
	OPTION_END,
};

/* Others may start it again after it has been ended, but not for ever. */
enum { KILLS_MAX = 20 };

static int kill_and_remove(struct store *s, const struct rm_options *o, const char *id, struct err *err)
{
	int tries = 0, r;

	do {
		err_clear(err);
		r = o->force ? container_kill(s, id, err) : 0;
		if (r >= 0)
			r = o->volumes ? container_remove_all(s, id, err) : container_remove(s, id, err);
	} while (r == -EBUSY && o->force && ++tries < KILLS_MAX);
	return r;
}

static int remove_one(struct store *s, const struct rm_options *o, const char *word, struct err *err)
{
	char id[CONTAINER_ID_MAX];
	int r = container_find(s, word, id, err);

	if (r == -ENOENT && o->force) {
		err_clear(err);
		return 0;
	}
	if (r >= 0)
		r = kill_and_remove(s, o, id, err);
	if (r == -ENOENT && o->force) {
		/* Its own command has removed it meanwhile (--rm). */
		err_clear(err);
		r = 0;
	}
	if (r == -EBUSY)
		err_hint(err, "it runs: 'cloche rm -f %s' ends it first", word);
	if (r < 0)
		return r;
	puts(word);
	return 0;
}

/* Those that come next end while this one is removed. */
static void kill_ahead(struct store *s, const struct strv *words, size_t at, size_t *killed)
{
	for (; *killed < words->len && *killed < at + EACH_WINDOW; ++*killed) {
		char id[CONTAINER_ID_MAX];

		if (container_find(s, words->items[*killed], id, NULL) >= 0)
			container_kill_begin(s, id);
	}
}

static int run_rm(const void *options, const struct strv *args, struct err *err)
{
	const struct rm_options *o = options;
	struct store_options where = { .root = global_options.root, .runroot = global_options.runroot };
	autostore struct store *s = NULL;
	struct idmap ids;
	size_t killed = 0;
	int failed = 0;

	if (idmap_detect(&ids, err) < 0)
		return -1;
	where.single = ids.mode == ID_MODE_SINGLE;
	if (store_open(&where, &s, err) < 0)
		return -1;
	for (size_t i = 0; i < args->len; i++) {
		struct err one = { 0 };

		if (o->force && args->len > 1)
			kill_ahead(s, args, i, &killed);
		if (remove_one(s, o, args->items[i], &one) >= 0)
			continue;
		err_wrap(&one, "rm");
		err_print(stderr, &one);
		failed = 1;
	}
	containers_sweep(s, 0, true);
	layers_sweep(s, &ids);
	return failed;
}

const struct command cmd_rm = {
	.name = "rm",
	.group = "Containers",
	.summary = "remove containers",
	.usage = "CONTAINER...",
	.examples = "$ cloche rm web\n"
		    "# also if it runs\n"
		    "$ cloche rm -f web\n"
		    "# and its volumes that have no name\n"
		    "$ cloche rm -fv web\n"
		    "# all that don't run\n"
		    "$ cloche container prune -f",
	.see_also = "stop, container prune, system prune",
	.complete = "container",
	.options = rm_table,
	.options_size = sizeof(struct rm_options),
	.min_args = 1,
	.max_args = -1,
	.run = run_rm,
};

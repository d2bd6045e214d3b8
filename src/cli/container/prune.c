#include "cli/command.h"
#include "cli/container/each.h"

#include "base/cleanup.h"
#include "engine/container/row_filter.h"
#include "layer/ensure.h"
#include "sys/idmap.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct prune_options {
	bool force;
	struct strv filters;
};

static const struct option prune_table[] = {
	OPTION_FLAG("force", 'f', struct prune_options, force, "don't ask"),
	OPTION_LIST("filter", 0, struct prune_options, filters, "KEY=VALUE",
		    "as for ps; until=24h: those that were made before", NULL),
	OPTION_END,
};

static bool is_agreed(void)
{
	char answer[16] = "";

	fputs("This removes all containers that don't run. Go on? [y/N] ", stderr);
	return fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

static int prune(struct store *s, struct row_filters *filters, struct err *err)
{
	autorows struct container_rows rows = { 0 };
	int r = container_rows_read(s, &rows, err);

	if (r >= 0)
		r = row_filters_bind(filters, &rows, err);

	for (size_t i = 0; r >= 0 && i < rows.len; i++) {
		const struct container_row *row = &rows.items[i];

		if (container_is_alive(row->status.phase) || !row_filters_pass(s, filters, row))
			continue;
		r = container_remove(s, row->record.id, err);
		/* Somebody has started or removed it meanwhile. */
		if (r == -EBUSY || r == -ENOENT) {
			err_clear(err);
			r = 0;
			continue;
		}
		if (r < 0)
			return r;
		puts(row->record.id);
	}
	return r;
}

static int run_prune(const void *options, const struct strv *args, struct err *err)
{
	const struct prune_options *o = options;
	struct store_options where = { .root = global_options.root, .runroot = global_options.runroot };
	autofilters struct row_filters filters = { 0 };
	autostore struct store *s = NULL;
	struct idmap ids;
	int r;

	(void)args;
	if (row_filters_parse(&o->filters, &filters, err) < 0)
		return -1;
	if (!o->force && isatty(STDIN_FILENO) && !is_agreed())
		return 0;
	if (idmap_detect(&ids, err) < 0)
		return -1;
	where.single = ids.mode == ID_MODE_SINGLE;
	if (store_open(&where, &s, err) < 0)
		return -1;
	r = prune(s, &filters, err);
	containers_sweep(s, 0, true);
	layers_sweep(s, &ids);
	return r < 0 ? -1 : 0;
}

const struct command cmd_container_prune = {
	.name = "container prune",
	.group = "Containers",
	.summary = "remove all containers that don't run",
	.usage = "",
	.options = prune_table,
	.options_size = sizeof(struct prune_options),
	.run = run_prune,
};

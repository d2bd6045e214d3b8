#include "base/num.h"
#include "cli/command.h"
#include "cli/listing.h"
#include "engine/volume/disk.h"
#include "oci/json.h"

#include <errno.h>
#include <inttypes.h>

struct df_options {
	const char *format;
};

static const struct option df_table[] = {
	OPTION_STRING("format", 0, struct df_options, format, "FORMAT",
		      "print by a Go template, 'table TEMPLATE' or 'json'", "json table"),
	OPTION_LATER("verbose", 'v', "'images', 'ps -a' and 'volume ls' list them one by one"),
	OPTION_END,
};

static const struct listing_column columns[] = {
	{ "Type", "TYPE" }, { "TotalCount", "TOTAL" },	      { "Active", "ACTIVE" },
	{ "Size", "SIZE" }, { "Reclaimable", "RECLAIMABLE" }, { NULL, NULL },
};

static int add_row(json_t *rows, const char *type, const struct disk_part *part)
{
	json_t *row = json_object();
	char total[24], active[24], size[16], free_size[16], reclaimable[32];

	snprintf(total, sizeof(total), "%" PRIu64, part->total);
	snprintf(active, sizeof(active), "%" PRIu64, part->active);
	num_format_size(part->bytes, size);
	num_format_size(part->reclaimable, free_size);
	if (part->bytes)
		snprintf(reclaimable, sizeof(reclaimable), "%s (%.0f%%)", free_size,
			 100.0 * (double)part->reclaimable / (double)part->bytes);
	else
		snprintf(reclaimable, sizeof(reclaimable), "%s", free_size);
	if (json_array_append_new(rows, row) < 0 || json_add_string(row, "Type", type) < 0 ||
	    json_add_string(row, "TotalCount", total) < 0 || json_add_string(row, "Active", active) < 0 ||
	    json_add_string(row, "Size", size) < 0 || json_add_string(row, "Reclaimable", reclaimable) < 0)
		return -ENOMEM;
	return 0;
}

static int run_df(const void *options, const struct strv *args, struct err *err)
{
	const struct df_options *o = options;
	const struct listing listing = {
		.format = o->format,
		.columns = columns,
		.table = "{{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}",
	};
	autoengine struct engine e = { 0 };
	autojson json_t *rows = json_array();
	struct disk_parts parts;
	int r = engine_open(global_options.root, global_options.runroot, &e, err);

	(void)args;
	if (r >= 0)
		r = disk_parts_read(&e, &parts, err);
	if (r < 0)
		return -1;
	if (!rows || add_row(rows, "Images", &parts.images) < 0 || add_row(rows, "Containers", &parts.containers) < 0 ||
	    add_row(rows, "Local Volumes", &parts.volumes) < 0 || add_row(rows, "Build Cache", &parts.cache) < 0)
		return err_oom(err);
	return listing_print(stdout, &listing, rows, err) < 0 ? -1 : 0;
}

const struct command cmd_system_df = {
	.name = "system df",
	.group = "Other",
	.summary = "show what images, containers, volumes and the cache of build take of the disk",
	.description = "ACTIVE is how many of them something uses, RECLAIMABLE what a prune would free. What several "
		       "share counts "
		       "once. Images are counted as the store has them: their archives and the unpacked layers.\n\n"
		       "Fields for --format: .Type .TotalCount .Active .Size .Reclaimable",
	.examples = "$ cloche system df\n# and give it back\n$ cloche system prune\n$ cloche builder prune",
	.options = df_table,
	.options_size = sizeof(struct df_options),
	.run = run_df,
};

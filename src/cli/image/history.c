#include "base/num.h"
#include "base/str.h"
#include "cli/command.h"
#include "cli/listing.h"
#include "cli/words.h"
#include "engine/open.h"
#include "oci/json.h"
#include "store/image.h"
#include "store/layers.h"

#include <errno.h>
#include <string.h>

enum { CREATED_BY_WIDTH = 45 };

struct history_options {
	bool no_trunc, quiet;
	const char *format, *human;
};

static const struct option history_table[] = {
	OPTION_STRING("format", 0, struct history_options, format, "FORMAT",
		      "print by a Go template, 'table TEMPLATE' or 'json'", "json table"),
	OPTION_STRING("human", 'H', struct history_options, human, "true|false",
		      "sizes and dates for people (default true)", "true false"),
	OPTION_FLAG("no-trunc", 0, struct history_options, no_trunc, "show IDs and instructions in full"),
	OPTION_FLAG("quiet", 'q', struct history_options, quiet, "show only the IDs"),
	OPTION_END,
};

static const struct listing_column columns[] = {
	{ "ID", "IMAGE" },
	{ "CreatedSince", "CREATED" },
	{ "CreatedAt", "CREATED AT" },
	{ "CreatedBy", "CREATED BY" },
	{ "Size", "SIZE" },
	{ "Comment", "COMMENT" },
	{ NULL, NULL },
};

struct history_view {
	const struct history_options *options;
	bool human;
	struct store *store;
	const struct store_image *img;
};

/* Tabs and newlines would break the table; docker shows them as blanks too. */
static char *one_line(const char *s)
{
	char *copy = strdup(s);

	for (char *p = copy; p && *p; p++)
		if (*p == '\t' || *p == '\n' || *p == '\r')
			*p = ' ';
	return copy;
}

static int add_created_by(const struct history_view *v, json_t *row, const char *created_by)
{
	autofree char *flat = one_line(created_by ? created_by : ""), *cut = NULL;

	if (!flat)
		return -ENOMEM;
	if (v->options->no_trunc)
		return json_add(row, "CreatedBy", json_text(flat));
	cut = words_ellipsis(flat, CREATED_BY_WIDTH);
	return cut ? json_add(row, "CreatedBy", json_text(cut)) : -ENOMEM;
}

static int add_id(const struct history_view *v, json_t *row, bool newest)
{
	char id[DIGEST_STR_MAX];

	if (!newest)
		return json_add_string(row, "ID", "<missing>");
	digest_format(&v->img->id, id);
	if (!v->options->no_trunc)
		id[7 + 12] = '\0';
	return json_add_string(row, "ID", v->options->no_trunc ? id : id + 7);
}

static uint64_t layer_size(const struct history_view *v, size_t layer)
{
	struct layer_info info;

	if (layer >= v->img->config.diff_ids_len)
		return 0;
	if (layer_info_read(v->store, &v->img->config.diff_ids[layer], &info, NULL) >= 0)
		return info.tree_size;
	return v->img->manifest.layers[layer].size;
}

static json_t *row_json(const struct history_view *v, const struct image_history *h, uint64_t bytes, bool newest)
{
	autojson json_t *row = json_object();
	autofree char *comment = one_line(h->comment ? h->comment : "");
	char since[48], at[48], size[24];

	words_since(h->created, since);
	words_date(h->created, at);
	if (v->human)
		num_format_size(bytes, size);
	else
		snprintf(size, sizeof(size), "%llu", (unsigned long long)bytes);
	if (!row || !comment || add_id(v, row, newest) < 0 ||
	    json_add_string(row, "CreatedSince", v->human ? since : at) < 0 ||
	    json_add_string(row, "CreatedAt", at) < 0 || add_created_by(v, row, h->created_by) < 0 ||
	    json_add_string(row, "Size", size) < 0 || json_add(row, "Comment", json_text(comment)) < 0)
		return NULL;
	return TAKE_PTR(row);
}

/* Layers that no step of the history names are shown too, as steps that say nothing. */
static int add_rows(const struct history_view *v, json_t *rows, struct err *err)
{
	const struct image_config *c = &v->img->config;
	bool matches = c->diff_ids_len == 0 || image_config_layer_history(c, 0);
	size_t steps = matches ? c->history_len : c->diff_ids_len, layer = 0;

	for (size_t i = 0; i < steps; i++) {
		static const struct image_history unknown;
		const struct image_history *h = matches ? &c->history[i] : &unknown;
		uint64_t bytes = h->empty_layer ? 0 : layer_size(v, layer++);

		if (json_array_insert_new(rows, 0, row_json(v, h, bytes, i + 1 == steps)) < 0)
			return err_oom(err);
	}
	return 0;
}

static int print(const struct history_options *o, struct store *store, const struct store_image *img, struct err *err)
{
	struct history_view v = { o, true, store, img };
	struct listing listing = {
		.format = o->format,
		.columns = columns,
		.quiet = o->quiet,
		.quiet_field = "ID",
		.table = "{{.ID}}\t{{.CreatedSince}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}",
	};
	autojson json_t *rows = json_array();
	int r;

	if (o->human && strcmp(o->human, "true") != 0 && strcmp(o->human, "false") != 0)
		return err_set(err, EINVAL, "--human takes true or false, not '%s'", o->human);
	v.human = !o->human || strcmp(o->human, "true") == 0;
	r = rows ? add_rows(&v, rows, err) : err_oom(err);
	return r < 0 ? r : listing_print(stdout, &listing, rows, err);
}

static int run_history(const void *options, const struct strv *args, struct err *err)
{
	autoengine struct engine e = { 0 };
	struct store_image img;
	int r = engine_open(global_options.root, global_options.runroot, &e, err);

	if (r >= 0)
		r = store_image_open(e.store, args->items[0], &img, err);
	if (r < 0)
		return -1;
	r = print(options, e.store, &img, err);
	store_image_done(&img);
	return r < 0 ? -1 : 0;
}

const struct command cmd_history = {
	.name = "history",
	.group = "Images",
	.summary = "show the steps that made an image",
	.usage = "IMAGE",
	.description = "One line for each instruction, the newest first, with the size of the files in the layer that "
		       "it made. Steps below "
		       "the newest have no image of their own: <missing>, as docker says.\n\n"
		       "Fields for --format: .ID .CreatedSince .CreatedAt .CreatedBy .Size .Comment",
	.examples = "$ cloche history debian:12\n$ cloche history --no-trunc --format '{{.Size}} {{.CreatedBy}}' web",
	.complete = "image",
	.options = history_table,
	.options_size = sizeof(struct history_options),
	.min_args = 1,
	.max_args = 1,
	.run = run_history,
};

#include "base/num.h"
#include "base/str.h"
#include "cli/command.h"
#include "cli/listing.h"
#include "cli/volume/volume_rows.h"
#include "oci/json.h"

#include <errno.h>
#include <string.h>

struct ls_options {
	bool quiet;
	const char *format;
	struct strv filters;
};

static const struct option ls_table[] = {
	OPTION_LIST("filter", 'f', struct ls_options, filters, "FILTER",
		    "list only some: name=PART, label=KEY[=VALUE], dangling=true|false, driver=local", NULL),
	OPTION_STRING("format", 0, struct ls_options, format, "FORMAT",
		      "print by a Go template, 'table TEMPLATE' or 'json'", "json table"),
	OPTION_FLAG("quiet", 'q', struct ls_options, quiet, "show only the names"),
	OPTION_END,
};

static const struct listing_column columns[] = {
	{ "Driver", "DRIVER" }, { "Name", "VOLUME NAME" },	{ "Scope", "SCOPE" },
	{ "Labels", "LABELS" }, { "Mountpoint", "MOUNTPOINT" }, { NULL, NULL },
};

struct filter {
	struct strv names, labels; /* any of the names, all of the labels */
	int dangling;		   /* 0: not asked, 1: only unused, -1: only used */
	bool none;		   /* of another driver: there are none */
};

static void filter_done(struct filter *f)
{
	strv_done(&f->names);
	strv_done(&f->labels);
}

static int parse_filter(const char *word, struct filter *f, struct err *err)
{
	const char *value;

	if ((value = str_skip_prefix(word, "name=")))
		return strv_add(&f->names, value) < 0 ? err_oom(err) : 0;
	if ((value = str_skip_prefix(word, "label=")))
		return strv_add(&f->labels, value) < 0 ? err_oom(err) : 0;
	if ((value = str_skip_prefix(word, "driver="))) {
		f->none |= strcmp(value, "local") != 0;
		return 0;
	}
	if ((value = str_skip_prefix(word, "dangling="))) {
		f->dangling = strcmp(value, "true") == 0 || strcmp(value, "1") == 0 ? 1 : -1;
		if (f->dangling == 1 || strcmp(value, "false") == 0 || strcmp(value, "0") == 0)
			return 0;
	}
	err_set(err, EINVAL, "invalid filter '%s'", word);
	return err_hint(err, "there are name=PART, label=KEY[=VALUE], dangling=true|false and driver=local");
}

static int accepts(struct store *s, const struct filter *f, const struct volume *v, struct err *err)
{
	const struct volume_filter labels = { .labels = &f->labels };
	autostrv struct strv users = { 0 };
	bool named = f->names.len == 0;
	int r;

	for (size_t i = 0; i < f->names.len; i++)
		named |= strstr(v->name, f->names.items[i]) != NULL;
	if (f->none || !named || !volume_fits_labels(v, &labels))
		return 0;
	if (!f->dangling)
		return 1;
	r = volume_users(s, v->name, NULL, &users, err);
	return r < 0 ? r : (users.len == 0) == (f->dangling == 1);
}

/* Fields of a row are text: "key=value,key=value". */
static json_t *row_of(struct engine *e, const struct volume *v)
{
	json_t *o = volume_object(e, v);
	autobuf struct buf labels = BUF_INIT(1 << 20);

	for (size_t i = 0; i + 1 < v->labels.len; i += 2)
		buf_addf(&labels, "%s%s=%s", i ? "," : "", v->labels.items[i], v->labels.items[i + 1]);
	if (o && json_object_set_new(o, "Labels", json_text(buf_str(&labels))) == 0)
		return o;
	json_decref(o);
	return NULL;
}

static int collect(struct engine *e, const struct filter *f, json_t *rows, struct err *err)
{
	autostrv struct strv names = { 0 };
	int r = volumes_list(e->store, &names, err);

	for (size_t i = 0; r >= 0 && i < names.len; i++) {
		autovolume struct volume v = { 0 };

		/* One that was removed meanwhile is no mistake. */
		r = volume_read(e->store, names.items[i], &v, err);
		if (r == -ENOENT) {
			err_clear(err);
			r = 0;
			continue;
		}
		if (r >= 0)
			r = accepts(e->store, f, &v, err);
		if (r > 0 && json_array_append_new(rows, row_of(e, &v)) < 0)
			r = err_oom(err);
	}
	return r;
}

static int run_ls(const void *options, const struct strv *args, struct err *err)
{
	const struct ls_options *o = options;
	const struct listing listing = { .format = o->format,
					 .columns = columns,
					 .quiet = o->quiet,
					 .quiet_field = "Name",
					 .table = "{{.Driver}}\t{{.Name}}" };
	CLEANUP(filter_done) struct filter filter = { 0 };
	autoengine struct engine e = { 0 };
	autojson json_t *rows = json_array();
	int r = rows ? 0 : err_oom(err);

	(void)args;
	for (size_t i = 0; r >= 0 && i < o->filters.len; i++)
		r = parse_filter(o->filters.items[i], &filter, err);
	if (r >= 0)
		r = engine_open(global_options.root, global_options.runroot, &e, err);
	if (r >= 0)
		r = collect(&e, &filter, rows, err);
	if (r >= 0)
		r = listing_print(stdout, &listing, rows, err);
	return r < 0 ? -1 : 0;
}

const struct command cmd_volume_ls = {
	.name = "volume ls",
	.group = "Volumes",
	.summary = "list the volumes of the store",
	.usage = "",
	.description = "Fields for --format: .Driver .Name .Scope .Labels .Mountpoint .CreatedAt",
	.examples = "$ cloche volume ls\n$ cloche volume ls -q --filter dangling=true",
	.options = ls_table,
	.options_size = sizeof(struct ls_options),
	.run = run_ls,
};

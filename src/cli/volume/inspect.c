#include "base/str.h"
#include "base/timefmt.h"
#include "cli/command.h"
#include "cli/listing.h"
#include "cli/volume/volume_rows.h"
#include "oci/json.h"

#include <errno.h>
#include <string.h>

static json_t *pairs_object(const struct strv *pairs)
{
	json_t *o = pairs->len ? json_object() : json_null();

	for (size_t i = 0; i + 1 < pairs->len; i += 2)
		json_object_set_new(o, pairs->items[i], json_text(pairs->items[i + 1]));
	return o;
}

json_t *volume_object(struct engine *e, const struct volume *v)
{
	autofree char *folder = str_format("%s/volumes/%s/data", e->store->root, v->name);
	autojson json_t *o = json_object();
	char created[TIME_RFC3339_MAX];

	time_format_rfc3339(v->created, created);
	if (!o || !folder || json_add_string(o, "CreatedAt", created) < 0 ||
	    json_add_string(o, "Driver", "local") < 0 || json_add(o, "Labels", pairs_object(&v->labels)) < 0 ||
	    json_add_string(o, "Mountpoint", folder) < 0 || json_add_string(o, "Name", v->name) < 0 ||
	    json_add(o, "Options", pairs_object(&v->options)) < 0 || json_add_string(o, "Scope", "local") < 0)
		return NULL;
	return TAKE_PTR(o);
}

int inspect_volume(struct engine *e, const char *name, json_t **ret, struct err *err)
{
	autovolume struct volume v = { 0 };
	int r = volume_read(e->store, name, &v, err);

	if (r < 0)
		return r;
	*ret = volume_object(e, &v);
	return *ret ? 0 : err_oom(err);
}

struct inspect_options {
	const char *format;
};

static const struct option inspect_table[] = {
	OPTION_STRING("format", 'f', struct inspect_options, format, "FORMAT",
		      "print each by a Go template, or all as 'json' on one line", "json"),
	OPTION_END,
};

/* What is found is printed, also if others are missing. */
static int run_inspect(const void *options, const struct strv *args, struct err *err)
{
	const struct inspect_options *o = options;
	autoengine struct engine e = { 0 };
	autojson json_t *rows = json_array();
	struct err missing = { 0 };
	int r = engine_open(global_options.root, global_options.runroot, &e, err);

	for (size_t i = 0; r >= 0 && i < args->len; i++) {
		json_t *one = NULL;

		r = inspect_volume(&e, args->items[i], &one, err);
		if (r >= 0 && json_array_append_new(rows, one) < 0)
			r = err_oom(err);
		if (r == -ENOENT) {
			missing = *err;
			r = 0;
		}
	}
	if (r >= 0)
		r = listing_inspect(stdout, o->format, rows, err);
	if (r < 0 || !missing.code)
		return r < 0 ? -1 : 0;
	*err = missing;
	return -1;
}

const struct command cmd_volume_inspect = {
	.name = "volume inspect",
	.group = "Volumes",
	.summary = "show all that is known of a volume",
	.usage = "VOLUME...",
	.examples = "$ cloche volume inspect data\n$ ls \"$(cloche volume inspect -f '{{.Mountpoint}}' data)\"",
	.complete = "volume",
	.options = inspect_table,
	.options_size = sizeof(struct inspect_options),
	.min_args = 1,
	.max_args = -1,
	.run = run_inspect,
};

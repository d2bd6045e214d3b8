#include "base/str.h"
#include "base/num.h"
#include "base/timefmt.h"
#include "cli/command.h"
#include "cli/image/remote_options.h"
#include "cli/listing.h"
#include "cli/words.h"
#include "engine/image/images.h"
#include "engine/image/remote_list.h"
#include "oci/json.h"

#include <errno.h>
#include <string.h>

struct images_options {
	bool all, quiet, digests, no_trunc, remote;
	const char *format;
	struct strv filters;
	struct remote_words registry;
};

static const struct option images_table[] = {
	OPTION_FLAG("all", 'a', struct images_options, all,
		    "list all images; there are no hidden ones here, so it is the default"),
	OPTION_FLAG("digests", 0, struct images_options, digests, "show the manifests' digests too"),
	OPTION_LIST("filter", 'f', struct images_options, filters, "FILTER",
		    "list only some: reference=PATTERN, dangling=true, label=KEY[=VALUE], before=IMAGE, since=IMAGE",
		    NULL),
	OPTION_STRING("format", 0, struct images_options, format, "FORMAT",
		      "print by a Go template, 'table TEMPLATE' or 'json'", "json table"),
	OPTION_FLAG("no-trunc", 0, struct images_options, no_trunc, "show IDs in full"),
	OPTION_FLAG("quiet", 'q', struct images_options, quiet, "show only the IDs; with --remote, only the names"),
	OPTION_FLAG("remote", 0, struct images_options, remote, "list the tags that a registry has of REPOSITORY"),
	REMOTE_OPTIONS(struct images_options, registry),
	OPTION_END,
};

static const struct listing_column columns[] = {
	{ "Repository", "REPOSITORY" },
	{ "Tag", "TAG" },
	{ "Digest", "DIGEST" },
	{ "ID", "IMAGE ID" },
	{ "CreatedSince", "CREATED" },
	{ "CreatedAt", "CREATED AT" },
	{ "Size", "SIZE" },
	{ "Containers", "CONTAINERS" },
	{ NULL, NULL },
};

/* "debian" and "12", or "<none>" for both. */
static int add_name(json_t *row, const char *name)
{
	struct reference ref;
	const char *repository = "<none>", *tag = "<none>";

	if (name && reference_parse(name, &ref, NULL) >= 0) {
		repository = reference_familiar_name(&ref);
		tag = ref.tag;
	}
	return json_add_string(row, "Repository", repository) < 0 || json_add_string(row, "Tag", tag) < 0 ? -ENOMEM : 0;
}

static int add_id(json_t *row, const struct image_row *image, bool no_trunc)
{
	char id[DIGEST_STR_MAX];

	if (image->damaged)
		return json_add_string(row, "ID", "<damaged>");
	digest_format(&image->id, id);
	if (no_trunc)
		return json_add_string(row, "ID", id);
	id[7 + 12] = '\0';
	return json_add_string(row, "ID", id + 7);
}

static json_t *row_json(const struct image_row *image, const struct images_options *o)
{
	autojson json_t *row = json_object();
	char digest[DIGEST_STR_MAX], size[16], since[48], at[48], containers[16];

	digest_format(&image->manifest, digest);
	num_format_size(image->size, size);
	words_since(image->config.created, since);
	words_date(image->config.created, at);
	snprintf(containers, sizeof(containers), "%zu", image->containers);
	if (!row || add_name(row, image->name) < 0 || json_add_string(row, "Digest", digest) < 0 ||
	    add_id(row, image, o->no_trunc) < 0 || json_add_string(row, "CreatedSince", since) < 0 ||
	    json_add_string(row, "CreatedAt", at) < 0 || json_add_string(row, "Size", size) < 0 ||
	    json_add_string(row, "Containers", containers) < 0)
		return NULL;
	return TAKE_PTR(row);
}

/* With --quiet each image once, however many names it has. */
static bool seen_before(const struct image_rows *rows, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (digest_equal(&rows->items[i].id, &rows->items[at].id))
			return true;
	return false;
}

static int print(const struct images_options *o, const struct image_rows *images, struct err *err)
{
	struct listing listing = {
		.format = o->format,
		.columns = columns,
		.quiet = o->quiet,
		.quiet_field = "ID",
		.table = o->digests ? "{{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}"
				    : "{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}",
	};
	autojson json_t *rows = json_array();

	for (size_t i = 0; i < images->len; i++) {
		if (o->quiet && seen_before(images, i))
			continue;
		if (!rows || json_array_append_new(rows, row_json(&images->items[i], o)) < 0)
			return err_oom(err);
	}
	return listing_print(stdout, &listing, rows, err);
}

/* --- in a registry --- */

static int add_tag(json_t *rows, const char *name, const char *tag, const char *digest)
{
	json_t *row = json_object();

	if (json_add_string(row, "Repository", name) < 0 || json_add_string(row, "Tag", tag) < 0 ||
	    json_object_set_new(row, "Digest", json_text(digest ? digest : "")) < 0) {
		json_decref(row);
		return -ENOMEM;
	}
	return json_array_append_new(rows, row) < 0 ? -ENOMEM : 0;
}

static int list_remote(const struct images_options *o, const char *image, struct err *err)
{
	const struct remote_options remote = remote_options_of(&o->registry);
	const struct listing listing = {
		.format = o->quiet ? "{{.Repository}}:{{.Tag}}" : o->format,
		.columns = columns,
		.table = o->digests ? "{{.Repository}}\t{{.Tag}}\t{{.Digest}}" : "{{.Repository}}\t{{.Tag}}",
	};
	bool digests = o->digests || (o->format && strstr(o->format, "Digest"));
	autojson json_t *rows = json_array();
	autostrv struct strv tags = { 0 };
	char name[REFERENCE_MAX];
	int r;

	if (!image)
		return err_set(err, EINVAL,
			       "--remote needs a repository: 'cloche images --remote docker.io/library/debian'");
	if (o->filters.len || !rows)
		return rows ? err_set(err, EINVAL, "--remote takes no --filter") : err_oom(err);
	r = remote_list_tags(&remote, image, digests, &tags, name, err);
	if (r < 0)
		return err_wrap(err, "'%s'", image);
	for (size_t i = 0; i < tags.len; i += digests ? 2 : 1)
		if (add_tag(rows, name, tags.items[i], digests ? tags.items[i + 1] : NULL) < 0)
			return err_oom(err);
	return listing_print(stdout, &listing, rows, err);
}

static int run_images(const void *options, const struct strv *args, struct err *err)
{
	const struct images_options *o = options;
	autoengine struct engine e = { 0 };
	autoimages struct image_rows images = { 0 };
	autostrv struct strv filters = { 0 };
	int r;

	if (o->remote)
		return list_remote(o, args->len ? args->items[0] : NULL, err);
	r = engine_open(global_options.root, global_options.runroot, &e, err);

	if (r >= 0 && (strv_add_all(&filters, &o->filters) < 0 ||
		       (args->len > 0 && strv_addf(&filters, "reference=%s", args->items[0]) < 0)))
		r = err_oom(err);
	if (r >= 0)
		r = engine_images(&e, &filters, &images, err);
	if (r >= 0)
		r = print(o, &images, err);
	return r < 0 ? -1 : 0;
}

const struct command cmd_images = {
	.name = "images",
	.group = "Images",
	.summary = "list the images of the store",
	.usage = "[REPOSITORY[:TAG]]",
	.description = "Lists each name with the image that it leads to, the newest image first. SIZE is what the "
		       "image's files take "
		       "when they are unpacked; layers that images share are on disk once.\n\n"
		       "Fields for --format: .Repository .Tag .Digest .ID .CreatedSince .CreatedAt .Size .Containers; "
		       "with --remote the first "
		       "three.",
	.examples = "$ cloche images\n# only names and sizes\n$ cloche images --format '{{.Repository}}:{{.Tag}} "
		    "{{.Size}}'\n"
		    "$ cloche images --filter dangling=true -q",
	.complete = "image",
	.options = images_table,
	.options_size = sizeof(struct images_options),
	.max_args = 1,
	.run = run_images,
};

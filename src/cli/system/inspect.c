#include "base/str.h"
#include "cli/command.h"
#include "cli/image/inside_print.h"
#include "cli/image/inspect_place.h"
#include "cli/system/inspect_kinds.h"
#include "cli/volume/volume_rows.h"
#include "cli/listing.h"
#include "cli/container/mounts_print.h"
#include "engine/image/inside.h"
#include "engine/image/inspect.h"
#include "engine/move/place.h"
#include "engine/container/inspect.h"
#include "oci/json.h"

#include <errno.h>
#include <string.h>

struct inspect_options {
	const char *format, *type;
	bool layers, files, mounts, size;
	struct inspect_place_words place;
};

static const struct option inspect_table[] = {
	OPTION_STRING("format", 'f', struct inspect_options, format, "FORMAT",
		      "print each by a Go template, or all as 'json' on one line", "json"),
	OPTION_FLAG("size", 's', struct inspect_options, size,
		    "also how much a container takes of the disk: SizeRw and SizeRootFs"),
	OPTION_FLAG("layers", 0, struct inspect_options, layers,
		    "say what is inside an image: its program and what that needs, each layer and the instruction that "
		    "made it"),
	OPTION_FLAG("files", 0, struct inspect_options, files, "with --layers: list all files of each layer"),
	OPTION_FLAG("mounts", 0, struct inspect_options, mounts,
		    "show a container's mounts as a tree, each with where it comes from"),
	OPTION_STRING("type", 0, struct inspect_options, type, "TYPE",
		      "look only for an image, a container or a volume", "image container volume"),
	OPTION_HEADING("Images elsewhere (docker://, oci:, oci-archive:, docker-archive:, dir:, store:)"),
	OPTION_FLAG("raw", 0, struct inspect_options, place.raw,
		    "the manifest, or the list, byte for byte; with --config the configuration"),
	OPTION_FLAG("config", 0, struct inspect_options, place.config, "the image's configuration"),
	OPTION_FLAG("no-tags", 'n', struct inspect_options, place.no_tags, "don't list the tags of the repository"),
	OPTION_STRING("platform", 0, struct inspect_options, place.platform, "linux/ARCH[/VARIANT]",
		      "of a list, the image for this (default: ours)", NULL),
	REMOTE_OPTIONS(struct inspect_options, place.remote),
	OPTION_END,
};

static const struct inspect_kind kinds[] = {
	{ "container", engine_inspect_container },
	{ "image", engine_inspect_image },
	{ "volume", inspect_volume },
};

static int check_type(const char *type, struct err *err)
{
	if (!type)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(kinds[i].type, type) == 0)
			return 0;
	return err_set(err, EINVAL, "--type: there is nothing of type '%s' to inspect", type);
}

static int inspect_one(struct engine *e, const struct inspect_options *o, const char *name, json_t *rows,
		       struct err *err)
{
	const char *type = o->type;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		json_t *object = NULL;
		int r;

		if (type && strcmp(kinds[i].type, type) != 0)
			continue;
		if (o->size && kinds[i].inspect == engine_inspect_container)
			r = engine_inspect_container_size(e, name, &object, err);
		else
			r = kinds[i].inspect(e, name, &object, err);
		if (r >= 0)
			return json_array_append_new(rows, object) < 0 ? err_oom(err) : 0;
		if (r != -ENOENT || type)
			return r;
	}
	err_set(err, ENOENT, "there is nothing named '%s'", name);
	return err_hint(err, "'cloche images' lists images, 'cloche ps -a' containers");
}

/* --layers: text for people, unless a format is asked for. */
static int show_inside(struct engine *e, const struct inspect_options *o, const struct strv *images, struct err *err)
{
	autojson json_t *rows = json_array();

	if (o->type && strcmp(o->type, "image") != 0)
		return err_set(err, EINVAL, "--layers: only images have layers, not a %s", o->type);
	for (size_t i = 0; i < images->len; i++) {
		json_t *inside = NULL;
		int r = engine_inside(e, images->items[i], o->files, &inside, err);

		if (r < 0)
			return r;
		if (!rows || json_array_append(rows, inside) < 0)
			r = err_oom(err);
		else if (!o->format)
			inside_print(stdout, inside);
		json_decref(inside);
		if (r < 0)
			return r;
	}
	return o->format ? listing_inspect(stdout, o->format, rows, err) : 0;
}

static int show_mounts(struct engine *e, const struct strv *containers, struct err *err)
{
	for (size_t i = 0; i < containers->len; i++) {
		CLEANUP(container_mounts_done) struct container_mounts mounts = { 0 };
		int r = engine_container_mounts(e, containers->items[i], &mounts, err);

		if (r < 0)
			return r;
		mounts_print(stdout, &mounts);
	}
	return 0;
}

/* Some names begin with a transport: then all must. 1: they do. */
static int are_places(const struct strv *names, struct err *err)
{
	size_t count = 0;

	for (size_t i = 0; i < names->len; i++)
		count += place_is_one(names->items[i]);
	if (count > 0 && count < names->len)
		return err_set(err, EINVAL, "images elsewhere and things of the store can't be asked for at once");
	return count > 0;
}

static int check_options(const struct inspect_options *o, bool places, struct err *err)
{
	if (!places && inspect_place_is_asked(&o->place)) {
		err_set(err, EINVAL, "that concerns images elsewhere only");
		return err_hint(
			err,
			"the name then begins with docker://, oci:, oci-archive:, docker-archive:, dir: or store:");
	}
	if (places && (o->layers || o->files || o->mounts || o->size || o->type))
		return err_set(err, EINVAL, "of an image elsewhere only its manifest and configuration are read");
	return 0;
}

/* What is found is printed, also if others are missing. */
static int run_inspect(const void *options, const struct strv *args, struct err *err)
{
	const struct inspect_options *o = options;
	autoengine struct engine e = { 0 };
	autojson json_t *rows = json_array();
	struct err missing = { 0 };
	int r = check_type(o->type, err), places = are_places(args, err);

	if (places < 0)
		return -1;
	if (r >= 0)
		r = check_options(o, places > 0, err);
	if (r >= 0 && places > 0)
		return inspect_places(&o->place, o->format, args, err) < 0 ? -1 : 0;
	if (r >= 0)
		r = engine_open(global_options.root, global_options.runroot, &e, err);
	if (r >= 0 && o->files && !o->layers)
		r = err_set(err, EINVAL, "--files goes with --layers");
	if (r >= 0 && o->mounts)
		return show_mounts(&e, args, err) < 0 ? -1 : 0;
	if (r >= 0 && o->layers)
		return show_inside(&e, o, args, err) < 0 ? -1 : 0;
	for (size_t i = 0; r >= 0 && i < args->len; i++) {
		r = inspect_one(&e, o, args->items[i], rows, err);
		if (r == -ENOENT) {
			if (missing.code) {
				err_wrap(&missing, "inspect");
				err_print(stderr, &missing);
			}
			missing = *err;
			r = 0;
		}
	}
	if (r >= 0)
		r = listing_inspect(stdout, o->format, rows, err);
	if (r >= 0 && missing.code) {
		*err = missing;
		r = -missing.code;
	}
	return r < 0 ? -1 : 0;
}

const struct command cmd_inspect = {
	.name = "inspect",
	.group = "Insight",
	.summary = "show all that is known of a container, an image or a volume",
	.usage = "NAME [NAME...]",
	.description = "Prints a JSON array with one object for each, with docker's names for the fields.\n\n"
		       "With --layers it says instead what is inside an image: the command and its surroundings; each "
		       "layer with the "
		       "instruction that made it, its size and its largest files; and for the program that is started "
		       "its format, its "
		       "interpreter, and whether the libraries that it needs are in the image. A static program is "
		       "said to need none.\n\n"
		       "An image need not be here: docker://NAME asks its registry, and oci:FOLDER[:NAME], "
		       "oci-archive:FILE[:NAME], docker-archive:FILE[:NAME] and dir:FOLDER are looked into; what is "
		       "printed is what skopeo inspect prints.",
	.examples =
		"# what is inside this image?\n$ cloche inspect --layers debian:12\n"
		"$ cloche inspect debian:12\n$ cloche inspect -f '{{.Config.Cmd}} {{json .RootFS.Layers}}' debian:12\n"
		"# without pulling it\n$ cloche inspect docker://debian:12",
	.complete = "image",
	.options = inspect_table,
	.options_size = sizeof(struct inspect_options),
	.min_args = 1,
	.max_args = -1,
	.run = run_inspect,
};

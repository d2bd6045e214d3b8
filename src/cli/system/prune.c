/* The commands `container prune`, `volume prune`, `image prune` and `system prune`. */
#include "base/num.h"
#include "base/str.h"
#include "cli/command.h"
#include "cli/confirm.h"
#include "engine/build/cache.h"
#include "engine/volume/prune.h"
#include "store/gc.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct prune_options {
	bool all, force, volumes;
	struct strv filters;
};

/* --- what is printed --- */

static void print_part(const char *heading, const struct pruned *p)
{
	if (!p->names.len)
		return;
	puts(heading);
	for (size_t i = 0; i < p->names.len; i++)
		puts(p->names.items[i]);
	putchar('\n');
}

static void print_total(uint64_t bytes)
{
	char size[16];

	num_format_size(bytes, size);
	printf("Total reclaimed space: %s\n", size);
}

/* What is left of it all: unnamed blobs and layers. Comes last, since it settles the store. */
static int collect(struct engine *e, uint64_t *bytes, struct err *err)
{
	struct gc_result freed = { 0 };
	int r = gc_collect(e->store, &freed, err);

	if (r < 0)
		return r;
	*bytes += freed.bytes;
	engine_tidy(e, false);
	return 0;
}

/* --- filters --- */

struct label_words {
	struct strv labels, not_labels;
};

static void label_words_done(struct label_words *w)
{
	strv_done(&w->labels);
	strv_done(&w->not_labels);
}

static int parse_labels(const struct strv *filters, struct label_words *ret, struct err *err)
{
	for (size_t i = 0; i < filters->len; i++) {
		const char *label = str_skip_prefix(filters->items[i], "label="),
			   *other = str_skip_prefix(filters->items[i], "label!=");

		if (!label && !other) {
			err_set(err, EINVAL, "invalid filter '%s'", filters->items[i]);
			return err_hint(err, "there are label=KEY[=VALUE] and label!=KEY[=VALUE]");
		}
		if (strv_add(label ? &ret->labels : &ret->not_labels, label ? label : other) < 0)
			return err_oom(err);
	}
	return 0;
}

/* --- container prune --- */

static const struct option container_table[] = {
	OPTION_LIST("filter", 0, struct prune_options, filters, "KEY=VALUE",
		    "as for ps; until=24h: those that were made before", NULL),
	OPTION_FLAG("force", 'f', struct prune_options, force, "don't ask"),
	OPTION_END,
};

static int run_container_prune(const void *options, const struct strv *args, struct err *err)
{
	const struct prune_options *o = options;
	CLEANUP(pruned_done) struct pruned gone = { 0 };
	autofilters struct row_filters filters = { 0 };
	autoengine struct engine e = { 0 };
	int r = row_filters_parse(&o->filters, &filters, err);

	(void)args;
	if (r >= 0)
		r = engine_open(global_options.root, global_options.runroot, &e, err);
	if (r < 0)
		return -1;
	if (!o->force && !confirm("WARNING! This will remove all stopped containers."))
		return 0;
	r = prune_containers(&e, &filters, &gone, err);
	containers_sweep(e.store, 0, true);
	engine_tidy(&e, false);
	print_part("Deleted Containers:", &gone);
	if (r < 0)
		return -1;
	print_total(gone.bytes);
	return 0;
}

const struct command cmd_container_prune = {
	.name = "container prune",
	.group = "Containers",
	.summary = "remove all containers that don't run",
	.usage = "",
	.examples = "$ cloche container prune -f --filter until=24h",
	.options = container_table,
	.options_size = sizeof(struct prune_options),
	.run = run_container_prune,
};

/* --- volume prune --- */

static const struct option volume_table[] = {
	OPTION_FLAG("all", 'a', struct prune_options, all, "also volumes with a name"),
	OPTION_LIST("filter", 0, struct prune_options, filters, "FILTER",
		    "only some: label=KEY[=VALUE], label!=KEY[=VALUE]", NULL),
	OPTION_FLAG("force", 'f', struct prune_options, force, "don't ask"),
	OPTION_END,
};

static int run_volume_prune(const void *options, const struct strv *args, struct err *err)
{
	const struct prune_options *o = options;
	CLEANUP(label_words_done) struct label_words words = { 0 };
	CLEANUP(pruned_done) struct pruned gone = { 0 };
	const struct volume_filter filter = { &words.labels, &words.not_labels };
	autoengine struct engine e = { 0 };
	int r = parse_labels(&o->filters, &words, err);

	(void)args;
	if (r >= 0)
		r = engine_open(global_options.root, global_options.runroot, &e, err);
	if (r < 0)
		return -1;
	if (!o->force && !confirm(o->all ? "WARNING! This will remove all volumes not used by at least one container."
					 : "WARNING! This will remove anonymous local volumes not used by at least one "
					   "container."))
		return 0;
	r = prune_volumes(&e, o->all, &filter, &gone, err);
	engine_tidy(&e, false);
	print_part("Deleted Volumes:", &gone);
	if (r < 0)
		return -1;
	print_total(gone.bytes);
	return 0;
}

const struct command cmd_volume_prune = {
	.name = "volume prune",
	.group = "Volumes",
	.summary = "remove volumes that no container has",
	.usage = "",
	.description = "Those that were made without a name; with --all the others as well.",
	.examples = "$ cloche volume prune -f\n$ cloche volume prune --all --filter label=old",
	.options = volume_table,
	.options_size = sizeof(struct prune_options),
	.run = run_volume_prune,
};

/* --- image prune --- */

static const struct option image_table[] = {
	OPTION_FLAG("all", 'a', struct prune_options, all, "also images with a name"),
	OPTION_LIST("filter", 0, struct prune_options, filters, "FILTER", "only some: as 'cloche images --filter'",
		    NULL),
	OPTION_FLAG("force", 'f', struct prune_options, force, "don't ask"),
	OPTION_END,
};

static int run_image_prune(const void *options, const struct strv *args, struct err *err)
{
	const struct prune_options *o = options;
	CLEANUP(pruned_done) struct pruned gone = { 0 };
	autoengine struct engine e = { 0 };
	int r = engine_open(global_options.root, global_options.runroot, &e, err);

	(void)args;
	if (r < 0)
		return -1;
	if (!o->force &&
	    !confirm(o->all ? "WARNING! This will remove all images without at least one container associated "
			      "to them."
			    : "WARNING! This will remove all dangling images."))
		return 0;
	r = prune_images(&e, o->all, &o->filters, &gone, err);
	if (r >= 0)
		r = collect(&e, &gone.bytes, err);
	print_part("Deleted Images:", &gone);
	if (r < 0)
		return -1;
	print_total(gone.bytes);
	return 0;
}

const struct command cmd_image_prune = {
	.name = "image prune",
	.group = "Images",
	.summary = "remove images that have no name, or that no container was made from",
	.usage = "",
	.description = "Those without a name; with --all each that no container was made from.",
	.options = image_table,
	.options_size = sizeof(struct prune_options),
	.run = run_image_prune,
};

/* --- system prune --- */

static const struct option system_table[] = {
	OPTION_FLAG("all", 'a', struct prune_options, all,
		    "all images that no container was made from, not only nameless ones"),
	OPTION_LIST("filter", 0, struct prune_options, filters, "FILTER",
		    "only some: until=TIME, label=KEY[=VALUE], label!=KEY[=VALUE]", NULL),
	OPTION_FLAG("force", 'f', struct prune_options, force, "don't ask"),
	OPTION_FLAG("volumes", 0, struct prune_options, volumes, "also volumes without a name that no container has"),
	OPTION_END,
};

/* Steps of the cache have neither labels nor a time that they were asked for: with filters it stays. */
static bool confirm_system(const struct prune_options *o)
{
	autofree char *text =
		str_format("WARNING! This will remove:\n  - all stopped containers\n%s  - all %s\n%s",
			   o->volumes ? "  - all anonymous volumes not used by at least one container\n" : "",
			   o->all ? "images without at least one container associated to them" : "dangling images",
			   o->filters.len ? "that pass the filters\n" : "  - the cache of build\n");

	return o->force || (text && confirm(text));
}

/* What of it there is for each kind of thing. */
struct system_filters {
	struct row_filters containers;
	struct label_words volumes;
};

static void system_filters_done(struct system_filters *f)
{
	row_filters_done(&f->containers);
	label_words_done(&f->volumes);
}

static int parse_system_filters(const struct prune_options *o, struct system_filters *ret, struct err *err)
{
	for (size_t i = 0; i < o->filters.len; i++) {
		const char *word = o->filters.items[i];

		if (!str_starts_with(word, "until=") && !str_starts_with(word, "label=") &&
		    !str_starts_with(word, "label!=")) {
			err_set(err, EINVAL, "--filter '%s': not a filter of all that is pruned", word);
			return err_hint(err, "there are until=TIME, label=KEY[=VALUE] and label!=KEY[=VALUE]");
		}
		if (o->volumes && str_starts_with(word, "until="))
			return err_set(err, EINVAL, "--filter '%s' and --volumes: volumes are not removed by age",
				       word);
	}
	if (o->volumes && parse_labels(&o->filters, &ret->volumes, err) < 0)
		return -EINVAL;
	return row_filters_parse(&o->filters, &ret->containers, err);
}

static int prune_all(struct engine *e, const struct prune_options *o, struct system_filters *f, uint64_t *bytes,
		     struct err *err)
{
	CLEANUP(pruned_done) struct pruned containers = { 0 }, volumes = { 0 }, images = { 0 };
	const struct volume_filter labels = { &f->volumes.labels, &f->volumes.not_labels };
	int r = prune_containers(e, &f->containers, &containers, err);

	print_part("Deleted Containers:", &containers);
	if (r >= 0 && o->volumes)
		r = prune_volumes(e, false, &labels, &volumes, err);
	print_part("Deleted Volumes:", &volumes);
	if (r >= 0)
		r = prune_images(e, o->all, &o->filters, &images, err);
	print_part("Deleted Images:", &images);
	if (r < 0)
		return r;
	if (!o->filters.len)
		build_cache_prune(e->store, 0);
	*bytes = containers.bytes + volumes.bytes;
	return collect(e, bytes, err);
}

static int run_system_prune(const void *options, const struct strv *args, struct err *err)
{
	const struct prune_options *o = options;
	CLEANUP(system_filters_done) struct system_filters filters = { 0 };
	autoengine struct engine e = { 0 };
	uint64_t bytes = 0;

	(void)args;
	if (parse_system_filters(o, &filters, err) < 0 ||
	    engine_open(global_options.root, global_options.runroot, &e, err) < 0)
		return -1;
	if (!confirm_system(o))
		return 0;
	if (prune_all(&e, o, &filters, &bytes, err) < 0)
		return -1;
	print_total(bytes);
	return 0;
}

const struct command cmd_system_prune = {
	.name = "system prune",
	.group = "Other",
	.summary = "remove what nothing uses: stopped containers, images, the cache of build",
	.usage = "",
	.description =
		"Volumes stay unless --volumes is given, and those with a name even then: 'cloche volume prune --all'.",
	.examples = "$ cloche system prune -f\n$ cloche system prune --all --volumes",
	.options = system_table,
	.options_size = sizeof(struct prune_options),
	.run = run_system_prune,
};

/* `cloche manifest add`, `annotate`, `remove`: the entries of a list. */
#include "cli/command.h"
#include "cli/image/manifest.h"
#include "cli/image/remote_options.h"
#include "engine/move/list.h"

struct entry_options {
	struct remote_words remote;
	const char *os, *architecture, *variant, *os_version;
	struct strv os_features, features, annotations;
	bool all;
};

#define ENTRY_OPTIONS                                                                                                  \
	OPTION_STRING("arch", 0, struct entry_options, architecture, "ARCH", "for this architecture (Go's name)",      \
		      NULL),                                                                                           \
		OPTION_STRING("os", 0, struct entry_options, os, "OS", "for this system", NULL),                       \
		OPTION_STRING("variant", 0, struct entry_options, variant, "VARIANT", "of the architecture: v7, v8",   \
			      NULL),                                                                                   \
		OPTION_STRING("os-version", 0, struct entry_options, os_version, "VERSION", "of the system", NULL),    \
		OPTION_LIST("os-features", 0, struct entry_options, os_features, "NAME", "what the system must have",  \
			    NULL),                                                                                     \
		OPTION_LIST("features", 0, struct entry_options, features, "NAME", "what the processor must have",     \
			    NULL),                                                                                     \
		OPTION_LIST("annotation", 0, struct entry_options, annotations, "KEY=VALUE", "of the entry", NULL)

static const struct option add_table[] = {
	ENTRY_OPTIONS,
	OPTION_FLAG("all", 0, struct entry_options, all, "of an IMAGE that is a list, all its images"),
	REMOTE_OPTIONS(struct entry_options, remote),
	OPTION_END,
};

static const struct option annotate_table[] = {
	ENTRY_OPTIONS,
	REMOTE_OPTIONS(struct entry_options, remote),
	OPTION_END,
};

static struct list_words words_of(const struct entry_options *o)
{
	return (struct list_words){
		.os = o->os,
		.architecture = o->architecture,
		.variant = o->variant,
		.os_version = o->os_version,
		.os_features = &o->os_features,
		.features = &o->features,
		.annotations = &o->annotations,
	};
}

static int finish(struct engine *e, const char *name, int r, struct err *err)
{
	if (r >= 0)
		r = manifest_print_id(e, name, err);
	engine_tidy(e, false);
	return r;
}

static int run_add(const void *options, const struct strv *args, struct err *err)
{
	const struct entry_options *o = options;
	const struct remote_options remote = remote_options_of(&o->remote);
	const struct list_words words = words_of(o);
	autoengine struct engine e = { 0 };
	int r = engine_open(global_options.root, global_options.runroot, &e, err);

	for (size_t i = 1; r >= 0 && i < args->len; i++) {
		r = engine_list_add(&e, args->items[0], args->items[i], o->all, &words, &remote, err);
		if (r < 0)
			err_wrap(err, "'%s'", args->items[i]);
	}
	return e.store ? finish(&e, args->items[0], r, err) : r;
}

const struct command cmd_manifest_add = {
	.name = "manifest add",
	.group = "Registries",
	.summary = "add images to a list",
	.usage = "LIST IMAGE...",
	.description =
		"IMAGE is one of the store, else of its registry, or at a place as 'cloche help copy' names them. "
		"The image says for which machine it is, unless an option does. One of a registry stays there "
		"until the list is pushed. Prints the ID of the list.",
	.examples = "$ cloche manifest add me/web:1 docker://registry.example.org/me/web:1-arm64\n"
		    "$ cloche manifest add --arch arm --variant v7 me/web:1 oci:layout:armv7",
	.see_also = "manifest create, manifest annotate",
	.complete = "image",
	.options = add_table,
	.options_size = sizeof(struct entry_options),
	.min_args = 2,
	.max_args = -1,
	.run = run_add,
};

static int run_annotate(const void *options, const struct strv *args, struct err *err)
{
	const struct entry_options *o = options;
	const struct remote_options remote = remote_options_of(&o->remote);
	const struct list_words words = words_of(o);
	autoengine struct engine e = { 0 };
	int r = engine_open(global_options.root, global_options.runroot, &e, err);

	if (r < 0)
		return r;
	r = engine_list_annotate(&e, args->items[0], args->items[1], &words, &remote, err);
	return finish(&e, args->items[0], r, err);
}

const struct command cmd_manifest_annotate = {
	.name = "manifest annotate",
	.group = "Registries",
	.summary = "say more of an entry of a list",
	.usage = "LIST IMAGE|DIGEST",
	.examples = "$ cloche manifest annotate --arch arm --variant v6 me/web:1 sha256:4f53…",
	.see_also = "manifest add, manifest inspect",
	.complete = "image",
	.options = annotate_table,
	.options_size = sizeof(struct entry_options),
	.min_args = 2,
	.max_args = 2,
	.run = run_annotate,
};

static int run_remove(const void *options, const struct strv *args, struct err *err)
{
	autoengine struct engine e = { 0 };
	int r = engine_open(global_options.root, global_options.runroot, &e, err);

	(void)options;
	if (r < 0)
		return r;
	r = engine_list_remove_entry(&e, args->items[0], args->items[1], err);
	return finish(&e, args->items[0], r, err);
}

static const struct option remove_table[] = { OPTION_END };

const struct command cmd_manifest_remove = {
	.name = "manifest remove",
	.group = "Registries",
	.summary = "take an entry out of a list",
	.usage = "LIST DIGEST",
	.options = remove_table,
	.min_args = 2,
	.max_args = 2,
	.run = run_remove,
};

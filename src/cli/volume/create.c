#include "cli/command.h"
#include "engine/open.h"
#include "engine/container/volumes.h"

#include <errno.h>
#include <string.h>

struct create_options {
	const char *driver, *name;
	struct strv labels, opts;
	bool ignore;
};

static const struct option create_table[] = {
	OPTION_STRING("driver", 'd', struct create_options, driver, "DRIVER", "there is one: local", "local"),
	OPTION_LIST("label", 'l', struct create_options, labels, "KEY[=VALUE]", "a label", NULL),
	OPTION_LIST("opt", 'o', struct create_options, opts, "KEY=VALUE",
		    "type=tmpfs with o=size=…, or type=none, o=bind and device=PATH", NULL),
	OPTION_STRING("name", 0, struct create_options, name, "NAME", "the name, as an option", NULL),
	OPTION_FLAG("ignore", 0, struct create_options, ignore,
		    "one of that name is fine; so it is without, as in docker"),
	OPTION_END,
};

static int add_pairs(const struct strv *words, struct strv *to, struct err *err)
{
	for (size_t i = 0; i < words->len; i++) {
		size_t len = strcspn(words->items[i], "=");

		if (!len)
			return err_set(err, EINVAL, "'%s' has no key", words->items[i]);
		if (strv_addn(to, words->items[i], len) < 0 ||
		    strv_add(to, words->items[i][len] ? words->items[i] + len + 1 : "") < 0)
			return err_oom(err);
	}
	return 0;
}

static int describe(const struct create_options *o, const struct strv *args, struct volume *v, struct err *err)
{
	const char *name = args->len ? args->items[0] : o->name;
	char random[65];
	int r;

	if (args->len && o->name)
		return err_set(err, EINVAL, "the name was given twice");
	if (!name)
		volume_new_name(random);
	v->name = strdup(name ? name : random);
	if (!v->name || (!name && (strv_add(&v->labels, VOLUME_ANONYMOUS) < 0 || strv_add(&v->labels, "") < 0)))
		return err_oom(err);
	r = add_pairs(&o->labels, &v->labels, err);
	if (r >= 0)
		r = add_pairs(&o->opts, &v->options, err);
	return r < 0 ? r : volume_check(o->driver, v, err);
}

static int run_create(const void *options, const struct strv *args, struct err *err)
{
	autoengine struct engine e = { 0 };
	autovolume struct volume v = { 0 };
	int r = describe(options, args, &v, err);

	if (r >= 0)
		r = engine_open(global_options.root, global_options.runroot, &e, err);
	if (r >= 0)
		r = volume_make(e.store, &v, err);
	if (r < 0)
		return -1;
	puts(v.name);
	return 0;
}

const struct command cmd_volume_create = {
	.name = "volume create",
	.group = "Volumes",
	.summary = "make a volume",
	.usage = "[NAME]",
	.description =
		"A volume is a folder of the store that containers share and that outlives them: "
		"'cloche run -v NAME:/path'. 'run' makes those that aren't there. The first container that has an "
		"empty one fills it with what its image has at that path.\n\n"
		"With -o type=tmpfs each container gets an empty file system in memory of its own. Other types would "
		"need root of the machine and are refused.",
	.examples = "$ cloche volume create data\n$ cloche volume create -o type=none -o o=bind -o device=/srv/www www",
	.options = create_table,
	.options_size = sizeof(struct create_options),
	.max_args = 1,
	.run = run_create,
};

#include "engine/bundle/bundle.h"

#include "base/log.h"
#include "cli/command.h"
#include "cli/image/remote_options.h"

#include <inttypes.h>

struct unpack_words {
	struct remote_words remote;
	const char *platform, *pull;
	bool raw;
};

static const struct option unpack_table[] = {
	OPTION_FLAG("raw", 0, struct unpack_words, raw,
		    "only the files, in DIR itself: no bundle, and no way back by 'cloche repack'"),
	OPTION_STRING("pull", 0, struct unpack_words, pull, "missing|never|always",
		      "when to ask a registry for it (default missing)", "missing never always"),
	OPTION_STRING("platform", 0, struct unpack_words, platform, "linux/ARCH[/VARIANT]",
		      "of a list, the image for this (default: ours)", NULL),
	OPTION_FLAG("quiet", 'q', struct unpack_words, remote.quiet, "say nothing but errors"),
	REMOTE_OPTIONS(struct unpack_words, remote),
	OPTION_END,
};

static void notice(const char *text, void *arg)
{
	const bool *quiet = arg;

	if (!*quiet)
		log_notice("unpack: %s", text);
}

static int run_unpack(const void *options, const struct strv *args, struct err *err)
{
	const struct unpack_words *w = options;
	struct unpack_options o = { .remote = remote_options_of(&w->remote),
				    .platform = w->platform,
				    .raw = w->raw,
				    .on_notice = notice,
				    .arg = (void *)(uintptr_t)&w->remote.quiet };
	autoengine struct engine e = { 0 };
	struct unpack_outcome result;
	char digest[DIGEST_STR_MAX];
	int r = pull_policy_parse(w->pull, PULL_MISSING, &o.pull, err);

	if (r >= 0)
		r = engine_open(global_options.root, global_options.runroot, &e, err);
	if (r < 0)
		return r;
	r = engine_unpack(&e, args->items[0], args->items[1], &o, &result, err);
	engine_tidy(&e, r < 0);
	if (r < 0)
		return err_wrap(err, "'%s' to '%s'", args->items[0], args->items[1]);
	if (w->remote.quiet)
		return 0;
	if (result.lost_owners > 0)
		log_notice("unpack: %" PRIu64
			   " files belong to ids that are not mapped here; what was meant is kept in "
			   "attributes",
			   result.lost_owners);
	digest_format(&result.manifest, digest);
	printf("%s: %zu layer%s, %" PRIu64 " entries, digest %s\n", args->items[1], result.layers,
	       result.layers == 1 ? "" : "s", result.entries, digest);
	return 0;
}

const struct command cmd_unpack = {
	.name = "unpack",
	.group = "Images",
	.summary = "make a folder of an image: its files and an OCI runtime's configuration",
	.usage = "IMAGE DIR",
	.description =
		"DIR gets rootfs/, the layers laid one over the other, and config.json, made from the image's "
		"configuration: an OCI bundle that crun, runc and others start. What is changed in rootfs/ then "
		"becomes a layer by 'cloche repack'; for that, cloche.json and cloche.tree say which image it was and "
		"what the files were like.\n\n"
		"IMAGE is one of the store, brought there if it is missing, or at one of the places that 'cloche copy' "
		"knows (oci:FOLDER:NAME, docker-archive:FILE, docker://NAME ...), which leaves the store alone.\n\n"
		"As root files get the owners that the image gave them; with a range of subordinate ids these, "
		"shifted; "
		"with one id mapped everything belongs to you, and the true owners are kept in attributes "
		"(user.cloche.owner), from where 'cloche repack' takes them. 'cloche help ids' tells more.\n\n"
		"DIR must be empty or not there; it has its name only when all is done.",
	.examples = "$ cloche unpack debian:bookworm bundle\n$ echo hello >bundle/rootfs/etc/motd\n"
		    "$ cloche repack bundle mine:1\n# start it with another runtime\n$ crun run -b bundle test\n"
		    "# only the files of an image in a layout\n$ cloche unpack --raw oci:layout:v1 files",
	.see_also = "repack, config, squash, copy, export",
	.complete = "image",
	.options = unpack_table,
	.options_size = sizeof(struct unpack_words),
	.min_args = 2,
	.max_args = 2,
	.run = run_unpack,
};

#include "engine/bundle/bundle.h"

#include "base/num.h"
#include "cli/command.h"

#include <errno.h>
#include <inttypes.h>

struct repack_words {
	struct image_words words;
	struct strv masks;
	const char *compression, *level;
	bool no_mask_volumes, refresh, quiet;
};

static const struct option repack_table[] = {
	OPTION_FLAG("refresh", 0, struct repack_words, refresh,
		    "the folder is then one of the new image, and the next repack has only what changes from now on"),
	OPTION_LIST("mask-path", 0, struct repack_words, masks, "PATH", "leave this, and what is below, as it was",
		    NULL),
	OPTION_FLAG("no-mask-volumes", 0, struct repack_words, no_mask_volumes,
		    "take what is in the image's volumes as well"),
	OPTION_STRING("compression", 0, struct repack_words, compression, "gzip|zstd|none",
		      "how the layer is stored (default gzip)", "gzip zstd none"),
	OPTION_STRING("compression-level", 0, struct repack_words, level, "N", "gzip: 1; zstd: 1 to 19 (default 3)",
		      NULL),
	OPTION_FLAG("quiet", 'q', struct repack_words, quiet, "say only the ID"),
	OPTION_HEADING("The history"),
	OPTION_STRING("author", 'a', struct repack_words, words.author, "NAME", "who made it", NULL),
	OPTION_STRING("message", 'm', struct repack_words, words.comment, "TEXT", "comment of the step", NULL),
	OPTION_STRING("created-by", 0, struct repack_words, words.created_by, "TEXT",
		      "what made the layer (default 'cloche repack')", NULL),
	OPTION_STRING("created", 0, struct repack_words, words.created, "TIME",
		      "date of image and step, as in 2026-01-31T12:00:00Z (default: now)", NULL),
	OPTION_FLAG("no-history", 0, struct repack_words, words.no_history, "no step in the history"),
	OPTION_END,
};

static int take_words(const struct repack_words *w, struct repack_options *o, struct err *err)
{
	uint32_t level = 0;
	int r = image_compression_parse(w->compression, &o->compression, err);

	if (r < 0)
		return r;
	if (w->level && (num_parse_u32(w->level, 19, &level) < 0 || level == 0))
		return err_set(err, EINVAL, "--compression-level takes a number from 1 to 19, not '%.32s'", w->level);
	if (level > 1 && o->compression == LAYER_GZIP) {
		err_set(err, EINVAL, "gzip has level 1 only here");
		return err_hint(err, "zstd has levels: --compression zstd");
	}
	o->level = (int)level;
	return 0;
}

static void print(const struct repack_words *w, const char *name, const struct repack_outcome *result)
{
	const struct layer_result *l = &result->layer;
	char text[DIGEST_STR_MAX];

	if (result->is_unchanged && !w->quiet)
		fprintf(stderr, "%s: nothing has changed: no new layer, the image is the one that was unpacked\n",
			name);
	else if (!w->quiet)
		fprintf(stderr, "%s: %" PRIu64 " added, %" PRIu64 " changed, %" PRIu64 " removed\n", name, l->added,
			l->changed, l->removed);
	digest_format(&result->id, text);
	puts(text);
}

static int run_repack(const void *options, const struct strv *args, struct err *err)
{
	const struct repack_words *w = options;
	struct repack_options o = {
		.words = w->words, .masks = &w->masks, .no_mask_volumes = w->no_mask_volumes, .refresh = w->refresh
	};
	autoengine struct engine e = { 0 };
	struct repack_outcome result;
	struct reference name;
	int r = take_words(w, &o, err);

	if (r >= 0)
		r = reference_parse(args->items[1], &name, err);
	if (r >= 0)
		r = engine_open(global_options.root, global_options.runroot, &e, err);
	if (r < 0)
		return r;
	r = engine_repack(&e, args->items[0], &name, &o, &result, err);
	engine_tidy(&e, r < 0);
	if (r < 0)
		return err_wrap(err, "'%s'", args->items[0]);
	print(w, args->items[1], &result);
	return 0;
}

const struct command cmd_repack = {
	.name = "repack",
	.group = "Images",
	.summary = "make a layer of what was changed in an unpacked image",
	.usage = "DIR NAME[:TAG]",
	.description =
		"DIR is what 'cloche unpack' made. Files that are new or changed (content, owner, mode, time, "
		"attributes, links) become a layer on the image that was unpacked, with whiteouts for those that are "
		"gone, and the image gets NAME. Where nothing has changed there is no new layer, and NAME is the image "
		"as it "
		"was.\n\n"
		"What is in the image's volumes stays out, as does what --mask-path names. config.json is no part of "
		"the image: 'cloche config' changes that.\n\n"
		"The ID is printed. SOURCE_DATE_EPOCH, if set, is the time of the step.",
	.examples = "$ cloche unpack debian:bookworm bundle\n$ rm -r bundle/rootfs/usr/share/doc\n"
		    "$ cloche repack -m 'no documentation' bundle debian:small",
	.see_also = "unpack, config, squash, commit, history",
	.complete = "dir",
	.options = repack_table,
	.options_size = sizeof(struct repack_words),
	.min_args = 2,
	.max_args = 2,
	.run = run_repack,
};

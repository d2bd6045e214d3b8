#include "engine/image/squash.h"

#include "base/num.h"
#include "cli/command.h"

#include <errno.h>

struct squash_words {
	const char *tag, *from, *last, *compression;
	struct image_words words;
	bool quiet;
};

static const struct option squash_table[] = {
	OPTION_STRING("tag", 't', struct squash_words, tag, "NAME[:TAG]", "the new image's name (default: it has none)",
		      NULL),
	OPTION_STRING("from", 0, struct squash_words, from, "N",
		      "only layer N, counted from 1 as 'cloche inspect --layers' does, and those above", NULL),
	OPTION_STRING("last", 0, struct squash_words, last, "N", "only the N topmost layers", NULL),
	OPTION_STRING("compression", 0, struct squash_words, compression, "gzip|zstd|none",
		      "how the layer is stored (default gzip)", "gzip zstd none"),
	OPTION_STRING("message", 'm', struct squash_words, words.comment, "TEXT", "comment of the step", NULL),
	OPTION_STRING("created", 0, struct squash_words, words.created, "TIME",
		      "the new image's date (default: the old one's)", NULL),
	OPTION_FLAG("quiet", 'q', struct squash_words, quiet, "say only the ID"),
	OPTION_END,
};

static int take_number(const char *option, const char *word, size_t *ret, struct err *err)
{
	uint32_t number;

	if (!word)
		return 0;
	if (num_parse_u32(word, IMAGE_LAYERS_MAX, &number) < 0 || number == 0)
		return err_set(err, EINVAL, "%s takes a number from 1 on, not '%.32s'", option, word);
	*ret = number;
	return 0;
}

static int take_words(const struct squash_words *w, struct squash_options *o, struct err *err)
{
	int r = take_number("--from", w->from, &o->from, err);

	if (r >= 0)
		r = take_number("--last", w->last, &o->last, err);
	if (r >= 0 && w->from && w->last)
		r = err_set(err, EINVAL, "--from and --last exclude one another");
	return r < 0 ? r : image_compression_parse(w->compression, &o->compression, err);
}

static int run_squash(const void *options, const struct strv *args, struct err *err)
{
	const struct squash_words *w = options;
	struct squash_options o = { .words = w->words };
	autoengine struct engine e = { 0 };
	struct squash_outcome result;
	struct reference name;
	char text[DIGEST_STR_MAX], size[24];
	int r = take_words(w, &o, err);

	if (r >= 0 && w->tag)
		r = reference_parse(w->tag, &name, err);
	if (r >= 0)
		r = engine_open(global_options.root, global_options.runroot, &e, err);
	if (r < 0)
		return r;
	r = engine_squash(&e, args->items[0], &o, w->tag ? &name : NULL, &result, err);
	engine_tidy(&e, r < 0);
	if (r < 0)
		return err_wrap(err, "'%s'", args->items[0]);
	num_format_size(result.size, size);
	if (!w->quiet)
		fprintf(stderr, "%zu layer%s became %zu; the new one has %s\n", result.before,
			result.before == 1 ? "" : "s", result.layers, size);
	digest_format(&result.id, text);
	puts(text);
	return 0;
}

const struct command cmd_squash = {
	.name = "squash",
	.group = "Images",
	.summary = "make one layer of several",
	.usage = "IMAGE",
	.description =
		"The files of the squashed layers as they show in the end: what an upper layer deletes or replaces is "
		"gone, and deletions stay only where there are layers below. Hard links, owners, times and attributes "
		"are "
		"kept, and the same image always gives the same one. The steps of the history stay, without layers of "
		"their own.\n\n"
		"Layers that other images share are then shared no more: the store holds the old image until it is "
		"removed.",
	.examples = "$ cloche squash -t web:small web\n# keep the base image's first two layers\n"
		    "$ cloche squash --from 3 -t web:small web",
	.see_also = "history, repack, config, diff",
	.complete = "image",
	.options = squash_table,
	.options_size = sizeof(struct squash_words),
	.min_args = 1,
	.max_args = 1,
	.run = run_squash,
};

#include "engine/move/sync.h"

#include "base/str.h"
#include "cli/command.h"
#include "cli/image/two_registries.h"
#include "engine/move/copy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct sync_words {
	struct place_words both, from, to;
	const char *source, *dest, *format;
	bool all, scoped, keep_going, dry_run, quiet;
};

static const struct option sync_table[] = {
	OPTION_STRING("src", 's', struct sync_words, source, "docker|dir", "what SOURCE is: a repository, or a folder",
		      "docker dir"),
	OPTION_STRING("dest", 'd', struct sync_words, dest, "docker|dir",
		      "what DESTINATION is: how names in a registry begin, or a folder", "docker dir"),
	OPTION_FLAG("scoped", 0, struct sync_words, scoped,
		    "names there have the whole name of the source in them, not only its last part"),
	OPTION_FLAG("all", 'a', struct sync_words, all, "every image of each list, and the list"),
	OPTION_FLAG("keep-going", 0, struct sync_words, keep_going, "go on after one that fails"),
	OPTION_FLAG("dry-run", 0, struct sync_words, dry_run, "only say what would be copied"),
	OPTION_STRING("format", 'f', struct sync_words, format, "oci|v2s2",
		      "the manifests' format (default: as it is, so that digests stay)", "oci v2s2"),
	OPTION_FLAG("quiet", 'q', struct sync_words, quiet, "don't say what was copied"),
	OPTION_HEADING("Registries"),
	OPTION_STRING("authfile", 0, struct sync_words, both.authfile, "FILE", "logins to both", "file"),
	OPTION_STRING("tls-verify", 0, struct sync_words, both.tls_verify, "true|false",
		      "false: any certificate will do, and no TLS at all, for both (default true)", "true false"),
	PLACE_OPTIONS(struct sync_words, from, "src", "source"),
	PLACE_OPTIONS(struct sync_words, to, "dest", "destination"),
	OPTION_END,
};

static int parse_kind(const char *option, const char *word, bool *ret_dir, struct err *err)
{
	if (!word) {
		err_set(err, EINVAL, "%s says what it is", option);
		return err_hint(err, "as in 'cloche sync --src docker --dest dir REPOSITORY FOLDER'");
	}
	*ret_dir = strcmp(word, "dir") == 0;
	if (*ret_dir || strcmp(word, "docker") == 0)
		return 0;
	err_set(err, EINVAL, "%s takes docker or dir, not '%s'", option, word);
	return strcmp(word, "yaml") == 0 ? err_hint(err, "lists in YAML aren't read: call it once for each repository")
					 : -EINVAL;
}

static int copy_one(const struct sync_words *w, const struct copy_options *o, const char *from, const char *to,
		    struct err *err)
{
	struct place autoplace source = { .index = -1 }, autoplace dest = { .index = -1 };
	struct copy_result result;
	char digest[DIGEST_STR_MAX];
	int r;

	if (w->dry_run) {
		printf("would copy %s to %s\n", from, to);
		return 0;
	}
	r = place_parse(from, &source, err);
	if (r >= 0)
		r = place_parse(to, &dest, err);
	if (r >= 0)
		r = engine_copy(NULL, o, &source, &dest, &result, err);
	if (r < 0)
		return err_wrap(err, "from '%s' to '%s'", from, to);
	digest_format(&result.digest, digest);
	if (!w->quiet)
		printf("%s: %s, digest %s\n", to, result.was_there ? "up to date" : "copied", digest);
	return 0;
}

static int copy_all(const struct sync_words *w, const struct copy_options *o, const struct strv *pairs, struct err *err)
{
	size_t failed = 0;

	for (size_t i = 0; i + 1 < pairs->len; i += 2) {
		struct err why = { 0 };

		if (copy_one(w, o, pairs->items[i], pairs->items[i + 1], &why) >= 0)
			continue;
		if (!w->keep_going) {
			*err = why;
			return -why.code;
		}
		err_wrap(&why, "sync");
		err_print(stderr, &why);
		failed++;
	}
	if (failed > 0)
		return err_set(err, EIO, "%zu of %zu images were not copied", failed, pairs->len / 2);
	return 0;
}

static int run_sync(const void *options, const struct strv *args, struct err *err)
{
	const struct sync_words *w = options;
	struct copy_options copy = { .from = place_options_of(&w->from, &w->both),
				     .to = place_options_of(&w->to, &w->both),
				     .all = w->all };
	struct sync_options o = { .scoped = w->scoped, .from = copy.from };
	autostrv struct strv pairs = { 0 };
	int r = parse_kind("--src", w->source, &o.from_dir, err);

	if (r >= 0)
		r = parse_kind("--dest", w->dest, &o.to_dir, err);
	if (r >= 0)
		r = move_format_parse(w->format, &copy.format, err);
	if (r >= 0)
		r = sync_plan(&o, args->items[0], args->items[1], &pairs, err);
	if (r < 0)
		return err_wrap(err, "'%s'", args->items[0]);
	return copy_all(w, &copy, &pairs, err);
}

const struct command cmd_sync = {
	.name = "sync",
	.group = "Registries",
	.summary = "copy whole repositories between registries and folders",
	.usage = "SOURCE DESTINATION",
	.description =
		"As skopeo sync. A repository without a tag is copied with all its tags; a folder with all images that "
		"are anywhere below it. registry.example.org/team/web:1 becomes DESTINATION/web:1, with --scoped "
		"DESTINATION/registry.example.org/team/web:1. What is there already is not sent again.",
	.examples = "$ cloche sync --src docker --dest dir registry.example.org/team/web /media/usb\n"
		    "$ cloche sync --src dir --dest docker /media/usb registry.example.net/team\n",
	.see_also = "copy, search",
	.options = sync_table,
	.options_size = sizeof(struct sync_words),
	.min_args = 2,
	.max_args = 2,
	.run = run_sync,
};

#include "base/cleanup.h"
#include "base/num.h"
#include "base/str.h"
#include "cli/image/build_progress.h"
#include "cli/command.h"
#include "engine/build/build.h"
#include "oci/image.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_BUILD_FAILED = 1 };

struct build_words {
	const char *file, *target, *network, *iidfile, *progress, *pull, *platform;
	struct strv tags, build_args, labels;
	bool no_cache, quiet;
};

static const struct option build_table[] = {
	OPTION_STRING("file", 'f', struct build_words, file, "FILE",
		      "the Dockerfile (default: CONTEXT/Dockerfile); - for stdin", "file"),
	OPTION_LIST("tag", 't', struct build_words, tags, "NAME[:TAG]", "name the image (may be given several times)",
		    "image"),
	OPTION_STRING("target", 0, struct build_words, target, "STAGE", "stop at this stage", NULL),
	OPTION_LIST("build-arg", 0, struct build_words, build_args, "NAME[=VALUE]",
		    "set an ARG; without a value, from the environment", NULL),
	OPTION_LIST("label", 0, struct build_words, labels, "NAME=VALUE", "label the image", NULL),
	OPTION_FLAG("no-cache", 0, struct build_words, no_cache, "carry out every step anew"),
	OPTION_STRING("network", 0, struct build_words, network, "private|host|none",
		      "the network that RUN has (default: private)", "private host none"),
	OPTION_STRING("iidfile", 0, struct build_words, iidfile, "FILE", "write the image's ID to a file", "file"),
	OPTION_STRING("progress", 0, struct build_words, progress, "auto|plain|tty", "how the progress is shown",
		      "auto plain tty"),
	OPTION_OPTIONAL("pull", struct build_words, pull, "missing|never|always",
			"whether images are brought from registries (default missing; without a word: always)",
			"missing never always"),
	OPTION_STRING("platform", 0, struct build_words, platform, "OS/ARCH", "must be this machine's", NULL),
	OPTION_FLAG("quiet", 'q', struct build_words, quiet, "print nothing but the image's ID"),
	OPTION_LATER("output", 'o', "results other than images come with a later version"),
	OPTION_LATER("secret", 0, "secrets come with RUN --mount, in a later version"),
	OPTION_LATER("ssh", 0, "agents come with RUN --mount, in a later version"),
	OPTION_LATER("cache-from", 0, "caches in registries come with a later version"),
	OPTION_LATER("cache-to", 0, "caches in registries come with a later version"),
	OPTION_LATER("build-context", 0, "named contexts come with a later version"),
	OPTION_LATER("add-host", 0, "names for RUN come with a later version"),
	OPTION_LATER("squash", 0, "squashing comes with a later version"),
	OPTION_END,
};

static int set_network(const char *word, enum build_network *ret, struct err *err)
{
	if (!word || strcmp(word, "private") == 0 || strcmp(word, "default") == 0 || strcmp(word, "bridge") == 0)
		*ret = BUILD_NETWORK_PRIVATE;
	else if (strcmp(word, "host") == 0)
		*ret = BUILD_NETWORK_HOST;
	else if (strcmp(word, "none") == 0)
		*ret = BUILD_NETWORK_NONE;
	else
		return err_set(err, EINVAL, "--network takes private, host or none, not '%s'", word);
	return 0;
}

static int check_platform(const char *word, struct err *err)
{
	const char *arch = word ? str_skip_prefix(word, "linux/") : NULL;

	if (!word || (arch && strcmp(arch, platform_architecture()) == 0))
		return 0;
	return err_set(err, EOPNOTSUPP, "--platform %s: this machine builds for linux/%s only", word,
		       platform_architecture());
}

/* NAME alone takes the value of the environment, and nothing if there is none. */
static int set_build_args(const struct strv *words, struct strv *ret, struct err *err)
{
	for (size_t i = 0; i < words->len; i++) {
		const char *word = words->items[i], *value;
		autofree char *entry = NULL;

		if (*word == '=' || !*word)
			return err_set(err, EINVAL, "--build-arg '%s' has no name", word);
		value = strchr(word, '=') ? "" : getenv(word);
		if (!value)
			continue;
		entry = strchr(word, '=') ? strdup(word) : str_format("%s=%s", word, value);
		if (!entry || strv_env_set(ret, entry) < 0)
			return err_oom(err);
	}
	return 0;
}

/* https://reproducible-builds.org/docs/source-date-epoch/ */
static int set_epoch(const struct strv *build_args, int64_t *ret, struct err *err)
{
	const char *given = strv_env_get(build_args, "SOURCE_DATE_EPOCH");

	*ret = -1;
	if (!given)
		given = getenv("SOURCE_DATE_EPOCH");
	if (!given || !*given)
		return 0;
	if (num_parse_i64(given, ret) < 0 || *ret < 0)
		return err_set(err, EINVAL, "SOURCE_DATE_EPOCH is no number of seconds: '%s'", given);
	return 0;
}

static int set_options(const struct build_words *w, const char *context, struct build_options *ret, struct err *err)
{
	int r;

	ret->context = context;
	ret->file = w->file;
	ret->target = w->target;
	ret->tags = w->tags; /* borrowed, as is labels */
	ret->labels = w->labels;
	ret->no_cache = w->no_cache;
	r = set_network(w->network, &ret->network, err);
	if (r >= 0)
		r = pull_policy_parse(w->pull, w->pull ? PULL_ALWAYS : PULL_MISSING, &ret->pull, err);
	if (r >= 0)
		r = check_platform(w->platform, err);
	if (r >= 0)
		r = set_build_args(&w->build_args, &ret->build_args, err);
	return r < 0 ? r : set_epoch(&ret->build_args, &ret->epoch, err);
}

static int tell_result(const struct build_words *w, const struct build_result *result, struct err *err)
{
	char id[DIGEST_STR_MAX];

	digest_format(&result->id, id);
	if (w->quiet)
		puts(id);
	else
		fprintf(stderr, "built %s\n", id);
	for (size_t i = 0; i < result->names.len && !w->quiet; i++)
		fprintf(stderr, "named %s\n", result->names.items[i]);
	if (!w->iidfile)
		return 0;
	return fs_write_file(AT_FDCWD, w->iidfile, id, strlen(id), 0644, 0, err) < 0 ? err_wrap(err, "--iidfile") : 0;
}

static int run_build(const void *options, const struct strv *args, struct err *err)
{
	const struct build_words *w = options;
	struct store_options store = { .root = global_options.root, .runroot = global_options.runroot };
	CLEANUP(build_result_done) struct build_result result = { 0 };
	struct build_options o = { 0 };
	struct build_progress progress;
	struct build_events events;
	int r = build_progress_init(&progress, w->progress, w->quiet, err);

	if (r >= 0)
		r = set_options(w, args->items[0], &o, err);
	if (r >= 0) {
		build_progress_events(&progress, &events);
		r = build_image(&store, &o, &events, &result, err);
	}
	strv_done(&o.build_args);
	if (r >= 0)
		return tell_result(w, &result, err);
	if (!result.begun)
		return r;
	err_wrap(err, "build");
	err_print(stderr, err);
	return EXIT_BUILD_FAILED;
}

const struct command cmd_build = {
	.name = "build",
	.group = "Images",
	.summary = "build an image from a Dockerfile",
	.usage = "CONTEXT",
	.description = "CONTEXT is a folder, an archive (tar, also compressed), or - for an archive or just a "
		       "Dockerfile on stdin. "
		       "What .dockerignore leaves out is not copied.\n\n"
		       "Each instruction that changes files makes a layer, which is found again as long as the "
		       "instruction, the layers "
		       "below and the copied files stay the same. No daemon and no root is needed; without a range of "
		       "subordinate ids, "
		       "owners are emulated, and the image carries them.\n\n"
		       "The exit code is 1 if a step failed, 125 if it did not come that far.",
	.examples = "# the Dockerfile of this folder\n"
		    "$ cloche build -t web .\n"
		    "# another file, one stage of it\n"
		    "$ cloche build -f docker/Dockerfile --target test .\n"
		    "# with an argument, and everything anew\n"
		    "$ cloche build --build-arg VERSION=2 --no-cache -t web:2 .\n"
		    "# no context at all\n"
		    "$ printf 'FROM debian\\nRUN apt-get update\\n' | cloche build -t base -\n"
		    "# and run it\n"
		    "$ cloche run --rm web",
	.see_also = "run, images, history, inspect, builder prune, push",
	.complete = "dir",
	.options = build_table,
	.options_size = sizeof(struct build_words),
	.min_args = 1,
	.max_args = 1,
	.run = run_build,
};

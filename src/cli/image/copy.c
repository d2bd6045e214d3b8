#include "engine/move/copy.h"

#include "cli/command.h"
#include "cli/image/transfer_progress.h"
#include "cli/image/two_registries.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

struct copy_words {
	struct place_words both, from, to;
	const char *platform, *format, *digestfile, *multi_arch, *progress;
	bool all, quiet, preserve;
};

static const struct option copy_table[] = {
	OPTION_FLAG("all", 'a', struct copy_words, all, "every image of a list, and the list"),
	OPTION_STRING("multi-arch", 0, struct copy_words, multi_arch, "system|all",
		      "all: as --all; system: the image for this machine (the default)", "system all"),
	OPTION_STRING("platform", 0, struct copy_words, platform, "linux/ARCH[/VARIANT]",
		      "of a list, the image for this (default: ours)", NULL),
	OPTION_STRING("format", 'f', struct copy_words, format, "oci|v2s2",
		      "the manifest's format (default: as it is, so that the digest stays)", "oci v2s2"),
	OPTION_FLAG("preserve-digests", 0, struct copy_words, preserve, "fail rather than change a digest"),
	OPTION_STRING("digestfile", 0, struct copy_words, digestfile, "FILE", "write the manifest's digest there",
		      "file"),
	OPTION_FLAG("quiet", 'q', struct copy_words, quiet, "show no progress"),
	OPTION_STRING("progress", 0, struct copy_words, progress, "auto|plain|json", "how progress is shown",
		      "auto plain json"),
	OPTION_HEADING("Registries"),
	OPTION_STRING("authfile", 0, struct copy_words, both.authfile, "FILE", "logins to both", "file"),
	OPTION_STRING("tls-verify", 0, struct copy_words, both.tls_verify, "true|false",
		      "false: any certificate will do, and no TLS at all, for both (default true)", "true false"),
	PLACE_OPTIONS(struct copy_words, from, "src", "source"),
	PLACE_OPTIONS(struct copy_words, to, "dest", "destination"),
	OPTION_LATER("dest-compress-format", 0, "layers are compressed anew in a later version"),
	OPTION_LATER("dest-compress", 0, "layers are compressed anew in a later version"),
	OPTION_LATER("dest-decompress", 0, "layers are compressed anew in a later version"),
	OPTION_LATER("sign-by", 0, "signatures come in a later version"),
	OPTION_LATER("encryption-key", 0, "encrypted layers come in a later version"),
	OPTION_END,
};

static void on_image(const struct image_manifest *m, void *arg)
{
	transfer_progress_image(arg, m->layers_len, 0);
}

static int check_words(const struct copy_words *w, struct copy_options *ret, struct err *err)
{
	const char *arch = w->multi_arch;

	if (arch && strcmp(arch, "all") != 0 && strcmp(arch, "system") != 0)
		return err_set(err, EINVAL, "--multi-arch takes system or all, not '%s'", arch);
	ret->all = w->all || (arch && strcmp(arch, "all") == 0);
	ret->platform = w->platform;
	if (ret->all && w->platform)
		return err_set(err, EINVAL, "--all and --platform exclude one another");
	if (w->preserve && w->format)
		return err_set(err, EINVAL, "--format may change the digest, which --preserve-digests forbids");
	return move_format_parse(w->format, &ret->format, err);
}

/* The store is opened only if one of the places needs it. */
static int copy(const struct copy_words *w, struct copy_options *o, struct place *from, struct place *to,
		struct copy_result *ret, struct err *err)
{
	bool needs_store = place_needs_store(from->kind, false) || place_needs_store(to->kind, true);
	autoengine struct engine e = { 0 };
	int r = 0;

	o->from = place_options_of(&w->from, &w->both);
	o->to = place_options_of(&w->to, &w->both);
	/* What comes from a registry is counted as it comes, else as it goes. */
	*(from->kind == PLACE_DOCKER ? &o->from.on_progress : &o->to.on_progress) = transfer_progress_bytes;
	o->from.arg = o->to.arg = o->events->arg;
	if (needs_store)
		r = engine_open(global_options.root, global_options.runroot, &e, err);
	if (r < 0)
		return r;
	r = engine_copy(needs_store ? &e : NULL, o, from, to, ret, err);
	if (needs_store)
		engine_tidy(&e, r < 0);
	return r;
}

static int run_copy(const void *options, const struct strv *args, struct err *err)
{
	const struct copy_words *w = options;
	struct place autoplace from = { .index = -1 }, autoplace to = { .index = -1 };
	struct transfer_progress progress;
	struct pull_events events = { .on_image = on_image, .on_layer = transfer_progress_layer, .arg = &progress };
	struct copy_options o = { .events = &events };
	struct copy_result result;
	char digest[DIGEST_STR_MAX];
	int r = transfer_progress_init(&progress, w->progress, "copying", w->quiet, err);

	if (r >= 0)
		r = check_words(w, &o, err);
	if (r >= 0)
		r = place_parse(args->items[0], &from, err);
	if (r >= 0)
		r = place_parse(args->items[1], &to, err);
	if (r >= 0 && w->preserve && to.kind == PLACE_DOCKER_ARCHIVE)
		r = err_set(err, EINVAL,
			    "docker-archive: has a manifest of its own kind, which --preserve-digests forbids");
	if (r < 0)
		return r;
	r = copy(w, &o, &from, &to, &result, err);
	transfer_progress_end(&progress);
	if (r < 0)
		return err_wrap(err, "from '%s' to '%s'", args->items[0], args->items[1]);
	digest_format(&result.digest, digest);
	if (!w->quiet)
		printf("%s: %s, digest %s\n", args->items[1], result.was_there ? "up to date" : "copied", digest);
	r = w->digestfile ? fs_write_file(AT_FDCWD, w->digestfile, digest, strlen(digest), 0644, 0, err) : 0;
	return r < 0 ? err_wrap(err, "--digestfile") : 0;
}

const struct command cmd_copy = {
	.name = "copy",
	.group = "Registries",
	.summary = "copy an image from one place to another",
	.usage = "SOURCE DESTINATION",
	.description =
		"Both are named as skopeo does:\n\n"
		"docker://NAME, a registry; oci:FOLDER[:NAME], an OCI image layout; oci-archive:FILE[:NAME], the same "
		"in a "
		"tar; docker-archive:FILE[:NAME], what 'docker save' writes (a source may say :@N, the image number N, "
		"from 0); dir:FOLDER, a folder with the manifest and a file for each blob; store:NAME, our own "
		"store.\n\n"
		"Nothing is changed on the way, so digests stay; what the destination has is not sent again. From one "
		"registry to another nothing passes through the store (temporary files are in $TMPDIR or /var/tmp); "
		"between repositories of one registry it takes the layers over by itself.",
	.examples = "$ cloche copy docker://debian:12 docker://registry.example.org/base/debian:12\n"
		    "# all platforms, into a folder\n$ cloche copy --all docker://alpine oci:alpine:latest\n"
		    "# what docker can load\n$ cloche copy store:web docker-archive:web.tar:web:1\n",
	.see_also = "pull, push, save, load, inspect",
	.options = copy_table,
	.options_size = sizeof(struct copy_words),
	.min_args = 2,
	.max_args = 2,
	.run = run_copy,
};

#include "engine/image/push.h"

#include "cli/command.h"
#include "cli/image/remote_options.h"
#include "cli/image/transfer_progress.h"
#include "sys/fs.h"

#include <fcntl.h>
#include <string.h>

struct push_options {
	struct remote_words remote;
	const char *digestfile;
};

static const struct option push_table[] = {
	OPTION_FLAG("quiet", 'q', struct push_options, remote.quiet, "show no progress"),
	OPTION_STRING("progress", 0, struct push_options, remote.progress, "auto|plain|json", "how progress is shown",
		      "auto plain json"),
	OPTION_STRING("digestfile", 0, struct push_options, digestfile, "FILE", "write the manifest's digest there",
		      "file"),
	REMOTE_OPTIONS(struct push_options, remote),
	OPTION_LATER("all-tags", 'a', "'cloche sync' copies all tags of a repository"),
	OPTION_LATER("compression-format", 0, "another compression comes in a later version"),
	OPTION_LATER("format", 'f', "'cloche copy --format v2s2 store:IMAGE docker://NAME' changes it"),
	OPTION_LATER("sign-by", 0, "signatures come in a later version"),
	OPTION_END,
};

static void on_image(const struct image_manifest *m, void *arg)
{
	transfer_progress_image(arg, m->layers_len, 0);
}

static int write_digest(const char *path, const char *digest, struct err *err)
{
	int r = fs_write_file(AT_FDCWD, path, digest, strlen(digest), 0644, 0, err);

	return r < 0 ? err_wrap(err, "--digestfile") : 0;
}

static int run_push(const void *options, const struct strv *args, struct err *err)
{
	const struct push_options *o = options;
	autoengine struct engine e = { 0 };
	struct remote_options remote = remote_options_of(&o->remote);
	struct transfer_progress progress;
	struct pull_events events = { .on_image = on_image, .on_layer = transfer_progress_layer, .arg = &progress };
	char digest[DIGEST_STR_MAX];
	struct push_result result;
	int r = transfer_progress_init(&progress, o->remote.progress, "pushing", o->remote.quiet, err);

	if (r >= 0)
		r = engine_open(global_options.root, global_options.runroot, &e, err);
	if (r < 0)
		return r;
	remote.on_progress = transfer_progress_bytes;
	remote.arg = &progress;
	r = engine_push(&e, &remote, args->items[0], args->len > 1 ? args->items[1] : NULL, &events, &result, err);
	transfer_progress_end(&progress);
	if (r < 0)
		return err_wrap(err, "'%s'", args->items[0]);
	digest_format(&result.manifest, digest);
	if (!o->remote.quiet)
		printf("%s: %s, digest %s\n", result.name, result.was_there ? "up to date" : "pushed", digest);
	return o->digestfile ? write_digest(o->digestfile, digest, err) : 0;
}

const struct command cmd_push = {
	.name = "push",
	.group = "Registries",
	.summary = "bring an image to a registry",
	.usage = "IMAGE [NAME]",
	.description =
		"Sends what the registry lacks: layers that it has are not sent again, and what hasn't changed costs "
		"one request. The digests there are those of the store.",
	.examples = "$ cloche push registry.example.org/me/web:1\n"
		    "# under another name\n$ cloche push web registry.example.org/me/web:1\n",
	.complete = "image",
	.options = push_table,
	.options_size = sizeof(struct push_options),
	.min_args = 1,
	.max_args = 2,
	.run = run_push,
};

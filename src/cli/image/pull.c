#include "engine/image/pull.h"

#include "cli/command.h"
#include "cli/image/remote_options.h"
#include "cli/image/transfer_progress.h"

#include <string.h>

struct pull_options {
	struct remote_words remote;
	const char *platform;
};

static const struct option pull_table[] = {
	OPTION_STRING("platform", 0, struct pull_options, platform, "linux/ARCH[/VARIANT]",
		      "of an image for several machines, the one for this (default: ours)", NULL),
	OPTION_FLAG("quiet", 'q', struct pull_options, remote.quiet, "show no progress, only the image's ID"),
	OPTION_STRING("progress", 0, struct pull_options, remote.progress, "auto|plain|json", "how progress is shown",
		      "auto plain json"),
	REMOTE_OPTIONS(struct pull_options, remote),
	OPTION_LATER("all-tags", 'a', "'cloche sync' copies all tags of a repository"),
	OPTION_LATER("disable-content-trust", 0, "signatures come in a later version"),
	OPTION_END,
};

static void on_image(const struct image_manifest *m, void *arg)
{
	uint64_t total = 0;

	for (size_t i = 0; i < m->layers_len; i++)
		total += m->layers[i].size;
	transfer_progress_image(arg, m->layers_len, total);
}

static int run_pull(const void *options, const struct strv *args, struct err *err)
{
	const struct pull_options *o = options;
	autoengine struct engine e = { 0 };
	struct remote_options remote = remote_options_of(&o->remote);
	struct transfer_progress progress;
	struct pull_events events = { .on_image = on_image, .on_layer = transfer_progress_layer, .arg = &progress };
	char digest[DIGEST_STR_MAX];
	struct pull_result result;
	int r = transfer_progress_init(&progress, o->remote.progress, "pulling", o->remote.quiet, err);

	if (r >= 0)
		r = engine_open(global_options.root, global_options.runroot, &e, err);
	if (r < 0)
		return r;
	remote.on_progress = transfer_progress_bytes;
	remote.arg = &progress;
	r = engine_pull(&e, &remote, args->items[0], o->platform, &events, &result, err);
	transfer_progress_end(&progress);
	engine_tidy(&e, r < 0);
	if (r < 0)
		return err_wrap(err, "'%s'", args->items[0]);
	if (!o->remote.quiet) {
		digest_format(&result.remote, digest);
		fprintf(stderr, "%s: %s, digest %s\n", result.name, result.was_there ? "up to date" : "pulled", digest);
	}
	digest_format(&result.id, digest);
	puts(digest);
	return 0;
}

const struct command cmd_pull = {
	.name = "pull",
	.group = "Registries",
	.summary = "bring an image from a registry",
	.usage = "IMAGE",
	.description = "Asks the registry that IMAGE begins with (docker.io if it begins with none) and unpacks the "
		       "layers while "
		       "they come. An image that hasn't changed costs one request. Logins are those of 'cloche login', "
		       "podman and "
		       "docker; registries.conf says which registries may be insecure or are blocked; proxies are "
		       "taken from the "
		       "environment (HTTPS_PROXY, HTTP_PROXY, NO_PROXY).",
	.examples = "$ cloche pull debian:bookworm\n$ cloche pull --platform linux/arm64 quay.io/fedora/fedora:41\n"
		    "# a registry on this machine, without TLS\n$ cloche pull --tls-verify=false localhost:5000/web\n",
	.complete = "image",
	.options = pull_table,
	.options_size = sizeof(struct pull_options),
	.min_args = 1,
	.max_args = 1,
	.run = run_pull,
};

#include "cli/command.h"
#include "codec/reference.h"
#include "engine/image/load.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct load_options {
	const char *input;
	bool quiet;
};

static const struct option load_table[] = {
	OPTION_STRING("input", 'i', struct load_options, input, "FILE",
		      "archive, or folder with an OCI image layout, instead of stdin", "file"),
	OPTION_FLAG("quiet", 'q', struct load_options, quiet, "print only the image IDs"),
	OPTION_END,
};

static int open_input(const char *path, struct err *err)
{
	int fd;

	if (!path || strcmp(path, "-") == 0) {
		if (isatty(STDIN_FILENO)) {
			err_set(err, EINVAL, "stdin is a terminal");
			return err_hint(err, "name the archive with -i FILE, or redirect it");
		}
		return fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 ? fd : err_errno(err, errno, "open '%s'", path);
}

static void print(const struct loaded_images *images, bool quiet)
{
	for (size_t i = 0; i < images->len; i++) {
		const struct loaded_image *image = &images->items[i];
		char id[DIGEST_STR_MAX], familiar[REFERENCE_MAX + 256];
		struct reference ref;

		digest_format(&image->id, id);
		if (quiet) {
			puts(id);
		} else if (image->name && reference_parse(image->name, &ref, NULL) >= 0) {
			reference_format_familiar(&ref, familiar);
			printf("Loaded image: %s\n", familiar);
		} else {
			printf("Loaded image ID: %s\n", id);
		}
	}
}

static int run_load(const void *options, const struct strv *args, struct err *err)
{
	const struct load_options *o = options;
	struct loaded_images images = { 0 };
	autoengine struct engine e = { 0 };
	autoclose int fd = -1;
	int r;

	(void)args;
	fd = open_input(o->input, err);
	r = fd < 0 ? fd : engine_open(global_options.root, global_options.runroot, &e, err);
	if (r >= 0)
		r = engine_load(&e, fd, o->input, &images, err);
	if (r < 0) {
		if (o->input && fd >= 0)
			err_wrap(err, "'%s'", o->input);
		return -1;
	}
	print(&images, o->quiet);
	loaded_images_done(&images);
	return 0;
}

const struct command cmd_load = {
	.name = "load",
	.group = "Images",
	.summary = "load images from an archive or folder",
	.usage = "",
	.description = "Takes what docker, podman, skopeo, buildah and umoci write: docker-archive, OCI archive, and a "
		       "folder with an OCI image "
		       "layout; archives plain or compressed (gzip, zstd, bzip2, xz), from a file or a pipe. Of an "
		       "image for several "
		       "platforms, this machine's is taken.\n\n"
		       "Each layer's digest and diff id are verified while it is unpacked; image IDs are those that "
		       "docker shows.",
	.examples = "$ docker save debian:12 | cloche load\n$ skopeo copy docker://alpine "
		    "oci-archive:alpine.tar:alpine:latest\n"
		    "$ cloche load -i alpine.tar",
	.options = load_table,
	.options_size = sizeof(struct load_options),
	.max_args = 0,
	.run = run_load,
};

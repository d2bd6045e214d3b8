#include "base/str.h"
#include "cli/command.h"
#include "engine/image/import.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct import_args {
	struct strv changes;
	const char *message, *platform;
};

static const struct option import_table[] = {
	OPTION_LIST("change", 'c', struct import_args, changes, "INSTRUCTION",
		    "change the configuration by a Dockerfile instruction, such as 'CMD [\"sh\"]'", NULL),
	OPTION_STRING("message", 'm', struct import_args, message, "TEXT", "comment in the history", NULL),
	OPTION_STRING("platform", 0, struct import_args, platform, "OS/ARCH[/VARIANT]",
		      "what the files are for, instead of this machine", NULL),
	OPTION_END,
};

static int open_input(const char *path, struct err *err)
{
	int fd;

	if (strcmp(path, "-") == 0) {
		if (isatty(STDIN_FILENO)) {
			err_set(err, EINVAL, "stdin is a terminal");
			return err_hint(err, "pipe a tar into it, or name a file");
		}
		return fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	err_errno(err, errno, "open '%s'", path);
	if (strstr(path, "://"))
		return err_hint(err, "import reads files; fetch it first, and pipe it into 'cloche import -'");
	return -err->code;
}

/* "linux/arm64/v8", split in TEXT. */
static int split_platform(char *text, struct import_options *o, struct err *err)
{
	char *os = strsep(&text, "/"), *architecture = strsep(&text, "/"), *variant = strsep(&text, "/");

	if (!*os || !architecture || !*architecture || text)
		return err_set(err, EINVAL, "--platform: expected OS/ARCH or OS/ARCH/VARIANT");
	o->os = os;
	o->architecture = architecture;
	o->variant = variant;
	return 0;
}

static int run_import(const void *options, const struct strv *args, struct err *err)
{
	const struct import_args *a = options;
	struct import_options o = { .changes = &a->changes, .message = a->message, .origin = args->items[0] };
	autofree char *platform = a->platform ? strdup(a->platform) : NULL;
	autoengine struct engine e = { 0 };
	autoclose int fd = -1;
	struct reference name;
	char id[DIGEST_STR_MAX];
	struct digest digest;
	int r = 0;

	if (args->len > 1) {
		r = reference_parse(args->items[1], &name, err);
		o.name = &name;
	}
	if (r >= 0 && platform)
		r = split_platform(platform, &o, err);
	if (r >= 0)
		r = fd = open_input(args->items[0], err);
	if (r >= 0)
		r = engine_open(global_options.root, global_options.runroot, &e, err);
	if (r >= 0)
		r = engine_import(&e, fd, &o, &digest, err);
	if (r < 0)
		return -1;
	digest_format(&digest, id);
	puts(id);
	return 0;
}

const struct command cmd_import = {
	.name = "import",
	.group = "Images",
	.summary = "make an image of a root file system in a tar",
	.usage = "FILE|- [NAME[:TAG]]",
	.description = "The tar may be plain or compressed (gzip, zstd, bzip2, xz). It becomes an image of one layer, "
		       "without a command unless "
		       "--change gives it one. Prints the image's ID.",
	.examples =
		"$ tar -C rootfs -c . | cloche import - mine:1\n"
		"$ cloche import -c 'CMD [\"/bin/sh\"]' -c 'ENV LANG=C.UTF-8' -m 'from the field' rootfs.tar.zst field",
	.complete = "file",
	.options = import_table,
	.options_size = sizeof(struct import_args),
	.min_args = 1,
	.max_args = 2,
	.run = run_import,
};

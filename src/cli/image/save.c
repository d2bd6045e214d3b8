#include "base/str.h"
#include "cli/command.h"
#include "cli/output_file.h"
#include "engine/image/save.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

struct save_options {
	const char *output, *format, *compression;
	bool smallest;
};

static const struct option save_table[] = {
	OPTION_STRING("output", 'o', struct save_options, output, "FILE", "write there instead of to stdout", "file"),
	OPTION_STRING("format", 0, struct save_options, format, "FORMAT",
		      "docker-archive (the default), oci-archive or oci-dir", "docker-archive oci-archive oci-dir"),
	OPTION_STRING("compression", 0, struct save_options, compression, "HOW",
		      "of a docker-archive: none (the default), gzip or zstd", "none gzip zstd"),
	OPTION_FLAG("smallest", 0, struct save_options, smallest,
		    "the fewest bytes that loaders need; gzip unless --compression says zstd or none"),
	OPTION_END,
};

static int parse_format(const char *text, enum save_format *ret, struct err *err)
{
	static const struct {
		const char *name;
		enum save_format format;
	} known[] = {
		{ "docker-archive", SAVE_DOCKER_ARCHIVE },
		{ "oci-archive", SAVE_OCI_ARCHIVE },
		{ "oci-dir", SAVE_OCI_DIR },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (!text || strcmp(known[i].name, text) == 0) {
			*ret = known[i].format;
			return 0;
		}
	err_set(err, EINVAL, "--format: '%s' is not known", text);
	return err_hint(err, "docker-archive, oci-archive and oci-dir are");
}

static int parse_compression(const struct save_options *o, struct save_how *how, struct err *err)
{
	static const struct {
		const char *name;
		enum layer_compression compression;
	} known[] = { { "none", LAYER_PLAIN_TAR }, { "gzip", LAYER_GZIP }, { "zstd", LAYER_ZSTD } };

	how->smallest = o->smallest;
	how->compression = o->smallest ? LAYER_GZIP : LAYER_PLAIN_TAR;
	if (!o->compression)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strcmp(known[i].name, o->compression) == 0) {
			how->compression = known[i].compression;
			return 0;
		}
	err_set(err, EINVAL, "--compression: '%s' is not known", o->compression);
	return err_hint(err, "none, gzip and zstd are");
}

/* The folder is made aside and renamed, so that a half-written one never has its name. */
static int save_folder(struct engine *e, const struct strv *images, const struct save_how *how, const char *path,
		       struct err *err)
{
	autofree char *aside = path ? str_format("%s.%d.tmp", path, getpid()) : NULL;
	autoclose int fd = -1;
	int r;

	if (!path)
		return err_set(err, EINVAL, "--format oci-dir needs a folder: name it with -o");
	if (!aside)
		return err_oom(err);
	if (mkdir(aside, 0755) < 0)
		return err_errno(err, errno, "make folder '%s'", aside);
	fd = open(aside, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = fd < 0 ? err_errno(err, errno, "open folder '%s'", aside) : engine_save(e, images, how, fd, err);
	if (r >= 0 && rename(aside, path) < 0) {
		r = err_errno(err, errno, "rename to '%s'", path);
		if (errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR)
			err_hint(err, "name a folder that is new or empty");
	}
	if (r < 0)
		fs_remove_tree(AT_FDCWD, aside, NULL);
	return r;
}

static int save_archive(struct engine *e, const struct strv *images, const struct save_how *how, const char *path,
			struct err *err)
{
	autooutput struct output_file out = OUTPUT_FILE_INIT;
	int r = output_file_open(path, &out, err);

	if (r >= 0)
		r = engine_save(e, images, how, out.fd, err);
	return r < 0 ? r : output_file_finish(&out, err);
}

static int run_save(const void *options, const struct strv *args, struct err *err)
{
	const struct save_options *o = options;
	autoengine struct engine e = { 0 };
	struct save_how how = { 0 };
	int r = parse_format(o->format, &how.format, err);

	if (r >= 0)
		r = parse_compression(o, &how, err);
	if (r >= 0)
		r = engine_open(global_options.root, global_options.runroot, &e, err);
	if (r >= 0)
		r = how.format == SAVE_OCI_DIR ? save_folder(&e, args, &how, o->output, err)
					       : save_archive(&e, args, &how, o->output, err);
	return r < 0 ? -1 : 0;
}

const struct command cmd_save = {
	.name = "save",
	.group = "Images",
	.summary = "write images to an archive or folder",
	.usage = "IMAGE [IMAGE...]",
	.description = "docker-archive is what 'docker load' and 'podman load' read. OCI archives and folders hold the "
		       "layers as the store has "
		       "them, so their digests stay. Layers that images share are written once.\n\n"
		       "--smallest leaves out what neither a loader nor a container needs: history and times of the "
		       "image, what "
		       "headers say by default, the end of the archive. Files keep names, modes, owners, times, "
		       "attributes and "
		       "content. Layers and configuration are written anew, so the image has another ID. With gzip "
		       "each MB takes "
		       "seconds. examples/smallest makes an image of 234 bytes with it, of 222 with zstd.",
	.examples = "$ cloche save -o debian.tar debian:12\n$ cloche save web:1 web:2 | zstd | ssh host docker load\n"
		    "$ cloche save --format oci-dir -o layout debian:12\n"
		    "$ cloche save --smallest -o web.tar.gz web",
	.see_also = "load, copy, export",
	.complete = "image",
	.options = save_table,
	.options_size = sizeof(struct save_options),
	.min_args = 1,
	.max_args = -1,
	.run = run_save,
};

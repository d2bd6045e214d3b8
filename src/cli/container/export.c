#include "cli/command.h"
#include "cli/output_file.h"
#include "engine/container/export.h"

struct export_options {
	const char *output;
};

static const struct option export_table[] = {
	OPTION_STRING("output", 'o', struct export_options, output, "FILE", "write there instead of to stdout", "file"),
	OPTION_END,
};

static int run_export(const void *options, const struct strv *args, struct err *err)
{
	const struct export_options *o = options;
	autooutput struct output_file out = OUTPUT_FILE_INIT;
	autoengine struct engine e = { 0 };
	int r = engine_open(global_options.root, global_options.runroot, &e, err);

	if (r >= 0)
		r = output_file_open(o->output, &out, err);
	if (r >= 0)
		r = engine_export(&e, args->items[0], out.fd, err);
	if (r >= 0)
		r = output_file_finish(&out, err);
	return r < 0 ? -1 : 0;
}

const struct command cmd_export = {
	.name = "export",
	.group = "Images",
	.summary = "write the files of a container or image as a tar",
	.usage = "CONTAINER|IMAGE",
	.description = "The tar has the merged files, as the container sees them, with their owners; layers, history "
		       "and configuration are "
		       "not in it ('cloche save' keeps those). What is mounted into a container is not exported.",
	.examples = "$ cloche export web -o web.tar\n# what is in an image\n$ cloche export debian:12 | tar -tv",
	.complete = "container",
	.options = export_table,
	.options_size = sizeof(struct export_options),
	.min_args = 1,
	.max_args = 1,
	.run = run_export,
};

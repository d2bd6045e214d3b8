#include "cli/command.h"
#include "cli/image/remote_options.h"
#include "engine/move/fsck.h"
#include "oci/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct fsck_words {
	bool repair;
	const char *from, *format;
	struct remote_words remote;
};

static const struct option fsck_table[] = {
	OPTION_FLAG("repair", 0, struct fsck_words, repair, "bring what is damaged again"),
	OPTION_STRING("from", 0, struct fsck_words, from, "PLACE",
		      "from there (as 'cloche copy' names places), not from the registry in the image's name", NULL),
	OPTION_STRING("format", 0, struct fsck_words, format, "FORMAT", "text (the default) or json", "text json"),
	REMOTE_OPTIONS(struct fsck_words, remote),
	OPTION_END,
};

static int print_json(const struct fsck_report *report, struct err *err)
{
	autojson json_t *all = json_array();
	autobuf struct buf text = BUF_INIT(JSON_SIZE_MAX);

	for (size_t i = 0; i < report->findings.len; i++) {
		const struct fsck_finding *f = &report->findings.items[i];
		json_t *o = json_object();

		if (json_array_append_new(all, o) < 0 || json_add_string(o, "Kind", f->kind) < 0 ||
		    json_add_string(o, "Name", f->name) < 0 || json_add_string(o, "Problem", f->problem) < 0 ||
		    json_add_bool(o, "Repaired", f->repaired) < 0 || json_add_string(o, "Reason", f->why_not) < 0)
			return err_oom(err);
	}
	if (json_write_pretty(all, &text, err) < 0)
		return -1;
	puts(buf_str(&text));
	return 0;
}

static void print_text(const struct fsck_report *report)
{
	for (size_t i = 0; i < report->findings.len; i++) {
		const struct fsck_finding *f = &report->findings.items[i];

		printf("%s %s: %s%s%s%s\n", f->kind, f->name, f->problem, f->repaired ? "; repaired" : "",
		       f->why_not ? "; not repaired: " : "", f->why_not ? f->why_not : "");
	}
	printf("%" PRIu64 " blobs, %" PRIu64 " images and %" PRIu64 " unpacked layers looked at: %s\n", report->blobs,
	       report->images, report->layers,
	       report->left		  ? "something is damaged"
	       : report->findings.len > 0 ? "all is well again"
					  : "all is well");
}

static int run_fsck(const void *options, const struct strv *args, struct err *err)
{
	const struct fsck_words *o = options;
	const struct fsck_options how = { .repair = o->repair,
					  .from = o->from,
					  .remote = remote_options_of(&o->remote) };
	CLEANUP(fsck_report_done) struct fsck_report report = { 0 };
	const bool is_json = o->format && strcmp(o->format, "json") == 0;
	autoengine struct engine e = { 0 };

	(void)args;
	if (o->format && !is_json && strcmp(o->format, "text") != 0)
		return err_set(err, EINVAL, "--format '%s': text or json", o->format);
	if (o->from && !o->repair)
		return err_set(err, EINVAL,
			       "--from says where --repair gets things: without it there is nothing to get");
	if (engine_open(global_options.root, global_options.runroot, &e, err) < 0 ||
	    engine_fsck(&e, &how, &report, err) < 0)
		return -1;
	if (is_json && print_json(&report, err) < 0)
		return -1;
	if (!is_json)
		print_text(&report);
	return report.left ? 1 : 0;
}

const struct command cmd_fsck = {
	.name = "fsck",
	.group = "Insight",
	.summary = "verify every blob, image and unpacked layer of the store, and repair them",
	.usage = "",
	.description =
		"Blobs are digested, images followed from their names, and each unpacked layer compared with what its "
		"blob gives when it is unpacked again: kinds, modes, owners, attributes and content, not times. That "
		"takes as much room as the largest of them. With --repair a blob is brought from the "
		"registry that the image's name says, or from --from, and a tree is unpacked again, unless a "
		"container is made of it. "
		"The exit code is 0 if all is well or was repaired, 1 if something is damaged, 125 if it can't be "
		"told.",
	.examples = "$ cloche fsck\n$ cloche fsck --repair\n$ cloche fsck --repair --from oci:/media/disk/layout:web",
	.see_also = "copy, doctor, system df",
	.options = fsck_table,
	.options_size = sizeof(struct fsck_words),
	.run = run_fsck,
};

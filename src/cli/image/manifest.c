/* `cloche manifest`: lists of images for several machines. */
#include "cli/image/manifest.h"

#include "cli/command.h"
#include "cli/image/remote_options.h"
#include "cli/image/transfer_progress.h"
#include "engine/move/list.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* --- create --- */

struct create_options {
	struct remote_words remote;
	bool all, amend;
};

static const struct option create_table[] = {
	OPTION_FLAG("amend", 'a', struct create_options, amend, "a list of that name is added to"),
	OPTION_FLAG("all", 0, struct create_options, all, "of an IMAGE that is a list, all its images"),
	REMOTE_OPTIONS(struct create_options, remote),
	OPTION_END,
};

int manifest_print_id(struct engine *e, const char *name, struct err *err)
{
	autodocument struct document doc = DOCUMENT_INIT;
	char hex[DIGEST_HEX_MAX];
	int r = engine_list_document(e, name, &doc, err);

	if (r < 0)
		return r;
	digest_format_hex(&doc.digest, hex);
	puts(hex);
	return 0;
}

static int run_create(const void *options, const struct strv *args, struct err *err)
{
	const struct create_options *o = options;
	const struct remote_options remote = remote_options_of(&o->remote);
	const struct list_words words = { 0 };
	autoengine struct engine e = { 0 };
	int r = engine_open(global_options.root, global_options.runroot, &e, err);

	if (r >= 0)
		r = engine_list_create(&e, args->items[0], o->amend, err);
	for (size_t i = 1; r >= 0 && i < args->len; i++) {
		r = engine_list_add(&e, args->items[0], args->items[i], o->all, &words, &remote, err);
		if (r < 0) {
			err_wrap(err, "'%s'", args->items[i]);
			/* docker and podman make no half list. */
			if (!o->amend)
				engine_list_delete(&e, args->items[0], NULL);
		}
	}
	if (r >= 0)
		r = manifest_print_id(&e, args->items[0], err);
	engine_tidy(&e, false);
	return r;
}

const struct command cmd_manifest_create = {
	.name = "manifest create",
	.group = "Registries",
	.summary = "begin a list of images for several machines",
	.usage = "LIST [IMAGE...]",
	.description =
		"Makes the list LIST, with IMAGEs in it: of the store, else of their registries, or at a place as "
		"'cloche help copy' names them. 'cloche manifest push' brings it to a registry, with all its images.",
	.examples = "$ cloche manifest create me/web:1 me/web:1-amd64 me/web:1-arm64\n"
		    "$ cloche manifest push me/web:1 docker://registry.example.org/me/web:1",
	.see_also = "manifest add, manifest push, copy",
	.complete = "image",
	.options = create_table,
	.options_size = sizeof(struct create_options),
	.min_args = 1,
	.max_args = -1,
	.run = run_create,
};

/* --- inspect --- */

struct inspect_options {
	struct remote_words remote;
	bool verbose, insecure;
};

static const struct option inspect_table[] = {
	OPTION_FLAG("verbose", 'v', struct inspect_options, verbose,
		    "each image's own manifest too, as docker says it"),
	OPTION_FLAG("insecure", 0, struct inspect_options, insecure, "docker's --tls-verify=false"),
	REMOTE_OPTIONS(struct inspect_options, remote),
	OPTION_END,
};

static int run_inspect(const void *options, const struct strv *args, struct err *err)
{
	const struct inspect_options *o = options;
	struct remote_options remote = remote_options_of(&o->remote);
	autobuf struct buf text = BUF_INIT(8 * IMAGE_DOCUMENT_MAX);
	autoengine struct engine e = { 0 };
	autojson json_t *object = NULL;
	int r = engine_open(global_options.root, global_options.runroot, &e, err);

	if (o->insecure)
		remote.tls_verify = "false";
	if (r >= 0)
		r = engine_list_inspect(&e, args->items[0], o->verbose, &remote, &object, err);
	if (r >= 0)
		r = json_write_pretty(object, &text, err);
	if (r >= 0)
		puts(buf_str(&text));
	return r < 0 ? err_wrap(err, "'%s'", args->items[0]) : 0;
}

const struct command cmd_manifest_inspect = {
	.name = "manifest inspect",
	.group = "Registries",
	.summary = "show a list, or an image's manifest, without pulling it",
	.usage = "NAME",
	.description =
		"NAME is a list of ours, else what its registry has, or a place as 'cloche help copy' names them.",
	.examples = "$ cloche manifest inspect debian:12\n$ cloche manifest inspect oci:layout:latest",
	.see_also = "inspect, manifest create, copy",
	.complete = "image",
	.options = inspect_table,
	.options_size = sizeof(struct inspect_options),
	.min_args = 1,
	.max_args = 1,
	.run = run_inspect,
};

/* --- push --- */

struct push_options {
	struct remote_words remote;
	const char *digestfile, *format;
	bool all, remove, insecure;
};

static const struct option push_table[] = {
	OPTION_FLAG("all", 0, struct push_options, all, "all images go with the list (they always do)"),
	OPTION_STRING("format", 'f', struct push_options, format, "oci|v2s2",
		      "of the list and its images (default: theirs)", "oci v2s2"),
	OPTION_STRING("digestfile", 0, struct push_options, digestfile, "FILE", "write the list's digest there",
		      "file"),
	OPTION_FLAG("rm", 'p', struct push_options, remove, "then forget the list here"),
	OPTION_FLAG("purge", 0, struct push_options, remove, "docker's name for --rm"),
	OPTION_FLAG("insecure", 0, struct push_options, insecure, "docker's --tls-verify=false"),
	OPTION_FLAG("quiet", 'q', struct push_options, remote.quiet, "show no progress"),
	OPTION_STRING("progress", 0, struct push_options, remote.progress, "auto|plain|json", "how progress is shown",
		      "auto plain json"),
	REMOTE_OPTIONS(struct push_options, remote),
	OPTION_LATER("sign-by", 0, "signatures come in a later version"),
	OPTION_LATER("compression-format", 0, "layers are compressed anew in a later version"),
	OPTION_END,
};

static void on_image(const struct image_manifest *m, void *arg)
{
	transfer_progress_image(arg, m->layers_len, 0);
}

/* The list's own name, where no place is said. */
static int parse_dest(const char *list, const char *dest, struct place *ret, struct err *err)
{
	autobuf struct buf text = BUF_INIT(PLACE_NAME_MAX + 16);

	if (!dest)
		dest = list;
	buf_addf(&text, "%s%s", place_is_one(dest) ? "" : "docker://", dest);
	return text.error ? err_set(err, E2BIG, "'%.60s…' is too long", dest) : place_parse(text.data, ret, err);
}

static int push(struct engine *e, const struct push_options *o, const struct strv *args, struct digest *ret,
		struct err *err)
{
	struct place autoplace to = { .index = -1 };
	struct transfer_progress progress;
	struct pull_events events = { .on_image = on_image, .on_layer = transfer_progress_layer, .arg = &progress };
	struct copy_options copy = { .events = &events, .from = remote_options_of(&o->remote) };
	int r = transfer_progress_init(&progress, o->remote.progress, "pushing", o->remote.quiet, err);

	if (o->insecure)
		copy.from.tls_verify = "false";
	copy.to = copy.from;
	copy.to.on_progress = transfer_progress_bytes;
	copy.to.arg = &progress;
	if (r >= 0)
		r = move_format_parse(o->format, &copy.format, err);
	if (r >= 0)
		r = parse_dest(args->items[0], args->len > 1 ? args->items[1] : NULL, &to, err);
	if (r < 0)
		return r;
	r = engine_list_push(e, args->items[0], &to, &copy, ret, err);
	transfer_progress_end(&progress);
	return r;
}

static int run_push(const void *options, const struct strv *args, struct err *err)
{
	const struct push_options *o = options;
	autoengine struct engine e = { 0 };
	char digest[DIGEST_STR_MAX];
	struct digest pushed;
	int r = engine_open(global_options.root, global_options.runroot, &e, err);

	if (r >= 0)
		r = push(&e, o, args, &pushed, err);
	if (r < 0)
		return err_wrap(err, "'%s'", args->items[0]);
	digest_format(&pushed, digest);
	if (!o->remote.quiet)
		puts(digest);
	if (o->digestfile)
		r = fs_write_file(AT_FDCWD, o->digestfile, digest, strlen(digest), 0644, 0, err);
	if (r >= 0 && o->remove)
		r = engine_list_delete(&e, args->items[0], err);
	return r;
}

const struct command cmd_manifest_push = {
	.name = "manifest push",
	.group = "Registries",
	.summary = "bring a list to a registry, with all its images",
	.usage = "LIST [DESTINATION]",
	.description =
		"Images that are in a registry go from there to the other without passing through the store; what "
		"the destination has is not sent. DESTINATION is a name in a registry, or a place as 'cloche "
		"help copy' says; without one, LIST is the name. Prints the digest of the list.",
	.examples = "$ cloche manifest push me/web:1 docker://registry.example.org/me/web:1\n"
		    "$ cloche manifest push me/web:1 oci:layout:1",
	.see_also = "manifest create, copy",
	.options = push_table,
	.options_size = sizeof(struct push_options),
	.min_args = 1,
	.max_args = 2,
	.run = run_push,
};

/* --- rm, exists --- */

static const struct option no_options[] = { OPTION_END };

static int run_rm(const void *options, const struct strv *args, struct err *err)
{
	autoengine struct engine e = { 0 };
	int failed = 0;

	(void)options;
	if (engine_open(global_options.root, global_options.runroot, &e, err) < 0)
		return -1;
	for (size_t i = 0; i < args->len; i++) {
		struct err one = { 0 };

		if (engine_list_delete(&e, args->items[i], &one) >= 0) {
			printf("Deleted: %s\n", args->items[i]);
			continue;
		}
		err_wrap(&one, "manifest rm");
		err_print(stderr, &one);
		failed = 1;
	}
	engine_tidy(&e, false);
	return failed;
}

const struct command cmd_manifest_rm = {
	.name = "manifest rm",
	.group = "Registries",
	.summary = "forget lists",
	.usage = "LIST...",
	.description = "What was pushed stays in its registry.",
	.options = no_options,
	.min_args = 1,
	.max_args = -1,
	.run = run_rm,
};

static int run_exists(const void *options, const struct strv *args, struct err *err)
{
	autoengine struct engine e = { 0 };
	int r = engine_open(global_options.root, global_options.runroot, &e, err);

	(void)options;
	if (r >= 0)
		r = engine_list_exists(&e, args->items[0], err);
	return r < 0 ? r : !r;
}

const struct command cmd_manifest_exists = {
	.name = "manifest exists",
	.group = "Registries",
	.summary = "end with 0 if there is a list of that name here, else with 1",
	.usage = "LIST",
	.options = no_options,
	.min_args = 1,
	.max_args = 1,
	.run = run_exists,
};

#include "engine/move/fsck.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "engine/move/source.h"
#include "layer/client.h"
#include "store/blob.h"
#include "store/image.h"
#include "store/layers.h"
#include "store/marks.h"
#include "sys/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct fsck {
	struct engine *engine;
	const struct fsck_options *options;
	struct fsck_report *report;
	struct store_tmp tmp;
	struct marks bad;  /* blobs that are damaged */
	struct marks seen; /* layers that were compared */
	struct marks used; /* what containers keep */
	size_t made;	   /* names given in tmp */
	/* Where the image that is looked at comes from; opened when it is needed. */
	struct source source;
	bool is_open;
};

void fsck_report_done(struct fsck_report *report)
{
	for (size_t i = 0; i < report->findings.len; i++) {
		free(report->findings.items[i].name);
		free(report->findings.items[i].problem);
		free(report->findings.items[i].why_not);
	}
	free(report->findings.items);
	*report = (struct fsck_report){ 0 };
}

/* REPAIRED below 0: it was tried, and WHY says what went wrong; 0: not tried. */
static int find(struct fsck *f, const char *kind, const char *name, const char *problem, int repaired,
		const struct err *why, struct err *err)
{
	struct fsck_finding x = { .kind = kind,
				  .name = strdup(name),
				  .problem = strdup(problem),
				  .repaired = repaired > 0,
				  .why_not = repaired < 0 ? strdup(why->msg) : NULL };

	f->report->left |= !x.repaired;
	if (x.name && x.problem && (x.why_not || repaired >= 0) && fsck_findings_push(&f->report->findings, x) >= 0)
		return 0;
	free(x.name);
	free(x.problem);
	free(x.why_not);
	return err_oom(err);
}

static bool has(const struct marks *m, const struct digest *d)
{
	for (size_t i = 0; i < m->len; i++)
		if (digest_equal(&m->items[i], d))
			return true;
	return false;
}

/* --- blobs --- */

static int check_blob(struct fsck *f, const struct digest *d, struct err *err)
{
	struct layer_request q = { .verb = LAYER_DIGEST };
	struct layer_result result;
	struct err why = { 0 };
	autoclose int fd = blob_open(f->engine->store, d, NULL, &why);
	int r;

	if (fd == -ENOENT)
		return 0;
	if (fd >= 0) {
		q.digest = (struct layer_input){ .fd = fd, .has_digest = true, .digest = *d };
		r = layer_run(&q, &result, &why);
	} else {
		r = fd;
	}
	f->report->blobs++;
	if (r >= 0)
		return 0;
	return marks_push(&f->bad, *d) < 0 ? err_oom(err) : 0;
}

static int check_blobs(struct fsck *f, struct err *err)
{
	autoclosedir DIR *dir = marks_open_folder(f->engine->store, "blobs/sha256", err);
	struct dirent *entry;
	int r = 0;

	if (!dir)
		return -EIO;
	while (r >= 0 && (entry = readdir(dir))) {
		struct digest d;

		if (digest_parse_hex(entry->d_name, &d, NULL) >= 0)
			r = check_blob(f, &d, err);
	}
	return r;
}

/* --- repair of blobs --- */

static int open_source(struct fsck *f, const char *image, struct err *err)
{
	autofree char *text = f->options->from ? strdup(f->options->from) : str_format("docker://%s", image);
	struct place place = { 0 };
	int r;

	if (f->is_open)
		return 0;
	if (!f->options->from && !image) {
		err_set(err, EINVAL, "the image has no name, so no registry is known that has it");
		return err_hint(err, "--from says where it can be had");
	}
	r = text ? place_parse(text, &place, err) : err_oom(err);
	if (r >= 0)
		r = source_open(&place, &f->options->remote, f->engine, &f->source, err);
	f->is_open = r >= 0;
	return r;
}

/* Puts the verified content of FD where D is expected. */
static int put_blob(struct fsck *f, int in, const struct digest *d, uint64_t size, struct err *err)
{
	struct layer_request q = { .verb = LAYER_DIGEST };
	char path[BLOB_PATH_MAX], name[32];
	autoclose int out = -1;
	int r;

	snprintf(name, sizeof(name), "blob%zu", f->made++);
	out = openat(f->tmp.dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (out < 0)
		return err_errno(err, errno, "create '%s/%s'", f->tmp.name, name);
	r = fs_copy_data(in, out, size, err);
	if (r < 0)
		return r;
	if (lseek(out, 0, SEEK_SET) < 0)
		return err_errno(err, errno, "seek");
	q.digest = (struct layer_input){ .fd = out, .has_digest = true, .digest = *d };
	r = layer_run(&q, NULL, err);
	if (r < 0)
		return r;
	blob_path(d, path);
	if (fchmod(out, 0644) < 0 || fsync(out) < 0 ||
	    renameat(f->tmp.dir_fd, name, f->engine->store->root_fd, path) < 0)
		return err_errno(err, errno, "name the blob '%s'", path);
	return 0;
}

static int bring_blob(struct fsck *f, const struct descriptor *d, struct err *err)
{
	struct source_blob blob = { .fd = -1 };
	int r = source_start_blob(&f->source, d, &blob, err);

	if (r >= 0)
		r = source_wait_blob(&f->source, &blob, err);
	if (r >= 0 && lseek(blob.fd, 0, SEEK_SET) < 0)
		r = err_errno(err, errno, "seek");
	if (r >= 0)
		r = put_blob(f, blob.fd, &d->digest, d->size, err);
	source_blob_done(&blob);
	return r;
}

static int bring_manifest(struct fsck *f, const struct digest *manifest, struct err *err)
{
	autodocument struct document doc = DOCUMENT_INIT;
	autoclose int fd = -1;
	int r = source_get(&f->source, manifest, &doc, err);

	if (r < 0)
		return r;
	fd = openat(f->tmp.dir_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(err, errno, "make a file in '%s'", f->tmp.name);
	r = fs_write_all(fd, buf_str(&doc.text), doc.text.len, err);
	if (r >= 0 && lseek(fd, 0, SEEK_SET) < 0)
		r = err_errno(err, errno, "seek");
	return r < 0 ? r : put_blob(f, fd, manifest, doc.text.len, err);
}

/* Whether blob D is fine now. What isn't is reported, once repaired it is no longer bad. DESCRIPTOR NULL: a manifest. */
static int settle(struct fsck *f, const char *image, const struct digest *d, const struct descriptor *descriptor,
		  struct err *err)
{
	const bool is_bad = has(&f->bad, d);
	const int here = blob_has(f->engine->store, d, UINT64_MAX, err);
	char name[DIGEST_STR_MAX];
	struct err why = { 0 };
	int r = 0;

	if (here < 0 || (here && !is_bad))
		return here;
	if (f->options->repair) {
		r = open_source(f, image, &why);
		if (r >= 0)
			r = descriptor ? bring_blob(f, descriptor, &why) : bring_manifest(f, d, &why);
		r = r < 0 ? r : 1;
	}
	digest_format(d, name);
	for (size_t i = 0; r > 0 && i < f->bad.len; i++)
		if (digest_equal(&f->bad.items[i], d))
			f->bad.items[i--] = f->bad.items[--f->bad.len];
	if (find(f, "blob", name, here ? "its bytes are not what its digest says" : "it is missing", r, &why, err) < 0)
		return -ENOMEM;
	return r > 0;
}

/* --- unpacked layers --- */

/* What the tree says as an archive, times left out. */
static int tree_digest(struct fsck *f, int tree_fd, struct digest *ret, struct err *err)
{
	autoclose int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct layer_request q = { .verb = LAYER_MAKE,
				   .ids = &f->engine->ids,
				   .make = { .tree_fd = tree_fd, .out_fd = null, .clamp_mtime = true } };
	struct layer_result result;
	int r = null < 0 ? err_errno(err, errno, "open /dev/null") : layer_run(&q, &result, err);

	if (r >= 0)
		*ret = result.diff_id;
	return r;
}

/* Unpacks the layer once more, as fs in the folder NAME of tmp. */
static int unpack_again(struct fsck *f, const struct descriptor *layer, const struct digest *diff_id, const char *name,
			struct layer_info *ret_info, struct digest *ret, struct err *err)
{
	struct layer_request q = { .verb = LAYER_APPLY, .ids = &f->engine->ids };
	autoclose int in = blob_open(f->engine->store, &layer->digest, NULL, err), folder = -1, tree = -1;
	struct layer_result result;
	int r;

	if (in < 0)
		return in;
	if (mkdirat(f->tmp.dir_fd, name, 0700) < 0)
		return err_errno(err, errno, "make folder '%s/%s'", f->tmp.name, name);
	folder = openat(f->tmp.dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return err_errno(err, errno, "open folder '%s/%s'", f->tmp.name, name);
	q.apply = (struct layer_apply){ .in = { .fd = in,
						.has_digest = true,
						.has_diff_id = true,
						.digest = layer->digest,
						.diff_id = *diff_id },
					.dir_fd = folder,
					.name = "fs" };
	r = layer_run(&q, &result, err);
	if (r < 0)
		return r;
	*ret_info = (struct layer_info){ result.entries, result.file_bytes, result.diff_size };
	tree = openat(folder, "fs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return tree < 0 ? err_errno(err, errno, "open 'fs'") : tree_digest(f, tree, ret, err);
}

/* Puts the fresh tree NAME in the place of the damaged one. A kill between leaves none, and the next run unpacks it. */
static int replace_tree(struct fsck *f, const struct digest *diff_id, const char *name, const struct layer_info *info,
			struct err *err)
{
	char path[LAYER_DIR_MAX];
	autoclose int lock = -1;
	int r;

	if (has(&f->used, diff_id)) {
		err_set(err, EBUSY, "containers are made of it");
		return err_hint(err, "remove them first ('cloche ps -a' lists them)");
	}
	lock = layer_lock(f->engine->store, diff_id, err);
	if (lock < 0)
		return lock;
	layer_path(f->engine->store, diff_id, path);
	r = store_sync(f->engine->store, err);
	if (r >= 0)
		r = store_trash(f->engine->store, path, err);
	return r < 0 ? r : layer_commit(&f->tmp, name, diff_id, info, err);
}

/* Compares the tree with the fresh one, which is unpacked as NAME. */
static int compare_tree(struct fsck *f, const struct descriptor *layer, const struct digest *diff_id, const char *name,
			struct err *err)
{
	char folder[LAYER_DIR_MAX], path[LAYER_DIR_MAX + 4], text[DIGEST_STR_MAX];
	struct digest there, wanted;
	struct layer_info info;
	struct err why = { 0 };
	autoclose int tree = -1;
	int r = unpack_again(f, layer, diff_id, name, &info, &wanted, &why);

	digest_format(diff_id, text);
	if (r == -EBADMSG)
		return find(f, "layer", text, why.msg, 0, NULL, err);
	if (r < 0)
		return err_set(err, why.code, "layer %s: %s", text, why.msg);
	layer_path(f->engine->store, diff_id, folder);
	snprintf(path, sizeof(path), "%s/fs", folder);
	tree = openat(f->engine->store->root_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	r = tree < 0 ? err_errno(&why, errno, "open '%s'", path) : tree_digest(f, tree, &there, &why);
	if (r >= 0 && digest_equal(&there, &wanted))
		return 0;
	r = 0;
	if (f->options->repair)
		r = replace_tree(f, diff_id, name, &info, &why) < 0 ? -1 : 1;
	return find(f, "layer", text, "the unpacked files are not what its archive has", r, &why, err);
}

static int check_tree(struct fsck *f, const struct descriptor *layer, const struct digest *diff_id, struct err *err)
{
	struct layer_request gone = { .verb = LAYER_REMOVE, .ids = &f->engine->ids };
	char name[32];
	int r;

	if (has(&f->seen, diff_id))
		return 0;
	if (marks_push(&f->seen, *diff_id) < 0)
		return err_oom(err);
	if (layer_exists(f->engine->store, diff_id, NULL) <= 0)
		return 0;
	f->report->layers++;
	snprintf(name, sizeof(name), "layer%zu", f->made++);
	r = compare_tree(f, layer, diff_id, name, err);
	/* So that it takes room for one layer, not for all of them. */
	gone.remove = (struct layer_remove){ f->tmp.dir_fd, name };
	layer_run(&gone, NULL, NULL);
	return r;
}

/* --- images --- */

static int check_image(struct fsck *f, const struct ref *ref, struct err *err)
{
	autobuf struct buf text = BUF_INIT(IMAGE_DOCUMENT_MAX);
	char name[REFERENCE_MAX + 256];
	struct image_manifest m;
	struct store_image img;
	struct err why = { 0 };
	int r = settle(f, ref->name, &ref->manifest, NULL, err);

	digest_format(&ref->manifest, name);
	if (ref->name)
		snprintf(name, sizeof(name), "%s", ref->name);
	f->report->images++;
	if (r <= 0)
		return r < 0 ? r : find(f, "image", name, "its manifest is damaged", 0, NULL, err);
	r = blob_read(f->engine->store, &ref->manifest, &text, &why);
	if (r >= 0)
		r = image_manifest_parse(buf_str(&text), text.len, &m, &why);
	if (r < 0)
		return find(f, "image", name, why.msg, 0, NULL, err);
	r = settle(f, ref->name, &m.config.digest, &m.config, err);
	image_manifest_done(&m);
	if (r <= 0)
		return r < 0 ? r : find(f, "image", name, "its configuration is damaged", 0, NULL, err);
	r = store_image_open_manifest(f->engine->store, &ref->manifest, &img, &why);
	if (r < 0)
		return find(f, "image", name, why.msg, 0, NULL, err);
	for (size_t i = 0; r >= 0 && i < img.manifest.layers_len && i < img.config.diff_ids_len; i++) {
		r = settle(f, ref->name, &img.manifest.layers[i].digest, &img.manifest.layers[i], err);
		if (r > 0)
			r = check_tree(f, &img.manifest.layers[i], &img.config.diff_ids[i], err);
	}
	store_image_done(&img);
	return r;
}

static int check_images(struct fsck *f, struct err *err)
{
	autorefs struct refs refs = { 0 };
	int r = refs_list(f->engine->store, &refs, err);

	for (size_t i = 0; r >= 0 && i < refs.len; i++) {
		r = check_image(f, &refs.items[i], err);
		if (f->is_open)
			source_done(&f->source);
		f->is_open = false;
	}
	return r;
}

/* Damaged blobs that no image leads to: nothing can say where they came from, and no image misses them. */
static int report_rest(struct fsck *f, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < f->bad.len; i++) {
		char name[DIGEST_STR_MAX];
		bool told = false;

		digest_format(&f->bad.items[i], name);
		for (size_t k = 0; k < f->report->findings.len; k++)
			told |= strcmp(f->report->findings.items[k].name, name) == 0;
		if (!told)
			r = find(f, "blob", name, "its bytes are not what its digest says", 0, NULL, err);
	}
	return r;
}

int engine_fsck(struct engine *e, const struct fsck_options *options, struct fsck_report *ret, struct err *err)
{
	struct fsck f = { .engine = e, .options = options, .report = ret, .tmp = STORE_TMP_INIT };
	int r = store_tmp_open(e->store, &f.tmp, err);

	*ret = (struct fsck_report){ 0 };
	if (r >= 0)
		r = marks_add(e->store, MARK_CONTAINERS, &f.used, err);
	if (r >= 0)
		r = check_blobs(&f, err);
	if (r >= 0)
		r = check_images(&f, err);
	if (r >= 0)
		r = report_rest(&f, err);
	store_tmp_done(&f.tmp);
	free(f.bad.items);
	free(f.seen.items);
	free(f.used.items);
	engine_tidy(e, false);
	return r < 0 ? r : 0;
}

/*
 * The layer helper compares the bundle's files with the record of what they were like, and writes what has changed as a
 * layer. The image that was unpacked must be in the store then, since the new one has its layers; if it isn't, it is brought from
 * where it was unpacked from.
 */
#include "engine/bundle/bundle.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "engine/move/copy.h"
#include "engine/move/into_store.h"
#include "layer/client.h"
#include "store/blob.h"
#include "store/ref.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct repacking {
	struct engine *e;
	const struct repack_options *options;
	struct bundle_info info;
	struct store_image base;
	int dir_fd, rootfs_fd;
};

static void repacking_done(struct repacking *p)
{
	bundle_info_done(&p->info);
	store_image_done(&p->base);
	if (p->rootfs_fd >= 0)
		close(p->rootfs_fd);
	if (p->dir_fd >= 0)
		close(p->dir_fd);
}

static int open_bundle(struct repacking *p, const char *dir, struct err *err)
{
	int r;

	p->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->dir_fd < 0)
		return err_errno(err, errno, "open the bundle");
	r = bundle_info_read(p->dir_fd, &p->info, err);
	if (r < 0)
		return r;
	if (p->info.ids != p->e->ids.mode) {
		err_set(err, EINVAL, "the bundle was unpacked with other ids (%s) than there are now (%s)",
			id_mode_name(p->info.ids), id_mode_name(p->e->ids.mode));
		return err_hint(err, "pack it as the user who unpacked it");
	}
	p->rootfs_fd = openat(p->dir_fd, BUNDLE_ROOTFS, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return p->rootfs_fd < 0 ? err_errno(err, errno, "open the bundle's '%s'", BUNDLE_ROOTFS) : 0;
}

/* --- the image that was unpacked --- */

static int base_is_there(const struct repacking *p, struct err *err)
{
	const struct image_manifest *m = &p->base.manifest;
	int r = 1;

	for (size_t i = 0; r > 0 && i < m->layers_len; i++)
		r = blob_has(p->e->store, &m->layers[i].digest, m->layers[i].size, err);
	return r;
}

static int bring_base(struct repacking *p, struct err *err)
{
	static const struct pull_events none = { 0 };
	static const struct remote_options usual = { 0 };
	struct place autoplace place = { .index = -1 };
	autosource struct source s = { .fd = -1, .tmp = STORE_TMP_INIT };
	autodocument struct document doc = DOCUMENT_INIT;
	bool is_docker_archive;
	int r = place_parse(p->info.source, &place, err);

	if (r < 0)
		return r;
	is_docker_archive = place.kind == PLACE_DOCKER_ARCHIVE;
	r = source_open(&place, &usual, p->e, &s, err);
	/* What docker wrote has no manifest of its own, and opening it has brought it already. */
	if (r >= 0)
		r = source_get(&s, is_docker_archive ? NULL : &p->info.manifest, &doc, err);
	if (r >= 0 && !digest_equal(&doc.digest, &p->info.manifest))
		r = err_set(err, ENOENT, "another image is there now");
	return r < 0 ? r : move_into_store(p->e, &s, &doc, &none, err);
}

static int open_base(struct repacking *p, struct err *err)
{
	char digest[DIGEST_STR_MAX];
	int r = store_image_open_manifest(p->e->store, &p->info.manifest, &p->base, err);

	if (r >= 0)
		r = base_is_there(p, err);
	if (r > 0 || (r < 0 && r != -ENOENT))
		return r < 0 ? r : 0;
	err_clear(err);
	store_image_done(&p->base);
	digest_format(&p->info.manifest, digest);
	if (!p->info.source) {
		err_set(err, ENOENT, "the image that was unpacked, '%.200s' (%s), is no longer in the store",
			p->info.image, digest);
		return err_hint(err, "'cloche pull' or 'cloche load' may bring it back");
	}
	r = bring_base(p, err);
	if (r >= 0)
		r = store_image_open_manifest(p->e->store, &p->info.manifest, &p->base, err);
	return r < 0 ? err_wrap(err, "the image that was unpacked (%s), from '%.300s'", digest, p->info.source) : 0;
}

/* --- the layer --- */

static int add_mask(const char *path, struct strv *ret, struct err *err)
{
	autofree char *clean = path_clean(path);

	if (path[0] != '/')
		return err_set(err, EINVAL, "--mask-path takes an absolute path in the image, not '%.200s'", path);
	if (!clean || (clean[1] && strv_add(ret, clean + 1) < 0))
		return err_oom(err);
	return clean[1] ? 0 : err_set(err, EINVAL, "--mask-path: with '/' nothing would be left");
}

/* The image's volumes are no part of its layers: what is put there is data. */
static int collect_masks(const struct repacking *p, struct strv *ret, struct err *err)
{
	const struct strv *volumes = &p->base.config.volumes;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < p->options->masks->len; i++)
		r = add_mask(p->options->masks->items[i], ret, err);
	for (size_t i = 0; r >= 0 && !p->options->no_mask_volumes && i < volumes->len; i++)
		if (volumes->items[i][0] == '/' && volumes->items[i][1])
			r = add_mask(volumes->items[i], ret, err);
	return r;
}

static int run_diff(struct repacking *p, const struct strv *masks, int out_fd, struct layer_result *ret,
		    struct err *err)
{
	autofree struct layer_item *items = calloc(masks->len + 1, sizeof(*items));
	autoclose int record = openat(p->dir_fd, BUNDLE_RECORD, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct layer_request q = { .verb = LAYER_DIFF, .ids = &p->e->ids };

	if (!items)
		return err_oom(err);
	if (record < 0)
		return err_errno(err, errno, "open the bundle's '%s'", BUNDLE_RECORD);
	for (size_t i = 0; i < masks->len; i++)
		items[i] = (struct layer_item){ .source = masks->items[i], .fd = -1 };
	q.diff = (struct layer_diff){ .make = { .tree_fd = p->rootfs_fd,
						.out_fd = out_fd,
						.compression = p->options->compression,
						.level = p->options->level },
				      .record_fd = record,
				      .masks = items,
				      .masks_len = masks->len };
	return layer_run(&q, ret, err);
}

static int make_layer(struct repacking *p, struct store_tmp *tmp, struct layer_result *ret, struct err *err)
{
	autostrv struct strv masks = { 0 };
	autoclose int out = openat(tmp->dir_fd, "blob", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int r = collect_masks(p, &masks, err);

	if (r < 0)
		return r;
	if (out < 0)
		return err_errno(err, errno, "make a file in '%s/%s'", p->e->store->root, tmp->name);
	r = run_diff(p, &masks, out, ret, err);
	if (r < 0)
		return err_wrap(err, "compare the files with what was unpacked");
	return ret->entries == 0 ? 0 : blob_commit(tmp, "blob", &ret->digest, ret->size, err);
}

/* --- the image --- */

static int put_new(struct repacking *p, const struct reference *name, struct repack_outcome *ret, struct err *err)
{
	const char *author = p->options->words.author;
	int r = image_add_layer(&p->base, &ret->layer, err);

	if (r >= 0)
		r = image_add_step(&p->base.config, &p->options->words, "cloche repack", false, err);
	if (r >= 0 && author) {
		free(p->base.config.author);
		p->base.config.author = strdup(author);
		if (!p->base.config.author)
			r = err_oom(err);
	}
	return r < 0 ? r : image_put(p->e, &p->base, name, "repack", &ret->manifest, &ret->id, err);
}

/*
 * The info first: if we are killed between the two, the next layer has again what this one has. The other way round it would
 * lack it.
 */
static int refresh(struct repacking *p, const struct digest *manifest, const struct reference *name, struct err *err)
{
	char text[REFERENCE_MAX + 256];
	struct bundle_info info = { .image = text, .manifest = *manifest, .ids = p->info.ids };
	int r;

	reference_format(name, text);
	r = bundle_info_write(p->dir_fd, &info, err);
	if (r >= 0)
		r = bundle_record(&p->e->ids, p->dir_fd, p->rootfs_fd, err);
	return r < 0 ? err_wrap(err, "--refresh") : 0;
}

int engine_repack(struct engine *e, const char *dir, const struct reference *name, const struct repack_options *options,
		  struct repack_outcome *ret, struct err *err)
{
	CLEANUP(repacking_done)
	struct repacking p = { .e = e, .options = options, .dir_fd = -1, .rootfs_fd = -1 };
	autotmp struct store_tmp tmp = STORE_TMP_INIT;
	int r = open_bundle(&p, dir, err);

	*ret = (struct repack_outcome){ 0 };
	if (r >= 0)
		r = open_base(&p, err);
	if (r >= 0)
		r = store_tmp_open(e->store, &tmp, err);
	if (r >= 0)
		r = make_layer(&p, &tmp, &ret->layer, err);
	if (r < 0)
		return r;
	ret->is_unchanged = ret->layer.entries == 0;
	if (!ret->is_unchanged) {
		r = put_new(&p, name, ret, err);
	} else {
		ret->manifest = p.info.manifest;
		ret->id = p.base.id;
		r = ref_set(e->store, name, &ret->manifest, "repack", err);
	}
	return r >= 0 && options->refresh ? refresh(&p, &ret->manifest, name, err) : r;
}

#include "engine/build/layers.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "engine/build/cache.h"
#include "engine/skeleton.h"
#include "engine/tree_copy.h"
#include "layer/ensure.h"
#include "store/blob.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* After so long a batch is put in place: what a kill -9 may cost at most, beside the step under way. */
enum { FLUSH_US = 2 * 1000 * 1000 };

int build_layers_init(struct build_layers *l, struct store *s, const struct idmap *ids, int64_t epoch, struct err *err)
{
	int r;

	*l = (struct build_layers){
		.store = s,
		.ids = ids,
		.tmp = STORE_TMP_INIT,
		.epoch = epoch,
		.copy = { .tree = BUILD_TREE_INIT },
		.source = { .tree = BUILD_TREE_INIT },
	};
	l->flushed_us = time_now_us();
	r = skeleton_ensure(s, &l->skeleton, err);
	return r < 0 ? r : store_tmp_open(s, &l->tmp, err);
}

/* Removes a tree that may hold files of mapped ids. */
static void remove_tree(struct build_layers *l, const char *name)
{
	struct layer_request q = { .verb = LAYER_REMOVE, .ids = l->ids, .remove = { l->tmp.dir_fd, name } };

	if (fs_remove_tree(l->tmp.dir_fd, name, NULL) < 0)
		layer_run(&q, NULL, NULL);
}

static const struct build_pending *find_pending(const struct build_layers *l, const struct digest *diff_id)
{
	for (size_t i = 0; i < l->pending.len; i++)
		if (digest_equal(&l->pending.items[i].diff_id, diff_id))
			return &l->pending.items[i];
	return NULL;
}

static char *lower_path(const struct build_layers *l, const struct digest *diff_id, bool relative)
{
	const struct build_pending *pending = find_pending(l, diff_id);
	const char *root = relative ? "." : l->store->root;
	char path[LAYER_DIR_MAX];

	if (pending)
		return str_format("%s/%s/%s/fs", root, l->tmp.name, pending->name);
	layer_path(l->store, diff_id, path);
	return str_format("%s/%s/fs", root, path);
}

int build_layers_lowers(struct build_layers *l, const struct store_image *image, bool relative, struct strv *ret,
			struct err *err)
{
	for (size_t i = image->config.diff_ids_len; i-- > 0;)
		if (!image_config_layer_again(&image->config, i) &&
		    strv_take(ret, lower_path(l, &image->config.diff_ids[i], relative)) < 0)
			return err_oom(err);
	return strv_add(ret, l->skeleton) < 0 ? err_oom(err) : 0;
}

int build_layers_ensure(struct build_layers *l, const struct store_image *image, struct err *err)
{
	struct store_image rest = *image;
	autofree struct descriptor *layers = NULL;
	autofree struct digest *diff_ids = NULL;
	size_t n = 0, len = image->config.diff_ids_len;

	if (len == 0)
		return 0;
	layers = calloc(len, sizeof(*layers));
	diff_ids = calloc(len, sizeof(*diff_ids));
	if (!layers || !diff_ids)
		return err_oom(err);
	/* Borrowed copies of those that are not waiting here. */
	for (size_t i = 0; i < len; i++) {
		if (find_pending(l, &image->config.diff_ids[i]))
			continue;
		layers[n] = image->manifest.layers[i];
		diff_ids[n++] = image->config.diff_ids[i];
	}
	rest.manifest.layers = layers;
	rest.config.diff_ids = diff_ids;
	rest.manifest.layers_len = rest.config.diff_ids_len = n;
	return n ? layers_ensure(l->store, l->ids, &rest, err) : 0;
}

/* --- copies, where there is no overlay --- */

static void copy_drop(struct build_layers *l, struct build_copy *c)
{
	if (c->tree.path)
		remove_tree(l, path_basename(c->tree.path));
	build_tree_done(&c->tree);
	free(c->ids);
	*c = (struct build_copy){ .tree = BUILD_TREE_INIT };
}

/* Takes note that all of IMAGE's layers lie in it. */
static int copy_set_ids(struct build_copy *c, const struct store_image *image, struct err *err)
{
	size_t len = image->config.diff_ids_len;
	struct digest *ids = reallocarray(c->ids, len ? len : 1, sizeof(*ids));

	c->is_known = false;
	if (!ids)
		return err_oom(err);
	if (len)
		memcpy(ids, image->config.diff_ids, len * sizeof(*ids));
	c->ids = ids;
	c->ids_len = len;
	c->is_known = true;
	return 0;
}

/* Whether what lies in it is the lower part of IMAGE, or all. */
static bool copy_fits(const struct build_copy *c, const struct store_image *image)
{
	if (!c->is_known || c->ids_len > image->config.diff_ids_len)
		return false;
	for (size_t i = 0; i < c->ids_len; i++)
		if (!digest_equal(&c->ids[i], &image->config.diff_ids[i]))
			return false;
	return true;
}

static int add_lowers(const struct build_layers *l, const struct store_image *image, size_t from, struct strv *ret,
		      struct err *err)
{
	for (size_t i = image->config.diff_ids_len; i-- > from;)
		if (!image_config_layer_again(&image->config, i) &&
		    strv_take(ret, lower_path(l, &image->config.diff_ids[i], false)) < 0)
			return err_oom(err);
	return 0;
}

/* What a copy lacks of IMAGE, or if it can't become one, all of it in a new one. */
static int copy_update(struct build_layers *l, const struct store_image *image, struct err *err)
{
	struct build_copy *c = &l->copy;
	autostrv struct strv lowers = { 0 };
	autofree char *path = NULL;
	int r;

	if (copy_fits(c, image)) {
		r = add_lowers(l, image, c->ids_len, &lowers, err);
		return r < 0 || lowers.len == 0 ? r : build_tree_add(l->ids, &lowers, &c->tree, err);
	}
	copy_drop(l, c);
	path = str_format("%s/%s/t%u", l->store->root, l->tmp.name, l->next++);
	r = build_layers_lowers(l, image, false, &lowers, err);
	if (r < 0)
		return r;
	return path ? build_tree_make(l->ids, &lowers, path, &c->tree, err) : err_oom(err);
}

int build_upper_copy(struct build_upper *u, const struct store_image *image, struct err *err)
{
	struct build_layers *l = u->layers;
	int r = copy_update(l, image, err);

	/* Until the step has ended well. */
	l->copy.is_known = false;
	if (r < 0)
		return err_wrap(err, "copy the image's files");
	u->tree = l->copy.tree.path;
	return 0;
}

void build_upper_unchanged(struct build_upper *u, const struct store_image *image)
{
	if (u->tree)
		copy_set_ids(&u->layers->copy, image, NULL);
}

int build_layers_source(struct build_layers *l, const struct store_image *image, const char **ret, struct err *err)
{
	struct build_copy *c = &l->source;
	autostrv struct strv lowers = { 0 };
	struct tree_copy copy = { .layers = &lowers, .hard_links = true };
	int r = 0;

	if (!copy_fits(c, image) || c->ids_len != image->config.diff_ids_len) {
		copy_drop(l, c);
		c->tree.path = str_format("%s/%s/t%u", l->store->root, l->tmp.name, l->next++);
		copy.dest = c->tree.path;
		if (!c->tree.path)
			return err_oom(err);
		if (mkdir(c->tree.path, 0755) < 0)
			return err_errno(err, errno, "make '%s'", c->tree.path);
		r = add_lowers(l, image, 0, &lowers, err);
		if (r >= 0)
			r = tree_copy_run(&copy, l->ids, err);
		if (r >= 0)
			r = copy_set_ids(c, image, err);
	}
	if (r >= 0)
		*ret = c->tree.path;
	return r;
}

void build_layers_done(struct build_layers *l)
{
	if (l->tmp.dir_fd >= 0) {
		copy_drop(l, &l->copy);
		copy_drop(l, &l->source);
		for (size_t i = 0; i < l->pending.len; i++)
			remove_tree(l, l->pending.items[i].name);
		store_tmp_done(&l->tmp);
	}
	free(l->pending.items);
	free(l->entries.items);
	free(l->skeleton);
	*l = (struct build_layers){ .tmp = STORE_TMP_INIT };
}

/* The mode of the image's root folder, which is that of its topmost layer's. */
static int root_mode(struct build_layers *l, const struct store_image *image, mode_t *ret, struct err *err)
{
	autofree char *path = NULL;
	struct stat st;

	*ret = 0755;
	if (image->config.diff_ids_len == 0)
		return 0;
	path = lower_path(l, &image->config.diff_ids[image->config.diff_ids_len - 1], false);
	if (!path)
		return err_oom(err);
	if (stat(path, &st) < 0)
		return err_errno(err, errno, "look at layer '%s'", path);
	*ret = st.st_mode & 07777;
	return 0;
}

static int make_dir(struct build_layers *l, char **ret, mode_t mode, struct err *err, const char *letter,
		    const char *below)
{
	autofree char *name = str_format("%s%u%s", letter, l->next, below);

	if (!name)
		return err_oom(err);
	if (mkdirat(l->tmp.dir_fd, name, 0700) < 0 || fchmodat(l->tmp.dir_fd, name, mode, 0) < 0)
		return err_errno(err, errno, "make folder '%s/%s/%s'", l->store->root, l->tmp.name, name);
	*ret = str_format("%s/%s/%s", l->store->root, l->tmp.name, name);
	return *ret ? 0 : err_oom(err);
}

int build_upper_open(struct build_layers *l, const struct store_image *image, struct build_upper *ret, struct err *err)
{
	autofree char *folder = NULL;
	mode_t mode;
	int r = root_mode(l, image, &mode, err);

	if (r < 0)
		return r;
	*ret = BUILD_UPPER_INIT;
	ret->layers = l;
	snprintf(ret->name, sizeof(ret->name), "s%u", l->next);
	r = make_dir(l, &folder, 0755, err, "s", "");
	if (r >= 0)
		r = make_dir(l, &ret->upper, mode, err, "s", "/fs");
	if (r >= 0)
		r = make_dir(l, &ret->work, 0700, err, "w", "");
	if (r >= 0)
		r = make_dir(l, &ret->merged, 0700, err, "m", "");
	l->next++;
	return r;
}

void build_upper_done(struct build_upper *u)
{
	if (u->layers) {
		if (u->name[0])
			remove_tree(u->layers, u->name);
		if (u->work)
			remove_tree(u->layers, path_basename(u->work));
		if (u->merged)
			unlinkat(u->layers->tmp.dir_fd, path_basename(u->merged), AT_REMOVEDIR);
	}
	free(u->upper);
	free(u->work);
	free(u->merged);
	*u = BUILD_UPPER_INIT;
}

int build_image_add_layer(struct store_image *image, const struct build_entry *entry, struct err *err)
{
	struct descriptor d = { 0 };
	int r = descriptor_init(&d, MEDIA_OCI_LAYER_GZIP, &entry->blob, entry->size, err);

	if (r >= 0)
		r = image_manifest_add_layer(&image->manifest, &d, err);
	if (r >= 0)
		r = image_config_add_diff_id(&image->config, &entry->diff_id, err);
	descriptor_done(&d);
	return r;
}

int build_upper_blob(const struct build_upper *u, struct err *err)
{
	int fd = openat(u->layers->tmp.dir_fd, "blob", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	return fd < 0 ? err_errno(err, errno, "create a blob in '%s'", u->layers->store->root) : fd;
}

/* Tar, digests and compression of the upper folder into the file "blob" of our tmp folder. */
static int pack(const struct build_upper *u, struct layer_result *ret, struct err *err)
{
	autoclose int tree = open(u->upper, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoclose int out = build_upper_blob(u, err);
	struct layer_request q = { .verb = LAYER_MAKE, .ids = u->layers->ids };

	if (out < 0)
		return out;
	if (tree < 0)
		return err_errno(err, errno, "open '%s'", u->upper);
	q.make.tree_fd = tree;
	q.make.out_fd = out;
	q.make.compression = LAYER_GZIP;
	q.make.clamp_mtime = u->layers->epoch >= 0;
	q.make.max_mtime = u->layers->epoch;
	return layer_run(&q, ret, err);
}

/* A packed folder becomes a layer of IMAGE, and waits. */
static int commit_packed(struct build_upper *u, const struct layer_result *packed, struct store_image *image,
			 struct build_entry *entry, struct err *err)
{
	struct build_layers *l = u->layers;
	const struct layer_result result = *packed;
	struct build_pending pending = { 0 };
	int r = 0;

	if (result.stand_ins > 0)
		r = store_set_copies_only(l->store, err);
	if (r >= 0 && result.entries > 0)
		r = blob_commit(&l->tmp, "blob", &result.digest, result.size, err);
	if (r < 0)
		return err_wrap(err, "make a layer");
	/* Nothing but an empty archive: no layer, as docker has it. */
	if (result.entries == 0)
		return 0;
	entry->has_layer = true;
	entry->blob = result.digest;
	entry->size = result.size;
	entry->diff_id = result.diff_id;
	pending.diff_id = result.diff_id;
	pending.info = (struct layer_info){ result.entries, result.file_bytes, result.diff_size };
	memcpy(pending.name, u->name, sizeof(pending.name));
	r = build_image_add_layer(image, entry, err);
	if (r < 0 || find_pending(l, &result.diff_id))
		return r;
	r = layer_exists(l->store, &result.diff_id, err);
	if (r != 0)
		return r < 0 ? r : 0;
	if (build_pending_list_push(&l->pending, pending) < 0)
		return err_oom(err);
	u->name[0] = '\0'; /* it lives on */
	return 0;
}

int build_upper_commit(struct build_upper *u, struct store_image *image, struct build_entry *entry, struct err *err)
{
	struct build_layers *l = u->layers;
	struct layer_result result;
	int r = u->tree ? build_tree_collect(l->ids, &l->copy.tree, u->upper, err) : 0;

	if (r >= 0 && u->is_packed)
		result = u->packed;
	else if (r >= 0)
		r = pack(u, &result, err);
	if (r >= 0)
		r = commit_packed(u, &result, image, entry, err);
	return r < 0 || !u->tree ? r : copy_set_ids(&l->copy, image, err);
}

int build_layers_remember(struct build_layers *l, const struct build_entry *entry, struct err *err)
{
	return build_entry_list_push(&l->entries, *entry) < 0 ? err_oom(err) : 0;
}

static int place_layer(struct build_layers *l, const struct build_pending *p, struct err *err)
{
	autoclose int lock = layer_lock(l->store, &p->diff_id, err);

	if (lock < 0)
		return lock;
	return layer_commit(&l->tmp, p->name, &p->diff_id, &p->info, err);
}

int build_layers_flush(struct build_layers *l, struct err *err)
{
	int r = 0;

	if (l->pending.len > 0)
		r = store_sync(l->store, err);
	while (r >= 0 && l->pending.len > 0) {
		const struct build_pending *p = &l->pending.items[l->pending.len - 1];

		r = place_layer(l, p, err);
		if (r < 0)
			break;
		/* If another build was first, ours is left over. */
		remove_tree(l, p->name);
		l->pending.len--;
	}
	for (; r >= 0 && l->entries.len > 0; l->entries.len--)
		r = build_cache_put(l->store, &l->entries.items[l->entries.len - 1], err);
	l->flushed_us = time_now_us();
	return r;
}

int build_layers_flush_sometimes(struct build_layers *l, struct err *err)
{
	return time_now_us() - l->flushed_us > FLUSH_US ? build_layers_flush(l, err) : 0;
}

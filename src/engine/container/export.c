/*
 * The kernel merges the layers: an overlay without an upper folder, mounted nowhere, which the layer helper reads.
 * A container's own changes are its topmost lower folder here, so nothing of it is written or locked. Where the kernel can't
 * merge them, they are laid one over the other into a tree of links.
 */
#include "engine/container/export.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "engine/container/userns.h"
#include "engine/merged_root.h"
#include "engine/tree_copy.h"
#include "engine/image/images.h"
#include "layer/client.h"
#include "layer/ensure.h"
#include "runtime/runtime.h"
#include "store/containers.h"
#include "store/image.h"
#include "store/layers.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Topmost first, absolute. An overlay without an upper folder needs two at least: an empty one is the last. */
static int collect_lowers(struct engine *e, const char *container, const struct store_image *img,
			  const struct store_tmp *tmp, struct strv *ret, struct err *err)
{
	const char *root = e->store->root;
	autofree char *own = container ? str_format("containers/%s/rootfs", container) : NULL;

	/* Where the kernel refused an overlay, the container has a whole tree of its own. */
	if (own && faccessat(e->store->root_fd, own, F_OK, 0) == 0)
		return strv_addf(ret, "%s/%s", root, own) < 0 ? err_oom(err) : 0;
	if (container && strv_addf(ret, "%s/containers/%s/upper", root, container) < 0)
		return err_oom(err);
	for (size_t i = img->config.diff_ids_len; i-- > 0;) {
		char path[LAYER_DIR_MAX];

		if (image_config_layer_again(&img->config, i))
			continue;
		layer_path(e->store, &img->config.diff_ids[i], path);
		if (strv_addf(ret, "%s/%s/fs", root, path) < 0)
			return err_oom(err);
	}
	if (mkdirat(tmp->dir_fd, "empty", 0755) < 0)
		return err_errno(err, errno, "make a folder in '%s/%s'", root, tmp->name);
	return strv_addf(ret, "%s/%s/empty", root, tmp->name) < 0 ? err_oom(err) : 0;
}

static int open_merged(struct engine *e, const struct strv *lowers, struct err *err)
{
	struct merged_root merged;
	int tree, r = e->store->copies_only
			      ? store_refuse_overlay(e->store, RUNTIME_OVERLAY_REFUSED, err)
			      : merged_root_open(&e->ids, e->store->root, lowers, NULL, NULL, NULL, &merged, err);

	if (r < 0)
		return r;
	/* What fsmount(2) gives is an O_PATH descriptor, of which attributes can't be read. */
	tree = openat(merged.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	close(merged.fd);
	return tree < 0 ? err_errno(err, errno, "open the merged layers") : tree;
}

static int copy_merged(struct engine *e, const struct strv *lowers, const struct store_tmp *tmp, struct err *err)
{
	autofree char *dest = str_format("%s/%s/tree", e->store->root, tmp->name);
	const struct tree_copy copy = { .layers = lowers, .dest = dest, .hard_links = true };
	int r, tree;

	if (!dest)
		return err_oom(err);
	if (mkdirat(tmp->dir_fd, "tree", 0755) < 0)
		return err_errno(err, errno, "make '%s'", dest);
	r = tree_copy_run(&copy, &e->ids, err);
	if (r < 0)
		return r;
	tree = open(dest, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return tree < 0 ? err_errno(err, errno, "open '%s'", dest) : tree;
}

static int open_tree(struct engine *e, const struct strv *lowers, const struct store_tmp *tmp, struct err *err)
{
	int tree;

	if (lowers->len == 1) {
		/* An image FROM scratch without a layer: only the empty folder is there; or a container's own tree. */
		tree = open(lowers->items[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		return tree < 0 ? err_errno(err, errno, "open '%s'", lowers->items[0]) : tree;
	}
	tree = open_merged(e, lowers, err);
	if (tree != -RUNTIME_OVERLAY_REFUSED)
		return tree;
	err_clear(err);
	return copy_merged(e, lowers, tmp, err);
}

static int write_merged(struct engine *e, const struct strv *lowers, const struct store_tmp *tmp, int out_fd,
			struct err *err)
{
	struct layer_request q = { .verb = LAYER_MAKE, .ids = &e->ids };
	autoclose int tree = open_tree(e, lowers, tmp, err);

	if (tree < 0)
		return tree;
	q.make = (struct layer_make){ .tree_fd = tree, .out_fd = out_fd, .plain = true };
	return layer_run(&q, NULL, err);
}

/* The tree's folders have the image's owners. */
static void remove_tmp(struct engine *e, struct store_tmp *tmp)
{
	struct layer_request q = { .verb = LAYER_REMOVE, .ids = &e->ids };

	if (tmp->dir_fd >= 0) {
		unlinkat(tmp->dir_fd, "empty", AT_REMOVEDIR);
		q.remove = (struct layer_remove){ .dir_fd = tmp->dir_fd, .name = "tree" };
		if (faccessat(tmp->dir_fd, "tree", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			layer_run(&q, NULL, NULL);
	}
	store_tmp_done(tmp);
}

static int export_layers(struct engine *e, const char *container, const struct store_image *img, int out_fd,
			 struct err *err)
{
	struct store_tmp tmp = STORE_TMP_INIT;
	autostrv struct strv lowers = { 0 };
	int r = layers_ensure(e->store, &e->ids, img, err);

	if (r >= 0)
		r = store_tmp_open(e->store, &tmp, err);
	if (r >= 0)
		r = collect_lowers(e, container, img, &tmp, &lowers, err);
	if (r >= 0)
		r = write_merged(e, &lowers, &tmp, out_fd, err);
	remove_tmp(e, &tmp);
	return r;
}

static int export_container(struct engine *e, const char *id, int out_fd, struct err *err)
{
	struct digest manifest;
	struct store_image img;
	int r;

	if (!container_manifest(e->store, id, &manifest))
		return err_set(err, ENOENT, "container %.12s: what it was made from is not known", id);
	r = container_userns_enter(e, id, err);
	if (r >= 0)
		r = store_image_open_manifest(e->store, &manifest, &img, err);
	if (r >= 0) {
		r = export_layers(e, id, &img, out_fd, err);
		store_image_done(&img);
	}
	return r < 0 ? err_wrap(err, "container %.12s", id) : 0;
}

int engine_export(struct engine *e, const char *what, int out_fd, struct err *err)
{
	char id[CONTAINER_ID_MAX];
	struct store_image img;
	int r = container_find(e->store, what, id, NULL);

	if (r >= 0)
		return export_container(e, id, out_fd, err);
	r = store_image_open(e->store, what, &img, err);
	if (r == -ENOENT) {
		err_set(err, ENOENT, "there is no container and no image '%s'", what);
		return err_hint(err, "'cloche ps -a' lists containers, 'cloche images' images");
	}
	if (r < 0)
		return r;
	r = export_layers(e, NULL, &img, out_fd, err);
	store_image_done(&img);
	return r < 0 ? err_wrap(err, "image '%s'", what) : 0;
}

#include "engine/exec/cp_root.h"

#include "base/str.h"
#include "engine/container/diff.h"
#include "engine/container/running.h"
#include "engine/container/userns.h"
#include "engine/image/images.h"
#include "engine/merged_root.h"
#include "engine/skeleton.h"
#include "layer/ensure.h"
#include "store/image.h"
#include "store/layers.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

static int open_running(struct engine *e, const char *name, struct cp_root *root, struct err *err)
{
	autorunning struct running running = RUNNING_INIT;
	int r = running_open(e->store, name, false, &running, err);

	if (r >= 0)
		r = running_open_root(&running, err);
	if (r < 0)
		return r;
	root->fd = r;
	return 0;
}

/* --- one that doesn't run --- */

static int add_lowers(struct engine *e, const char *id, struct strv *lowers, struct err *err)
{
	struct store_image img;
	struct digest manifest;
	char *skeleton = NULL;
	int r;

	if (!container_manifest(e->store, id, &manifest))
		return err_set(err, ENOENT, "what it was made from is not known");
	r = store_image_open_manifest(e->store, &manifest, &img, err);
	if (r < 0)
		return r;
	r = layers_ensure(e->store, &e->ids, &img, err);
	for (size_t i = img.config.diff_ids_len; r >= 0 && i-- > 0;) {
		char path[LAYER_DIR_MAX];

		if (image_config_layer_again(&img.config, i))
			continue;
		layer_path(e->store, &img.config.diff_ids[i], path);
		r = strv_addf(lowers, "%s/%s/fs", e->store->root, path) < 0 ? err_oom(err) : 0;
	}
	store_image_done(&img);
	if (r >= 0)
		r = skeleton_ensure(e->store, &skeleton, err);
	if (r < 0)
		return r;
	return strv_take(lowers, skeleton) < 0 ? err_oom(err) : 0;
}

static int mount_overlay(struct engine *e, const char *id, struct cp_root *root, struct err *err)
{
	autofree char *upper = str_format("%s/containers/%s/upper", e->store->root, id), *work = NULL;
	autostrv struct strv lowers = { 0 };
	struct merged_root merged;
	int r = add_lowers(e, id, &lowers, err);

	if (r >= 0)
		r = store_tmp_open(e->store, &root->tmp, err);
	if (r < 0)
		return r;
	work = str_format("%s/%s/work", e->store->root, root->tmp.name);
	if (!upper || !work)
		return err_oom(err);
	if (mkdirat(root->tmp.dir_fd, "work", 0700) < 0)
		return err_errno(err, errno, "make '%s'", work);
	r = merged_root_open(&e->ids, e->store->root, &lowers, upper, work, NULL, &merged, err);
	if (r < 0)
		return r;
	root->fd = merged.fd;
	return 0;
}

static int open_stopped(struct engine *e, const char *id, struct cp_root *root, struct err *err)
{
	autofree char *tree = str_format("%s/containers/%s/rootfs", e->store->root, id);
	int r = container_live_take(e->store, id, &root->live, err);

	if (r < 0)
		return r;
	if (!tree)
		return err_oom(err);
	/* Where the kernel refused an overlay. */
	root->fd = open(tree, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (root->fd >= 0)
		return 0;
	if (e->store->copies_only) {
		store_refuse_overlay(e->store, EOPNOTSUPP, err);
		return err_hint(
			err, "'cloche start' gives the container a tree of its own; then it can be copied from and to");
	}
	return mount_overlay(e, id, root, err);
}

/* --- either --- */

int cp_root_open(struct engine *e, const char *container, struct cp_root *ret, struct err *err)
{
	CLEANUP(cp_root_done) struct cp_root root = CP_ROOT_INIT;
	struct container_status status;
	char id[CONTAINER_ID_MAX];
	int r = 0;

	if (!container) {
		root.fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
		r = root.fd < 0 ? err_errno(err, errno, "open '/'") : 0;
	} else {
		r = container_find(e->store, container, id, err);
		if (r >= 0)
			r = container_status_read(e->store, id, &status, err);
		if (r >= 0)
			r = container_userns_enter(e, id, err);
		if (r >= 0)
			r = status.phase == CONTAINER_RUNNING ? open_running(e, container, &root, err)
							      : open_stopped(e, id, &root, err);
		if (r < 0)
			err_wrap(err, "container '%s'", container);
	}
	if (r < 0)
		return r;
	*ret = root;
	root = CP_ROOT_INIT;
	return 0;
}

void cp_root_done(struct cp_root *root)
{
	if (root->fd >= 0)
		close(root->fd);
	if (root->tmp.store)
		store_tmp_done(&root->tmp);
	container_live_done(&root->live);
	root->fd = -1;
}

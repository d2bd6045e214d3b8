/* The first use of an empty volume: the image's files at that place become its content. */
#include "engine/volume/fill.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "engine/container/container.h"
#include "engine/container/volumes.h"
#include "engine/merged_root.h"
#include "engine/tree_copy.h"
#include "runtime/runtime.h"
#include "sys/userns.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One that we can't read belongs to an id of a container's, so it was used. */
static bool is_empty(int volume_fd)
{
	int fd = openat(volume_fd, "data", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	autoclosedir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *d;

	if (!dir && fd >= 0)
		close(fd);
	while (dir && (d = readdir(dir)))
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			return false;
	return dir != NULL;
}

/* The merged image; where the kernel refuses an overlay a copy of it, in TMP. */
static int open_image(struct store_tmp *tmp, const struct idmap *ids, const struct strv *lowers, const char *target,
		      struct merged_root *ret, struct err *err)
{
	autofree char *dest = str_format("%s/%s/image", tmp->store->root, tmp->name);
	struct tree_copy copy = { .layers = lowers, .dest = dest };
	int r = tmp->store->copies_only ? store_refuse_overlay(tmp->store, RUNTIME_OVERLAY_REFUSED, err)
					: merged_root_open(ids, tmp->store->root, lowers, NULL, NULL, target, ret, err);

	if (r != -RUNTIME_OVERLAY_REFUSED)
		return r;
	err_clear(err);
	if (!dest)
		return err_oom(err);
	if (mkdirat(tmp->dir_fd, "image", 0755) < 0)
		return err_errno(err, errno, "make '%s'", dest);
	r = tree_copy_run(&copy, ids, err);
	return r < 0 ? r : merged_root_open_tree(dest, target, ret, err);
}

static int copy_to(struct store_tmp *tmp, const struct idmap *ids, int image, const char *target, struct err *err)
{
	autofree char *dest = str_format("%s/%s/data", tmp->store->root, tmp->name);
	struct tree_copy copy = { .source_fd = image, .source_path = target, .dest = dest };

	if (!dest)
		return err_oom(err);
	if (mkdirat(tmp->dir_fd, "data", 0755) < 0)
		return err_errno(err, errno, "make '%s'", dest);
	return tree_copy_run(&copy, ids, err);
}

/* True while a container that lives has it mounted: that would keep what is replaced. */
static bool is_mounted(struct store *s, const char *name)
{
	autostrv struct strv users = { 0 };
	struct container_status status;

	if (volume_users(s, name, NULL, &users, NULL) < 0)
		return true;
	for (size_t i = 0; i < users.len; i++)
		if (container_status_read(s, users.items[i], &status, NULL) < 0 || container_is_alive(status.phase))
			return true;
	return false;
}

struct gift {
	int from_fd, to_fd;
};

static int move_data(void *arg, struct err *err)
{
	const struct gift *g = arg;

	if (renameat(g->from_fd, "data", g->to_fd, "data") < 0)
		return err_errno(err, errno, "give the volume its files");
	return 0;
}

/*
 * 1: given; 0: the volume has files already, since the kernel replaces an empty folder only. A folder that goes to another one
 * has to be writable, and this one can be of an id of the range.
 */
static int give(struct gift *g, const struct idmap *ids, struct err *err)
{
	int r = ids->mode == ID_MODE_RANGE ? userns_run(ids, 0, move_data, g, err) : move_data(g, err);

	if (r != -ENOTEMPTY && r != -EEXIST)
		return r < 0 ? r : 1;
	err_clear(err);
	return 0;
}

static int fill(struct store *s, const struct idmap *ids, const struct strv *lowers, int volume_fd, const char *target,
		struct err *err)
{
	autotmp struct store_tmp tmp = STORE_TMP_INIT;
	struct merged_root image = { .fd = -1 };
	int r = store_tmp_open(s, &tmp, err);

	if (r >= 0)
		r = open_image(&tmp, ids, lowers, target, &image, err);
	if (r < 0 || !image.probe_is_dir) {
		if (image.fd >= 0)
			close(image.fd);
		return r < 0 ? r : 0;
	}
	r = copy_to(&tmp, ids, image.fd, target, err);
	close(image.fd);
	/* A machine that is switched off must not find half of the files below the volume's name. */
	if (r >= 0)
		r = store_sync(s, err);
	if (r < 0)
		return r;
	return give(&(struct gift){ tmp.dir_fd, volume_fd }, ids, err);
}

int volume_fill(struct store *s, const struct idmap *ids, const struct strv *lowers, const char *name,
		const char *target, struct err *err)
{
	autoclose int fd = volume_lock(s, name, true, err);
	int r;

	if (fd == -EBUSY) {
		err_clear(err);
		return 0;
	}
	if (fd < 0)
		return fd;
	r = is_empty(fd) && !is_mounted(s, name) ? fill(s, ids, lowers, fd, target, err) : 0;
	return r < 0 ? err_wrap(err, "fill volume '%s' with the image's '%s'", name, target) : r;
}

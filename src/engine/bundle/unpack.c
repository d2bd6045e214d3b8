/*
 * The layers are laid one over the other into one tree, each by a layer helper of its own, while the next blobs are on their
 * way. Their digests are checked there, as they are read.
 */
#include "engine/bundle/bundle.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "engine/move/copy.h"
#include "engine/move/source.h"
#include "layer/client.h"
#include "store/image.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WINDOW = 3 };

struct unpacking {
	struct engine *e;
	const struct unpack_options *options;
	struct unpack_outcome *outcome;
	struct source source;
	struct document doc;
	struct image_manifest manifest;
	struct image_config config;
	char *place; /* what brings the image again, if the store doesn't have it; owned */

	int parent_fd, dir_fd;	 /* of DIR, and of the folder that becomes DIR */
	char name[NAME_MAX + 1]; /* of DIR */
	char aside[NAME_MAX + 1];
};

static void unpacking_done(struct unpacking *u)
{
	source_done(&u->source);
	document_done(&u->doc);
	image_manifest_done(&u->manifest);
	image_config_done(&u->config);
	free(u->place);
	if (u->dir_fd >= 0)
		close(u->dir_fd);
	if (u->parent_fd >= 0)
		close(u->parent_fd);
}

/* --- the image --- */

/* Text that leads to it from any folder; NULL for what only names it here. */
static int keep_place(struct unpacking *u, const struct place *p, struct err *err)
{
	autofree char *path = p->path ? realpath(p->path, NULL) : NULL;

	if (p->kind == PLACE_STORE)
		return 0;
	if (p->index >= 0)
		u->place = str_format("%s%s:@%d", place_prefix(p->kind), path ? path : "", p->index);
	else
		u->place = str_format("%s%s%s%s", place_prefix(p->kind), path ? path : "", path && p->name ? ":" : "",
				      p->name ? p->name : "");
	return u->place ? 0 : err_oom(err);
}

static int open_image(struct unpacking *u, const char *image, struct err *err)
{
	const struct unpack_options *o = u->options;
	struct place autoplace place = { .index = -1 };
	autoimage struct store_image img = { 0 };
	int r;

	if (place_is_one(image)) {
		r = place_parse(image, &place, err);
		if (r >= 0)
			r = keep_place(u, &place, err);
		return r < 0 ? r : source_open(&place, &o->remote, u->e, &u->source, err);
	}
	r = image_find(u->e, image, o->pull, o->on_notice, o->arg, &img, err);
	if (r >= 0)
		source_open_manifest(u->e, &img.manifest_digest, &u->source);
	return r;
}

static int read_image(struct unpacking *u, const char *image, struct err *err)
{
	autobuf struct buf text = BUF_INIT(IMAGE_DOCUMENT_MAX + 1);
	struct wanted_platform platform;
	int r = platform_parse(u->options->platform, &platform, err);

	if (r >= 0)
		r = open_image(u, image, err);
	if (r >= 0)
		r = source_get(&u->source, NULL, &u->doc, err);
	if (r >= 0)
		r = copy_choose(&u->source, &platform, &u->doc, err);
	if (r >= 0)
		r = image_manifest_parse(buf_str(&u->doc.text), u->doc.text.len, &u->manifest, err);
	if (r >= 0)
		r = source_get_small(&u->source, &u->manifest.config, &text, err);
	if (r >= 0)
		r = image_config_parse(buf_str(&text), text.len, &u->config, err);
	if (r >= 0 && u->config.diff_ids_len != u->manifest.layers_len)
		r = err_set(err, EBADMSG, "the manifest has %zu layers, the configuration %zu", u->manifest.layers_len,
			    u->config.diff_ids_len);
	return r;
}

/* --- the folder --- */

/* DIR is missing, or an empty folder. */
static int check_dir(const struct unpacking *u, struct err *err)
{
	autoclose int fd = openat(u->parent_fd, u->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoclosedir DIR *dir = NULL;
	struct dirent *d;

	if (fd < 0)
		return errno == ENOENT ? 0 : err_errno(err, errno, "open '%s'", u->name);
	dir = fdopendir(fd);
	if (!dir)
		return err_oom(err);
	TAKE_FD(fd);
	while ((d = readdir(dir))) {
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		err_set(err, EEXIST, "'%s' is there, and not empty", u->name);
		return err_hint(err, "name a folder that isn't there");
	}
	return 0;
}

static int open_parent(struct unpacking *u, const char *dir, struct err *err)
{
	autofree char *clean = path_clean(dir), *parent = NULL;
	const char *base;

	if (!clean)
		return err_oom(err);
	base = path_basename(clean);
	if (!*base || strcmp(base, ".") == 0 || strlen(base) > sizeof(u->aside) - 16)
		return err_set(err, EINVAL, "'%.200s' is no name for a new folder", dir);
	parent = strndup(clean, (size_t)(base - clean));
	if (!parent)
		return err_oom(err);
	u->parent_fd = open(*parent ? parent : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (u->parent_fd < 0)
		return err_errno(err, errno, "open '%s'", *parent ? parent : ".");
	snprintf(u->aside, sizeof(u->aside), ".%s.cloche-part", base);
	snprintf(u->name, sizeof(u->name), "%s", base);
	return 0;
}

static int remove_aside(const struct unpacking *u, struct err *err)
{
	struct layer_request q = { .verb = LAYER_REMOVE, .ids = &u->e->ids };

	q.remove = (struct layer_remove){ .dir_fd = u->parent_fd, .name = u->aside };
	return layer_run(&q, NULL, err);
}

/* Makes it, and locks it; what a killed command has left there is removed first. */
static int make_aside(struct unpacking *u, struct err *err)
{
	int fd = openat(u->parent_fd, u->aside, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), r = 0;

	if (fd >= 0) {
		if (flock(fd, LOCK_EX | LOCK_NB) < 0)
			r = err_set(err, EBUSY, "another command is unpacking there");
		else
			r = remove_aside(u, err);
		close(fd);
	}
	if (r < 0)
		return r;
	if (mkdirat(u->parent_fd, u->aside, 0755) < 0)
		return err_errno(err, errno, "make the folder '%s'", u->aside);
	u->dir_fd = openat(u->parent_fd, u->aside, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (u->dir_fd < 0 || flock(u->dir_fd, LOCK_EX | LOCK_NB) < 0)
		return err_errno(err, errno, "lock the folder '%s'", u->aside);
	return 0;
}

/* --- the layers --- */

struct arriving {
	struct source_blob blob;
	bool is_started;
};

static int apply(struct unpacking *u, size_t i, int blob_fd, int rootfs_fd, struct err *err)
{
	const struct descriptor *d = &u->manifest.layers[i];
	struct layer_request q = { .verb = LAYER_APPLY, .ids = &u->e->ids };
	struct layer_result result;
	int r;

	q.apply = (struct layer_apply){ .in = { .fd = blob_fd,
						.has_digest = true,
						.has_diff_id = true,
						.digest = d->digest,
						.diff_id = u->config.diff_ids[i],
						.expected_size = d->size },
					.dir_fd = rootfs_fd,
					.name = "/",
					.flags = LAYER_INTO | LAYER_OVER };
	r = layer_run(&q, &result, err);
	if (r < 0)
		return r;
	u->outcome->entries += result.entries;
	u->outcome->lost_owners += result.lost_owners;
	u->outcome->lost_xattrs += result.lost_xattrs;
	return 0;
}

static int apply_next(struct unpacking *u, struct arriving *a, size_t i, int rootfs_fd, struct err *err)
{
	struct source_blob *b = &a[i].blob;
	int r;

	/* The layer helper checks the digest while it unpacks. */
	b->is_trusted = true;
	r = source_wait_blob(&u->source, b, err);
	if (r >= 0)
		r = apply(u, i, b->fd, rootfs_fd, err);
	source_blob_done(b);
	return r < 0 ? err_wrap(err, "layer %zu of %zu", i + 1, u->manifest.layers_len) : 0;
}

static int apply_all(struct unpacking *u, int rootfs_fd, struct err *err)
{
	size_t len = u->manifest.layers_len, started = 0;
	struct arriving *a = calloc(len ? len : 1, sizeof(*a));
	int r = a ? 0 : err_oom(err);

	for (size_t i = 0; r >= 0 && i < len; i++) {
		for (; r >= 0 && started < len && started < i + WINDOW; started++) {
			r = source_start_blob(&u->source, &u->manifest.layers[started], &a[started].blob, err);
			a[started].is_started = true;
		}
		if (r >= 0)
			r = apply_next(u, a, i, rootfs_fd, err);
	}
	for (size_t i = 0; a && i < len; i++)
		if (a[i].is_started)
			source_blob_done(&a[i].blob);
	free(a);
	return r;
}

/* --- all of it --- */

static int fill(struct unpacking *u, const char *image, struct err *err)
{
	const struct unpack_options *o = u->options;
	struct bundle_info info = {
		.image = (char *)(uintptr_t)image, .source = u->place, .manifest = u->doc.digest, .ids = u->e->ids.mode
	};
	autoclose int rootfs = -1;
	int r;

	if (!o->raw && mkdirat(u->dir_fd, BUNDLE_ROOTFS, 0755) < 0)
		return err_errno(err, errno, "make the folder '%s'", BUNDLE_ROOTFS);
	rootfs = openat(u->dir_fd, o->raw ? "." : BUNDLE_ROOTFS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* Whatever our umask is. */
	if (rootfs < 0 || fchmod(rootfs, 0755) < 0)
		return err_errno(err, errno, "open the folder '%s'", BUNDLE_ROOTFS);
	r = apply_all(u, rootfs, err);
	if (r < 0 || o->raw)
		return r;
	r = bundle_record(&u->e->ids, u->dir_fd, rootfs, err);
	if (r >= 0)
		r = bundle_config_write(&u->e->ids, &u->config, u->dir_fd, rootfs, o->on_notice, o->arg, err);
	return r < 0 ? r : bundle_info_write(u->dir_fd, &info, err);
}

static int put_in_place(struct unpacking *u, struct err *err)
{
	if (renameat(u->parent_fd, u->aside, u->parent_fd, u->name) < 0)
		return err_errno(err, errno, "rename to '%s'", u->name);
	return 0;
}

static int unpack(struct unpacking *u, const char *image, struct err *err)
{
	int r = make_aside(u, err);

	if (r < 0)
		return r;
	r = fill(u, image, err);
	if (r >= 0)
		r = put_in_place(u, err);
	if (r < 0)
		remove_aside(u, NULL);
	return r;
}

int engine_unpack(struct engine *e, const char *image, const char *dir, const struct unpack_options *options,
		  struct unpack_outcome *ret, struct err *err)
{
	CLEANUP(unpacking_done)
	struct unpacking u = { .e = e,
			       .options = options,
			       .outcome = ret,
			       .source = { .fd = -1, .tmp = STORE_TMP_INIT },
			       .doc = DOCUMENT_INIT,
			       .parent_fd = -1,
			       .dir_fd = -1 };
	int r = open_parent(&u, dir, err);

	*ret = (struct unpack_outcome){ 0 };
	if (r >= 0)
		r = check_dir(&u, err);
	if (r >= 0)
		r = read_image(&u, image, err);
	if (r >= 0)
		r = unpack(&u, image, err);
	if (r < 0)
		return r;
	ret->manifest = u.doc.digest;
	ret->layers = u.manifest.layers_len;
	return 0;
}

/*
 * The layers are laid one over the other into a folder of tmp/, which then is packed. It is what the new layer unpacks to, so it
 * becomes that at once.
 */
#include "engine/image/squash.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "layer/client.h"
#include "store/blob.h"
#include "store/layers.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct squash {
	struct engine *e;
	const struct squash_options *options;
	struct store_image img;
	struct store_tmp tmp;
	size_t kept; /* so many layers stay below */
	struct layer_result layer;
	int fs_fd;
};

/* The tree's files may belong to other ids. */
static void squash_done(struct squash *q)
{
	struct layer_request remove = { .verb = LAYER_REMOVE, .ids = &q->e->ids };

	if (q->fs_fd >= 0)
		close(q->fs_fd);
	remove.remove = (struct layer_remove){ .dir_fd = q->tmp.dir_fd, .name = "squash" };
	if (q->tmp.dir_fd >= 0 && faccessat(q->tmp.dir_fd, "squash", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		layer_run(&remove, NULL, NULL);
	store_tmp_done(&q->tmp);
	store_image_done(&q->img);
}

static int choose(struct squash *q, struct err *err)
{
	const struct squash_options *o = q->options;
	size_t len = q->img.manifest.layers_len;

	if (len == 0)
		return err_set(err, EINVAL, "the image has no layers");
	if (o->from > len || o->last > len)
		return err_set(err, EINVAL, "the image has %zu layers", len);
	q->kept = o->from ? o->from - 1 : o->last ? len - o->last : 0;
	return 0;
}

/* --- one tree --- */

static int open_tree(struct squash *q, struct err *err)
{
	if (mkdirat(q->tmp.dir_fd, "squash", 0700) < 0 || mkdirat(q->tmp.dir_fd, "squash/fs", 0755) < 0)
		return err_errno(err, errno, "make a folder in '%s/%s'", q->e->store->root, q->tmp.name);
	q->fs_fd = openat(q->tmp.dir_fd, "squash/fs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* Whatever our umask is. */
	if (q->fs_fd < 0 || fchmod(q->fs_fd, 0755) < 0)
		return err_errno(err, errno, "open a folder in '%s/%s'", q->e->store->root, q->tmp.name);
	return 0;
}

static int apply(struct squash *q, size_t i, struct err *err)
{
	const struct descriptor *d = &q->img.manifest.layers[i];
	autoclose int blob = blob_open(q->e->store, &d->digest, NULL, err);
	struct layer_request r = { .verb = LAYER_APPLY, .ids = &q->e->ids };
	struct layer_result result;
	int done;

	if (blob < 0)
		return blob;
	r.apply = (struct layer_apply){ .in = { .fd = blob,
						.has_digest = true,
						.has_diff_id = true,
						.digest = d->digest,
						.diff_id = q->img.config.diff_ids[i],
						.expected_size = d->size },
					.dir_fd = q->fs_fd,
					.name = "/",
					.flags = LAYER_INTO | LAYER_OVER | (q->kept ? LAYER_OVER_MARKS : 0) };
	done = layer_run(&r, &result, err);
	return done;
}

static int pack(struct squash *q, struct err *err)
{
	autoclose int out = openat(q->tmp.dir_fd, "blob", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct layer_request r = { .verb = LAYER_MAKE, .ids = &q->e->ids };
	int done;

	if (out < 0)
		return err_errno(err, errno, "make a file in '%s/%s'", q->e->store->root, q->tmp.name);
	r.make = (struct layer_make){
		.tree_fd = q->fs_fd, .out_fd = out, .compression = q->options->compression, .level = q->options->level
	};
	done = layer_run(&r, &q->layer, err);
	return done < 0 ? err_wrap(err, "pack the new layer") : 0;
}

static int make_layer(struct squash *q, struct err *err)
{
	size_t len = q->img.manifest.layers_len;
	int r = open_tree(q, err);

	for (size_t i = q->kept; r >= 0 && i < len; i++) {
		r = apply(q, i, err);
		if (r < 0)
			return err_wrap(err, "layer %zu of %zu", i + 1, len);
	}
	return r < 0 ? r : pack(q, err);
}

/* --- into the store --- */

static int keep_layer(struct squash *q, struct err *err)
{
	const struct layer_result *l = &q->layer;
	struct layer_info info = { l->entries, l->file_bytes, l->diff_size };
	autoclose int lock = layer_lock(q->e->store, &l->diff_id, err);
	int r = lock < 0 ? lock : layer_exists(q->e->store, &l->diff_id, err);

	if (r == 0 && l->stand_ins > 0)
		r = store_set_copies_only(q->e->store, err);
	if (r == 0)
		r = store_sync(q->e->store, err);
	if (r == 0)
		r = layer_commit(&q->tmp, "squash", &l->diff_id, &info, err);
	return r < 0 ? r : blob_commit(&q->tmp, "blob", &l->digest, l->size, err);
}

/* The steps of what is one layer now made none by themselves; those before them stay as they are. */
static void mark_steps(struct image_config *c, size_t kept)
{
	size_t layer = 0;

	for (size_t i = 0; i < c->history_len; i++) {
		struct image_history *h = &c->history[i];

		if (!h->empty_layer && layer++ >= kept)
			h->empty_layer = true;
	}
}

static int put_image(struct squash *q, const struct reference *name, struct digest *ret_id, struct err *err)
{
	struct image_manifest *m = &q->img.manifest;
	struct image_config *c = &q->img.config;
	struct image_words words = q->options->words;
	autofree char *by = str_format("cloche squash # layers %zu to %zu", q->kept + 1, m->layers_len),
		      *created = c->created ? strdup(c->created) : NULL;
	struct digest manifest;
	int r;

	if (!by || (c->created && !created))
		return err_oom(err);
	/* The date stays, so that the same image gives the same one. */
	if (!words.created)
		words.created = created;
	mark_steps(c, q->kept);
	for (size_t i = q->kept; i < m->layers_len; i++)
		descriptor_done(&m->layers[i]);
	m->layers_len = c->diff_ids_len = q->kept;
	r = image_add_layer(&q->img, &q->layer, err);
	if (r >= 0)
		r = image_add_step(c, &words, by, false, err);
	return r < 0 ? r : image_put(q->e, &q->img, name, "squash", &manifest, ret_id, err);
}

int engine_squash(struct engine *e, const char *image, const struct squash_options *options,
		  const struct reference *name, struct squash_outcome *ret, struct err *err)
{
	CLEANUP(squash_done)
	struct squash q = { .e = e, .options = options, .tmp = STORE_TMP_INIT, .fs_fd = -1 };
	int r = store_image_open(e->store, image, &q.img, err);

	*ret = (struct squash_outcome){ .before = q.img.manifest.layers_len };
	if (r >= 0)
		r = choose(&q, err);
	if (r >= 0)
		r = store_tmp_open(e->store, &q.tmp, err);
	if (r >= 0)
		r = make_layer(&q, err);
	if (r >= 0)
		r = keep_layer(&q, err);
	if (r < 0)
		return r;
	ret->layers = q.kept + 1;
	ret->size = q.layer.size;
	return put_image(&q, name, &ret->id, err);
}

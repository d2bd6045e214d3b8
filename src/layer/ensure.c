#include "layer/ensure.h"

#include "base/cleanup.h"
#include "layer/unpack.h"
#include "store/blob.h"
#include "store/layers.h"
#include "sys/fs.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* What a container left is often our own; what isn't needs a process in a user namespace, which costs several starts. */
static int remove_by_helper(void *arg, int dir_fd, const char *path, struct err *err)
{
	struct layer_request q = { .verb = LAYER_REMOVE, .ids = arg, .remove = { dir_fd, path } };

	return fs_remove_tree(dir_fd, path, NULL) == 0 ? 0 : layer_run(&q, NULL, err);
}

void layers_sweep(struct store *s, const struct idmap *ids)
{
	if (ids->mode == ID_MODE_RANGE)
		store_sweep(s, remove_by_helper, (void *)ids);
	else
		store_sweep(s, NULL, NULL);
}

static int all_there(struct store *s, const struct store_image *img, struct err *err)
{
	for (size_t i = 0; i < img->config.diff_ids_len; i++) {
		int r = layer_exists(s, &img->config.diff_ids[i], err);

		if (r <= 0)
			return r;
	}
	return 1;
}

static void close_inputs(const struct unpack *items, size_t len)
{
	for (size_t i = 0; i < len; i++)
		close(items[i].in.fd);
}

static int unpack_blobs(struct store *s, const struct idmap *ids, const struct store_image *img, struct unpack *items,
			struct err *err)
{
	struct store_tmp tmp = STORE_TMP_INIT;
	size_t len = img->manifest.layers_len, opened = 0;
	int r = store_tmp_open(s, &tmp, err);

	for (; r >= 0 && opened < len; opened++) {
		struct layer_input *in = &items[opened].in;
		uint64_t size;

		in->fd = blob_open(s, &img->manifest.layers[opened].digest, &size, err);
		if (in->fd < 0) {
			r = err_wrap(err, "layer %zu of %zu", opened + 1, len);
			break;
		}
		in->has_digest = in->has_diff_id = true;
		in->digest = img->manifest.layers[opened].digest;
		in->diff_id = img->config.diff_ids[opened];
		in->expected_size = size;
	}
	if (r >= 0)
		r = layers_unpack(&tmp, ids, items, len, err);
	close_inputs(items, opened);
	store_tmp_done(&tmp);
	if (r < 0)
		layers_sweep(s, ids);
	return r;
}

int layers_ensure(struct store *s, const struct idmap *ids, const struct store_image *img, struct err *err)
{
	autofree struct unpack *items = NULL;
	int r = all_there(s, img, err);

	if (r != 0)
		return r < 0 ? r : 0;
	items = calloc(img->manifest.layers_len, sizeof(*items));
	return items ? unpack_blobs(s, ids, img, items, err) : err_oom(err);
}

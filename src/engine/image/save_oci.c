/* OCI image layout (image-layout.md): the store's own blobs, and an index with the names. */
#include "engine/image/save_impl.h"

#include "base/cleanup.h"
#include "oci/json.h"
#include "store/blob.h"

#include <errno.h>
#include <string.h>

static int add_blobs(struct saver *s, const struct store_image *img, struct err *err)
{
	char path[BLOB_PATH_MAX];
	int r;

	blob_path(&img->manifest_digest, path);
	r = saver_add_blob(s, path, &img->manifest_digest, err);
	blob_path(&img->id, path);
	if (r >= 0)
		r = saver_add_blob(s, path, &img->id, err);
	for (size_t i = 0; r >= 0 && i < img->manifest.layers_len; i++) {
		blob_path(&img->manifest.layers[i].digest, path);
		r = saver_add_blob(s, path, &img->manifest.layers[i].digest, err);
	}
	return r;
}

/* One entry for each name; one without, if there is none. */
static int add_entry(struct saver *s, const struct store_image *img, const char *name, struct image_index *index,
		     struct err *err)
{
	struct descriptor d;
	uint64_t size;
	autoclose int fd = blob_open(s->engine->store, &img->manifest_digest, &size, err);
	int r = fd < 0 ? fd : descriptor_init(&d, img->manifest.media_type, &img->manifest_digest, size, err);

	if (r < 0)
		return r;
	if (name && str_map_set(&d.annotations, ANNOTATION_REF_NAME, name) < 0)
		r = err_oom(err);
	if (r >= 0)
		r = image_index_add(index, &d, err);
	descriptor_done(&d);
	return r;
}

static int add_image(struct saver *s, const struct saved_image *image, struct image_index *index, struct err *err)
{
	int r = add_blobs(s, &image->img, err);

	if (r >= 0 && image->names.len == 0)
		r = add_entry(s, &image->img, NULL, index, err);
	for (size_t i = 0; r >= 0 && i < image->names.len; i++)
		r = add_entry(s, &image->img, image->names.items[i], index, err);
	return r;
}

int save_oci(struct saver *s, struct err *err)
{
	static const char layout[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
	autobuf struct buf text = BUF_INIT(JSON_SIZE_MAX);
	struct image_index index = { .media_type = strdup(MEDIA_OCI_INDEX) };
	int r = index.media_type ? 0 : err_oom(err);

	for (size_t i = 0; r >= 0 && i < s->images_len; i++)
		r = add_image(s, &s->images[i], &index, err);
	if (r >= 0)
		r = image_index_write(&index, &text, err);
	image_index_done(&index);
	if (r >= 0)
		r = saver_add_text(s, "oci-layout", layout, strlen(layout), err);
	return r < 0 ? r : saver_add_text(s, "index.json", text.data, text.len, err);
}

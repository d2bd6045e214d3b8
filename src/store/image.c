#include "store/image.h"

#include "base/cleanup.h"
#include "store/blob.h"
#include "store/layers.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void store_image_done(struct store_image *img)
{
	free(img->name);
	image_manifest_done(&img->manifest);
	image_config_done(&img->config);
	*img = (struct store_image){ 0 };
}

int store_image_open_manifest(struct store *s, const struct digest *manifest, struct store_image *ret, struct err *err)
{
	autobuf struct buf text = BUF_INIT(IMAGE_DOCUMENT_MAX);
	struct store_image img = { .manifest_digest = *manifest };
	int r = blob_read(s, manifest, &text, err);

	if (r >= 0)
		r = image_manifest_parse(text.data, text.len, &img.manifest, err);
	if (r < 0)
		return r;
	img.id = img.manifest.config.digest;
	r = blob_read(s, &img.id, &text, err);
	if (r >= 0)
		r = image_config_parse(text.data, text.len, &img.config, err);
	if (r >= 0 && img.config.diff_ids_len != img.manifest.layers_len)
		r = err_set(err, EBADMSG, "the manifest has %zu layers, the configuration %zu", img.manifest.layers_len,
			    img.config.diff_ids_len);
	if (r < 0) {
		store_image_done(&img);
		return r;
	}
	*ret = img;
	return 0;
}

int store_image_open(struct store *s, const char *text, struct store_image *ret, struct err *err)
{
	struct digest manifest;
	char *name = NULL;
	int r = store_resolve(s, text, &manifest, &name, err);

	if (r < 0)
		return r;
	r = store_image_open_manifest(s, &manifest, ret, err);
	if (r < 0) {
		free(name);
		return err_wrap(err, "image '%s'", text);
	}
	ret->name = name;
	return 0;
}

static int check_layers(struct store *s, const struct descriptor *layers, size_t len, struct err *err)
{
	s->is_synced = false;
	for (size_t i = 0; i < len; i++) {
		char digest[DIGEST_STR_MAX];
		int r = blob_has(s, &layers[i].digest, layers[i].size, err);

		if (r < 0)
			return r;
		digest_format(&layers[i].digest, digest);
		if (r == 0)
			return err_set(err, ENOENT, "layer %zu of %zu: blob %s is not in the store", i + 1, len,
				       digest);
	}
	return 0;
}

static int put_manifest(struct store *s, const struct digest *config, size_t config_len,
			const struct descriptor *layers, size_t layers_len, const struct str_map *annotations,
			struct digest *ret, struct err *err)
{
	struct image_manifest m = { 0 };
	autobuf struct buf text = BUF_INIT(IMAGE_DOCUMENT_MAX);
	int r = descriptor_init(&m.config, MEDIA_OCI_CONFIG, config, config_len, err);

	if (r >= 0 && !(m.media_type = strdup(MEDIA_OCI_MANIFEST)))
		r = err_oom(err);
	for (size_t i = 0; r >= 0 && i < layers_len; i++)
		r = image_manifest_add_layer(&m, &layers[i], err);
	if (r >= 0 && annotations && str_map_copy(&m.annotations, annotations) < 0)
		r = err_oom(err);
	if (r >= 0)
		r = image_manifest_write(&m, &text, err);
	if (r >= 0)
		r = blob_put(s, text.data, text.len, ret, err);
	image_manifest_done(&m);
	return r;
}

int store_image_put_annotated(struct store *s, const void *config, size_t config_len, const struct descriptor *layers,
			      size_t layers_len, const struct str_map *annotations, struct digest *ret_manifest,
			      struct digest *ret_id, struct err *err)
{
	struct image_config parsed;
	struct digest id;
	size_t diff_ids;
	int r = image_config_parse(config, config_len, &parsed, err);

	if (r < 0)
		return r;
	diff_ids = parsed.diff_ids_len;
	image_config_done(&parsed);
	if (diff_ids != layers_len)
		return err_set(err, EBADMSG, "the configuration has %zu diff ids for %zu layers", diff_ids, layers_len);
	r = check_layers(s, layers, layers_len, err);
	if (r >= 0)
		r = blob_put(s, config, config_len, &id, err);
	if (r >= 0)
		r = put_manifest(s, &id, config_len, layers, layers_len, annotations, ret_manifest, err);
	if (r >= 0 && ret_id)
		*ret_id = id;
	return r;
}

int store_image_put(struct store *s, const void *config, size_t config_len, const struct descriptor *layers,
		    size_t layers_len, struct digest *ret_manifest, struct digest *ret_id, struct err *err)
{
	return store_image_put_annotated(s, config, config_len, layers, layers_len, NULL, ret_manifest, ret_id, err);
}

uint64_t store_image_size(struct store *s, const struct store_image *img)
{
	uint64_t total = 0;

	for (size_t i = 0; i < img->manifest.layers_len; i++) {
		struct layer_info info;
		bool known = layer_info_read(s, &img->config.diff_ids[i], &info, NULL) >= 0;

		total += known ? info.tree_size : img->manifest.layers[i].size;
	}
	return total;
}

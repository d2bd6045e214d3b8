/*
 * `save --smallest`: a docker-archive with nothing in it that a loader can do without.
 *
 *  - Layers are written anew with the same entries: no magic, no names of owners, no zeros in front of numbers, nothing for
 *    fields that are 0, no end mark, no padding at the end (layer/client.h, LAYER_SHRINK).
 *  - The configuration keeps what a container is started with, and the diff ids (image_config_write_smallest).
 *  - manifest.json has Layers, Config and, for images with names, RepoTags; members have names of a letter. "s" and "t"
 *    come first because they stand in manifest.json's own text, and layers last, in the order in which members compress best.
 *  - The archive is written as the layers are, and compressed by what compresses best (layer/smallest.h).
 */
#include "engine/image/save_impl.h"

#include "base/cleanup.h"
#include "oci/json.h"
#include "store/blob.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A layer as it stands in the store, and as it was written anew. */
struct shrunk {
	struct digest diff_id, new_diff_id;
	char name[8]; /* of the member; also of the file in s->tmp */
};
DEFINE_VEC(shrunks, struct shrunk)

struct small {
	struct saver *saver;
	struct shrunks layers;
	size_t names; /* given so far */
};

/* "t", "s", then the others; two letters when these are used up. */
static void next_name(struct small *m, char dst[static 8])
{
	static const char letters[] = "stabcdefghijklmnopqruvwxyz";
	const size_t base = sizeof(letters) - 1;
	size_t n = m->names++, len = 1, at = 0;
	char digits[8];

	for (size_t room = base; n >= room; room *= base) {
		n -= room;
		len++;
	}
	for (; at < len; at++, n /= base)
		digits[at] = letters[n % base];
	for (size_t i = 0; i < len; i++)
		dst[i] = digits[len - 1 - i];
	dst[len] = '\0';
}

static int shrink(struct small *m, const struct descriptor *layer, const struct digest *diff_id, struct shrunk *ret,
		  struct err *err)
{
	struct store_tmp *tmp = &m->saver->tmp;
	struct layer_result result;
	autoclose int in = blob_open(m->saver->engine->store, &layer->digest, NULL, err), out = -1;
	struct layer_request q = { .verb = LAYER_SHRINK };
	int r;

	if (in < 0)
		return in;
	out = openat(tmp->dir_fd, ret->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (out < 0)
		return err_errno(err, errno, "create '%s/%s'", tmp->name, ret->name);
	q.shrink.in = (struct layer_input){
		.fd = in, .has_digest = true, .has_diff_id = true, .digest = layer->digest, .diff_id = *diff_id
	};
	q.shrink.out_fd = out;
	r = layer_run(&q, &result, err);
	if (r < 0)
		return r;
	ret->diff_id = *diff_id;
	ret->new_diff_id = result.diff_id;
	return 0;
}

/* Each layer once, whichever images have it. */
static const struct shrunk *layer_of(struct small *m, const struct descriptor *layer, const struct digest *diff_id,
				     struct err *err)
{
	struct shrunk new = { 0 };

	for (size_t i = 0; i < m->layers.len; i++)
		if (digest_equal(&m->layers.items[i].diff_id, diff_id))
			return &m->layers.items[i];
	next_name(m, new.name);
	if (shrink(m, layer, diff_id, &new, err) < 0)
		return NULL;
	if (shrunks_push(&m->layers, new) < 0) {
		err_oom(err);
		return NULL;
	}
	return &m->layers.items[m->layers.len - 1];
}

static int add_config(struct small *m, struct saved_image *image, const char *name, struct strv *layers,
		      struct err *err)
{
	autobuf struct buf text = BUF_INIT(IMAGE_DOCUMENT_MAX);
	struct image_config *c = &image->img.config;
	int r;

	for (size_t i = 0; i < c->diff_ids_len; i++) {
		const struct shrunk *layer = layer_of(m, &image->img.manifest.layers[i], &c->diff_ids[i], err);

		if (!layer)
			return err_wrap(err, "layer %zu of %zu", i + 1, c->diff_ids_len);
		if (strv_add(layers, layer->name) < 0)
			return err_oom(err);
		c->diff_ids[i] = layer->new_diff_id;
	}
	r = image_config_write_smallest(c, &text, err);
	return r < 0 ? r : saver_add_text(m->saver, name, buf_str(&text), text.len, err);
}

static int add_image(struct small *m, struct saved_image *image, json_t *manifest, struct err *err)
{
	autostrv struct strv layers = { 0 }, names = { 0 };
	autojson json_t *entry = json_object();
	char config[8];
	int r;

	next_name(m, config);
	r = add_config(m, image, config, &layers, err);
	if (r >= 0)
		r = save_docker_names(&image->names, &names, err);
	if (r < 0)
		return r;
	if (!entry || json_add_strings(entry, "RepoTags", &names, false) < 0 ||
	    json_add_strings(entry, "Layers", &layers, true) < 0 || json_add_string(entry, "Config", config) < 0 ||
	    json_array_append(manifest, entry) < 0)
		return err_oom(err);
	return 0;
}

static int add_all(struct small *m, struct err *err)
{
	autobuf struct buf text = BUF_INIT(JSON_SIZE_MAX);
	autojson json_t *manifest = json_array();
	int r = manifest ? 0 : err_oom(err);

	for (size_t i = 0; r >= 0 && i < m->saver->images_len; i++)
		r = add_image(m, &m->saver->images[i], manifest, err);
	if (r >= 0)
		r = json_write(manifest, &text, err);
	if (r >= 0)
		r = saver_add_text(m->saver, "manifest.json", text.data, text.len, err);
	for (size_t i = 0; r >= 0 && i < m->layers.len; i++)
		r = saver_add_staged(m->saver, m->layers.items[i].name, m->layers.items[i].name, err);
	return r;
}

int save_smallest(struct saver *s, struct err *err)
{
	struct small m = { .saver = s };
	int r = store_tmp_open(s->engine->store, &s->tmp, err);

	if (r >= 0)
		r = add_all(&m, err);
	free(m.layers.items);
	return r;
}

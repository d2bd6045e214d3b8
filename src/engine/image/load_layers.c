/*
 * The layers of one image: where each is read from, and what is kept of it.
 *
 * A layer is read from the store's own blob if that is there already, else from the archive. What is read in
 * place (or from a foreign folder) is written to a new blob on the way; what was split off into tmp/ becomes the
 * blob itself. A blob and a diff id that no image has yet named together are read to verify that they belong
 * together, also if both are in the store. Where a blob of the store turns out to be damaged (a disk that rots), it goes,
 * and the archive's takes its place.
 */
#include "engine/image/load_impl.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "layer/unpack.h"
#include "store/blob.h"
#include "store/image.h"
#include "store/layers.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

struct bringing {
	struct loader *l;
	const struct load_layers *layers;
	struct archive_input *inputs;
	bool *from_store; /* one a layer: the input is the store's own blob */
	struct unpack *items;
	char (*blob_names)[24];
	struct load_remote *remotes;
	size_t prepared;
};

void load_layers_done(struct load_layers *layers)
{
	for (size_t i = 0; i < layers->len; i++)
		free(layers->items[i].member);
	free(layers->items);
	*layers = (struct load_layers){ 0 };
}

int load_layers_add(struct load_layers *layers, const struct load_layer *layer, struct err *err)
{
	struct load_layer copy = *layer;

	if (layers->len >= IMAGE_LAYERS_MAX)
		return err_set(err, E2BIG, "more than %d layers", IMAGE_LAYERS_MAX);
	copy.member = strdup(layer->member);
	if (!copy.member || load_layers_push(layers, copy) < 0) {
		free(copy.member);
		return err_oom(err);
	}
	return 0;
}

/* What the manifest and the configuration say of them, without those that are LEFT_OUT (NULL: none). */
static int describe_layers(const struct loader *l, const struct image_manifest *m, const struct image_config *c,
			   const bool *left_out, struct load_layers *layers, struct err *err)
{
	if (c->diff_ids_len != m->layers_len)
		return err_set(err, EBADMSG, "the manifest has %zu layers, the configuration %zu diff ids",
			       m->layers_len, c->diff_ids_len);
	for (size_t i = 0; i < m->layers_len; i++) {
		char path[LOAD_MEMBER_MAX];
		struct load_layer layer = { .member = path,
					    .diff_id = c->diff_ids[i],
					    .has_digest = true,
					    .digest = m->layers[i].digest,
					    .size = m->layers[i].size };
		int r;

		if (left_out && left_out[i])
			continue;
		if (l->name_member)
			l->name_member(&layer.digest, path, l->name_member_arg);
		else
			blob_path(&layer.digest, path);
		r = load_layers_add(layers, &layer, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Has an image of the store this blob as the layer of that diff id? Then they were verified together. */
bool load_pair_is_known(struct store *s, const struct digest *blob, const struct digest *diff_id)
{
	autorefs struct refs refs = { 0 };
	bool known = digest_equal(blob, diff_id);

	if (known || refs_list(s, &refs, NULL) < 0)
		return known;
	for (size_t i = 0; !known && i < refs.len; i++) {
		struct store_image img;

		if (store_image_open_manifest(s, &refs.items[i].manifest, &img, NULL) < 0)
			continue;
		for (size_t n = 0; n < img.manifest.layers_len; n++)
			known |= digest_equal(&img.manifest.layers[n].digest, blob) &&
				 digest_equal(&img.config.diff_ids[n], diff_id);
		store_image_done(&img);
	}
	return known;
}

/* The store's own blob as input. */
static int from_blob(struct bringing *b, size_t i, const struct digest *digest, struct err *err)
{
	struct archive_input *in = &b->inputs[i];
	struct store *s = b->l->engine->store;

	in->in.fd = blob_open(s, digest, &in->size, err);
	if (in->in.fd < 0)
		return in->in.fd;
	b->from_store[i] = true;
	in->owned_fd = in->in.has_digest = in->has_digest = true;
	in->in.digest = in->digest = *digest;
	in->in.expected_size = in->size;
	b->items[i].always_read = !load_pair_is_known(s, digest, &b->layers->items[i].diff_id);
	return 0;
}

static void name_blob(struct bringing *b, size_t i)
{
	snprintf(b->blob_names[i], sizeof(b->blob_names[i]), "blob%u", b->l->blobs++);
	b->items[i].blob_name = b->blob_names[i];
}

static void from_registry(struct bringing *b, size_t i)
{
	const struct load_layer *layer = &b->layers->items[i];
	struct archive_input *in = &b->inputs[i];

	name_blob(b, i);
	in->in.fd = -1;
	in->in.has_digest = in->has_digest = true;
	in->in.digest = in->digest = layer->digest;
	in->in.expected_size = in->size = layer->size;
	load_from_registry(b->l, layer, i, b->blob_names[i], &b->remotes[i], &b->items[i]);
}

static int from_archive(struct bringing *b, size_t i, struct err *err)
{
	const struct load_layer *layer = &b->layers->items[i];
	struct archive_input *in = &b->inputs[i];
	int r = archive_input(b->l->archive, layer->member, in, err);

	if (r < 0)
		return r;
	if (in->size == 0)
		return err_set(err, EBADMSG, "'%.200s' is empty", layer->member);
	if (layer->has_digest) {
		in->in.has_digest = true;
		in->in.digest = layer->digest;
		in->in.expected_size = layer->size;
		if (in->size != layer->size)
			return err_set(err, EBADMSG, "'%.200s' has %llu bytes, the manifest says %llu", layer->member,
				       (unsigned long long)in->size, (unsigned long long)layer->size);
	}
	b->items[i].always_read = true;
	if (!in->staged[0])
		name_blob(b, i);
	return 0;
}

/*
 * Is the blob that the layer would become in the store? Without a descriptor the archive is docker's, whose layers
 * are plain tars: then it is that of the diff id, if it has the size of the member (another size means that the
 * member is compressed, or that the blob was cut short by a power loss, which blob_commit repairs).
 */
static int is_in_store(struct bringing *b, const struct load_layer *layer, struct err *err)
{
	struct store *s = b->l->engine->store;
	struct archive_input in;
	uint64_t size = 0;
	int fd, r;

	if (layer->has_digest)
		return blob_has(s, &layer->digest, layer->size, err);
	r = archive_input(b->l->archive, layer->member, &in, err);
	if (r < 0)
		/* What became a blob for an image before this one is no member any more. */
		return r == -ENOENT ? blob_has(s, &layer->diff_id, UINT64_MAX, NULL) : r;
	archive_input_done(&in);
	fd = blob_open(s, &layer->diff_id, &size, NULL);
	if (fd < 0)
		return 0;
	close(fd);
	return size == in.size;
}

static int prepare(struct bringing *b, size_t i, struct err *err)
{
	const struct load_layer *layer = &b->layers->items[i];
	int r = is_in_store(b, layer, err);

	if (r == 0 && b->l->registry)
		from_registry(b, i);
	else if (r == 0)
		r = from_archive(b, i, err);
	else if (r > 0)
		r = from_blob(b, i, layer->has_digest ? &layer->digest : &layer->diff_id, err);
	if (r < 0)
		return err_wrap(err, "layer %zu of %zu", i + 1, b->layers->len);
	b->inputs[i].in.has_diff_id = true;
	b->inputs[i].in.diff_id = layer->diff_id;
	b->items[i].in = b->inputs[i].in;
	return 0;
}

static const char *layer_media_type(enum layer_compression compression)
{
	switch (compression) {
	case LAYER_GZIP:
		return MEDIA_OCI_LAYER_GZIP;
	case LAYER_ZSTD:
		return MEDIA_OCI_LAYER_ZSTD;
	default:
		break;
	}
	return MEDIA_OCI_LAYER;
}

/* Keeps what was read of layer I as a blob, and describes it. */
static int keep(struct bringing *b, size_t i, struct descriptor *ret, struct err *err)
{
	const struct unpack *item = &b->items[i];
	const struct archive_input *in = &b->inputs[i];
	struct digest digest = item->read ? item->result.digest : in->digest;
	uint64_t size = item->read ? item->result.size : in->size;
	const char *type = layer_media_type(item->result.compression);
	int r = 0;

	if (item->read && item->result.compression > LAYER_ZSTD)
		return err_set(err, EBADMSG, "layer %zu of %zu: images know gzip and zstd, this is bzip2 or xz", i + 1,
			       b->layers->len);
	/* Not read: it is in the store under its diff id, or known as the pair that a manifest describes. */
	if (!item->read && digest_equal(&digest, &item->in.diff_id))
		type = MEDIA_OCI_LAYER;
	if (item->blob_name || in->staged[0]) {
		r = blob_has(b->l->engine->store, &digest, size, err);
		if (r == 0)
			r = blob_commit(b->l->tmp, item->blob_name ? item->blob_name : in->staged, &digest, size, err);
	}
	return r < 0 ? r : descriptor_init(ret, type, &digest, size, err);
}

static void close_inputs(struct bringing *b)
{
	for (size_t i = 0; i < b->prepared; i++)
		archive_input_done(&b->inputs[i]);
	b->prepared = 0;
}

static int prepare_and_unpack(struct bringing *b, struct err *err)
{
	size_t len = b->layers->len;
	int r = 0;

	memset(b->items, 0, len * sizeof(*b->items));
	memset(b->from_store, 0, len * sizeof(*b->from_store));
	for (size_t i = 0; r >= 0 && i < len; i++) {
		r = prepare(b, i, err);
		b->prepared = i + 1;
	}
	return r < 0 ? r : layers_unpack(b->l->tmp, &b->l->engine->ids, b->items, len, err);
}

/* Moves those of the store's blobs away that aren't what their names say. Returns how many there were. */
static size_t drop_damaged(struct bringing *b)
{
	struct store *s = b->l->engine->store;
	size_t count = 0;

	for (size_t i = 0; i < b->prepared; i++) {
		struct layer_request q = { .verb = LAYER_LIST, .list = b->inputs[i].in };
		char path[BLOB_PATH_MAX];

		if (!b->from_store[i] || b->inputs[i].in.fd < 0)
			continue;
		q.list.has_diff_id = false;
		if (lseek(q.list.fd, 0, SEEK_SET) < 0 || layer_run(&q, NULL, NULL) != -EBADMSG)
			continue;
		blob_path(&b->inputs[i].digest, path);
		count += store_trash(s, path, NULL) >= 0;
	}
	return count;
}

static int bring(struct bringing *b, struct descriptor *ret, struct err *err)
{
	struct err why = { 0 };
	size_t len = b->layers->len;
	int r = prepare_and_unpack(b, &why);

	if (r == -EBADMSG && drop_damaged(b) > 0) {
		close_inputs(b);
		r = prepare_and_unpack(b, err);
	} else if (r < 0 && err) {
		*err = why;
	}
	for (size_t i = 0; r >= 0 && i < len; i++)
		r = keep(b, i, &ret[i], err);
	return r;
}

int load_bring_layers(struct loader *l, const struct load_layers *layers, struct descriptor *ret, struct err *err)
{
	size_t len = layers->len ? layers->len : 1;
	autofree struct archive_input *inputs = calloc(len, sizeof(*inputs));
	autofree struct unpack *items = calloc(len, sizeof(*items));
	autofree char(*blob_names)[24] = calloc(len, sizeof(*blob_names));
	autofree bool *from_store = calloc(len, sizeof(*from_store));
	autofree struct load_remote *remotes = calloc(len, sizeof(*remotes));
	struct bringing b = { .l = l,
			      .layers = layers,
			      .inputs = inputs,
			      .from_store = from_store,
			      .items = items,
			      .blob_names = blob_names,
			      .remotes = remotes };
	int r;

	if (!inputs || !items || !blob_names || !from_store || !remotes)
		return err_oom(err);
	r = bring(&b, ret, err);
	close_inputs(&b);
	return r;
}

int load_bring_image(struct loader *l, const struct image_manifest *m, const struct image_config *c, struct err *err)
{
	return load_bring_rest(l, m, c, NULL, err);
}

int load_bring_rest(struct loader *l, const struct image_manifest *m, const struct image_config *c,
		    const bool *left_out, struct err *err)
{
	size_t len = m->layers_len;
	autofree struct descriptor *blobs = calloc(len ? len : 1, sizeof(*blobs));
	struct load_layers layers = { 0 };
	int r = blobs ? describe_layers(l, m, c, left_out, &layers, err) : err_oom(err);

	if (r >= 0)
		r = load_bring_layers(l, &layers, blobs, err);
	for (size_t i = 0; blobs && i < len; i++)
		descriptor_done(&blobs[i]);
	load_layers_done(&layers);
	return r;
}

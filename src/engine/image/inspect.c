#include "engine/image/inspect.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "codec/reference.h"
#include "store/blob.h"
#include "store/image.h"
#include "store/layers.h"
#include "store/ref.h"

#include <errno.h>
#include <string.h>

static int add_names(struct engine *e, const struct store_image *img, json_t *object, struct err *err)
{
	autojson json_t *tags = json_array(), *digests = json_array();
	autorefs struct refs refs = { 0 };
	char digest[DIGEST_STR_MAX], familiar[REFERENCE_MAX + 256];
	int r = refs_list(e->store, &refs, err);

	for (size_t i = 0; r >= 0 && i < refs.len; i++) {
		autofree char *by_digest = NULL;
		struct reference ref;
		struct digest id;

		if (!refs.items[i].name || reference_parse(refs.items[i].name, &ref, NULL) < 0 ||
		    !store_manifest_id(e->store, &refs.items[i].manifest, &id) || !digest_equal(&id, &img->id))
			continue;
		digest_format(&refs.items[i].manifest, digest);
		reference_format_familiar(&ref, familiar);
		by_digest = str_format("%s@%s", reference_familiar_name(&ref), digest);
		if (!tags || !digests || !by_digest || json_array_append_new(tags, json_string(familiar)) < 0 ||
		    json_array_append_new(digests, json_string(by_digest)) < 0)
			r = err_oom(err);
	}
	if (r >= 0 && (json_add(object, "RepoTags", TAKE_PTR(tags)) < 0 ||
		       json_add(object, "RepoDigests", TAKE_PTR(digests)) < 0))
		r = err_oom(err);
	return r;
}

/* "config" as the image has it, so that nothing that we don't know is lost; docker calls it Config. */
static json_t *raw_config(struct engine *e, const struct store_image *img, struct err *err)
{
	autobuf struct buf text = BUF_INIT(IMAGE_DOCUMENT_MAX);
	autojson json_t *root = NULL;
	json_t *config;

	if (blob_read(e->store, &img->id, &text, err) < 0 ||
	    json_parse(text.data, text.len, "image configuration", &root, err) < 0)
		return NULL;
	config = json_object_get(root, "config");
	if (json_is_object(config))
		return json_incref(config);
	return json_object();
}

static json_t *root_fs(const struct store_image *img)
{
	autojson json_t *layers = json_array(), *object = json_object();

	for (size_t i = 0; i < img->config.diff_ids_len; i++) {
		char digest[DIGEST_STR_MAX];

		digest_format(&img->config.diff_ids[i], digest);
		if (!layers || json_array_append_new(layers, json_string(digest)) < 0)
			return NULL;
	}
	if (!object || json_add_string(object, "Type", "layers") < 0 ||
	    json_add(object, "Layers", TAKE_PTR(layers)) < 0)
		return NULL;
	return TAKE_PTR(object);
}

/* Where the files are: docker's GraphDriver, for scripts that look there. */
static json_t *graph_driver(struct engine *e, const struct store_image *img)
{
	autobuf struct buf lowers = BUF_INIT(IMAGE_LAYERS_MAX * 4096u);
	autojson json_t *data = json_object(), *object = json_object();

	for (size_t i = img->config.diff_ids_len; i-- > 0;) {
		char path[LAYER_DIR_MAX];

		layer_path(e->store, &img->config.diff_ids[i], path);
		buf_addf(&lowers, "%s%s/%s/fs", lowers.len ? ":" : "", e->store->root, path);
	}
	if (lowers.error || !data || !object || json_add_string(object, "Name", "overlay") < 0 ||
	    json_add_string(data, "LowerDir", buf_str(&lowers)) < 0 || json_add(object, "Data", TAKE_PTR(data)) < 0)
		return NULL;
	return TAKE_PTR(object);
}

/* What the comment of the newest step says, as docker has it. */
static const char *comment(const struct image_config *c)
{
	if (c->comment)
		return c->comment;
	return c->history_len && c->history[c->history_len - 1].comment ? c->history[c->history_len - 1].comment : "";
}

static int add_facts(struct engine *e, const struct store_image *img, json_t *object, struct err *err)
{
	const struct image_config *c = &img->config;
	json_t *config = raw_config(e, img, err);

	if (!config)
		return -err->code;
	if (json_add(object, "Parent", json_string("")) < 0 || json_add(object, "Comment", json_text(comment(c))) < 0 ||
	    json_add(object, "Created", json_text(c->created ? c->created : "")) < 0 ||
	    json_add(object, "Author", json_text(c->author ? c->author : "")) < 0 ||
	    json_add(object, "Config", config) < 0 ||
	    json_add(object, "Architecture", json_text(c->architecture ? c->architecture : "")) < 0 ||
	    json_add_string(object, "Variant", c->variant) < 0 ||
	    json_add(object, "Os", json_text(c->os ? c->os : "")) < 0 ||
	    json_add_int(object, "Size", (int64_t)store_image_size(e->store, img)) < 0 ||
	    json_add(object, "GraphDriver", graph_driver(e, img)) < 0 || json_add(object, "RootFS", root_fs(img)) < 0)
		return err_oom(err);
	return 0;
}

static int describe(struct engine *e, const struct store_image *img, json_t *object, struct err *err)
{
	char id[DIGEST_STR_MAX], manifest[DIGEST_STR_MAX];
	int r;

	digest_format(&img->id, id);
	digest_format(&img->manifest_digest, manifest);
	if (json_add_string(object, "Id", id) < 0)
		return err_oom(err);
	r = add_names(e, img, object, err);
	if (r >= 0 && (json_add_string(object, "Digest", manifest) < 0 ||
		       json_add_string(object, "ManifestType", img->manifest.media_type) < 0))
		r = err_oom(err);
	return r < 0 ? r : add_facts(e, img, object, err);
}

int engine_inspect_image(struct engine *e, const char *image, json_t **ret, struct err *err)
{
	autojson json_t *object = json_object();
	struct store_image img;
	struct err local = { 0 };
	int r = store_image_open(e->store, image, &img, err ? err : &local);

	if (r < 0)
		return r;
	r = object ? describe(e, &img, object, err ? err : &local) : err_oom(err);
	store_image_done(&img);
	if (r >= 0)
		*ret = TAKE_PTR(object);
	return r;
}

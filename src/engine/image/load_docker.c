/*
 * docker-archive (Docker's "Image Specification v1.2", "Combined Image JSON + Filesystem Changeset Format"):
 * manifest.json = [{"Config": member, "RepoTags": [name:tag], "Layers": [member]}]. Since version 25 docker writes
 * an OCI layout with a manifest.json beside it, whose members are then blobs/sha256/<hex>; podman and skopeo name
 * layers <hex>.tar and let <id>/layer.tar be links to them.
 */
#include "engine/image/load_impl.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "layer/ensure.h"
#include "oci/json.h"
#include "store/image.h"

#include <errno.h>
#include <string.h>

/* A configuration that is named after its digest must have it. */
static int check_config_name(const char *member, const void *data, size_t len, struct err *err)
{
	const char *base = path_basename(member);
	size_t hex_len = strspn(base, "0123456789abcdef");
	char hex[DIGEST_HEX_MAX];
	struct digest d;

	if (hex_len != DIGEST_HEX_MAX - 1 || (base[hex_len] && strcmp(base + hex_len, ".json") != 0))
		return 0;
	digest_of(data, len, &d);
	digest_format_hex(&d, hex);
	if (strncmp(hex, base, hex_len) == 0)
		return 0;
	return err_set(err, EBADMSG, "the configuration '%s' has the digest sha256:%s", member, hex);
}

static int collect_layers(const struct json_at *entry, const struct image_config *config, struct load_layers *layers,
			  struct err *err)
{
	autostrv struct strv members = { 0 };
	int r = json_get_strings(entry, "Layers", &members, err);

	if (r < 0)
		return r;
	if (members.len != config->diff_ids_len)
		return json_err(entry, err, EBADMSG, "there are %zu Layers, and %zu diff ids in the configuration",
				members.len, config->diff_ids_len);
	for (size_t i = 0; i < members.len; i++) {
		struct load_layer layer = { .member = members.items[i], .diff_id = config->diff_ids[i] };

		r = load_layers_add(layers, &layer, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int put_image(struct loader *l, const struct buf *config, const struct load_layers *layers,
		     struct load_result *result, struct err *err)
{
	autofree struct descriptor *blobs = calloc(layers->len ? layers->len : 1, sizeof(*blobs));
	int r;

	if (!blobs)
		return err_oom(err);
	r = load_bring_layers(l, layers, blobs, err);
	if (r >= 0)
		r = store_image_put(l->engine->store, config->data, config->len, blobs, layers->len, &result->manifest,
				    &result->id, err);
	for (size_t i = 0; i < layers->len; i++)
		descriptor_done(&blobs[i]);
	return r;
}

static int read_names(const struct json_at *entry, struct strv *ret, struct err *err)
{
	autostrv struct strv tags = { 0 };
	int r = json_get_strings(entry, "RepoTags", &tags, err);

	for (size_t i = 0; r >= 0 && i < tags.len; i++)
		r = load_add_name(ret, tags.items[i], err);
	return r;
}

/*
 * The image may be here already, by its ID: then the archive's layers aren't even looked at. They'd have to be
 * what the ID says anyway, and the store's have been verified.
 */
static int find_same(struct loader *l, const struct buf *config, struct load_result *result, struct err *err)
{
	struct digest id;
	struct store_image img;
	struct err why = { 0 };
	int r;

	digest_of(config->data, config->len, &id);
	r = store_find_id(l->engine->store, &id, &result->manifest, err);
	if (r <= 0)
		return r;
	r = store_image_open_manifest(l->engine->store, &result->manifest, &img, &why);
	if (r >= 0) {
		r = layers_ensure(l->engine->store, &l->engine->ids, &img, &why);
		store_image_done(&img);
	}
	/* Here, but damaged: the archive repairs it. */
	if (r == -EBADMSG)
		return 0;
	if (r < 0 && err)
		*err = why;
	result->id = id;
	return r < 0 ? r : 1;
}

static int load_layers_of(struct loader *l, const struct json_at *entry, const struct buf *config,
			  struct load_result *result, struct err *err)
{
	struct load_layers layers = { 0 };
	struct image_config parsed;
	int r = find_same(l, config, result, err);

	if (r != 0)
		return r < 0 ? r : 0;
	r = image_config_parse(config->data, config->len, &parsed, err);
	if (r < 0)
		return r;
	r = collect_layers(entry, &parsed, &layers, err);
	image_config_done(&parsed);
	if (r >= 0)
		r = put_image(l, config, &layers, result, err);
	load_layers_done(&layers);
	return r;
}

static int load_entry(struct loader *l, const struct json_at *entry, struct err *err)
{
	autobuf struct buf config = BUF_INIT(IMAGE_DOCUMENT_MAX + 1);
	struct load_result result = { 0 };
	autofree char *member = NULL;
	int r = json_need_string(entry, "Config", &member, err);

	if (r >= 0)
		r = archive_read(l->archive, member, IMAGE_DOCUMENT_MAX, &config, err);
	if (r >= 0)
		r = check_config_name(member, config.data, config.len, err);
	if (r >= 0)
		r = read_names(entry, &result.names, err);
	if (r >= 0)
		r = load_layers_of(l, entry, &config, &result, err);
	if (r < 0) {
		if (result.names.len > 0)
			err_wrap(err, "image '%s'", result.names.items[0]);
		strv_done(&result.names);
		return r;
	}
	return load_results_add(l->results, &result, err);
}

int load_docker(struct loader *l, struct err *err)
{
	autobuf struct buf text = BUF_INIT(JSON_SIZE_MAX + 1);
	autojson json_t *root = NULL;
	struct json_at top, entry;
	int r = archive_read(l->archive, "manifest.json", JSON_SIZE_MAX, &text, err);

	if (r >= 0)
		r = json_parse(buf_str(&text), text.len, "manifest.json", &root, err);
	if (r < 0)
		return r;
	top = json_top(root, "manifest.json");
	r = json_check(&top, JSON_WANT_ARRAY, err);
	if (r < 0 && json_object_get(root, "schemaVersion"))
		return err_hint(err, "this is a registry's manifest, as 'skopeo copy … dir:…' writes it; copy to oci: "
				     "or oci-archive: "
				     "instead");
	if (r < 0)
		return r;
	if (json_array_size(root) == 0)
		return err_set(err, EBADMSG, "manifest.json: there is no image in it");
	for (size_t i = 0; r >= 0 && i < json_array_size(root); i++) {
		r = json_element(&top, i, JSON_WANT_OBJECT, &entry, err);
		if (r >= 0)
			r = load_entry(l, &entry, err);
	}
	return r;
}

/*
 * OCI image layout (image-layout.md), in a tar or a folder: index.json leads to manifests, perhaps by way of
 * further indexes, from which the manifest for this machine is chosen. Blobs are blobs/sha256/<hex>.
 */
#include "engine/image/load_impl.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "oci/json.h"
#include "store/blob.h"
#include "store/image.h"

#include <errno.h>
#include <string.h>

enum { INDEX_DEPTH_MAX = 4 };

static int read_document(struct loader *l, const struct descriptor *d, struct buf *buf, struct err *err)
{
	char path[BLOB_PATH_MAX], digest[DIGEST_STR_MAX];
	struct digest actual;
	int r;

	blob_path(&d->digest, path);
	digest_format(&d->digest, digest);
	if (d->size > IMAGE_DOCUMENT_MAX)
		return err_set(err, E2BIG, "%s: %llu bytes are over the limit of %d", digest,
			       (unsigned long long)d->size, IMAGE_DOCUMENT_MAX);
	r = archive_read(l->archive, path, IMAGE_DOCUMENT_MAX, buf, err);
	if (r < 0)
		return r;
	digest_of(buf_str(buf), buf->len, &actual);
	if (buf->len != d->size || !digest_equal(&actual, &d->digest))
		return err_set(err, EBADMSG, "%s: the content in the archive has another digest or size", digest);
	return 0;
}

/* "<folder or file without its endings>:TAG", as umoci and skopeo name layouts; docker's way is the annotation itself. */
static int name_from_origin(struct loader *l, const char *tag, struct strv *names, struct err *err)
{
	autofree char *base = l->origin ? path_clean(l->origin) : NULL, *name = NULL;
	const char *last = base ? path_basename(base) : "";

	if (*last && strcmp(last, ".") != 0) {
		name = str_format("%.*s:%s", (int)strcspn(last, "."), last, tag);
		if (!name)
			return err_oom(err);
		for (char *p = name; *p && *p != ':'; p++)
			if (*p >= 'A' && *p <= 'Z')
				*p = (char)(*p - 'A' + 'a');
		if (load_add_name(names, name, NULL) >= 0)
			return 0;
	}
	return load_add_name(names, tag, err);
}

static int choose_name(struct loader *l, const struct descriptor *d, struct strv *names, struct err *err)
{
	const char *name = str_map_get(&d->annotations, ANNOTATION_CONTAINERD_NAME);

	if (!name)
		name = str_map_get(&d->annotations, ANNOTATION_REF_NAME);
	if (!name || !*name)
		return 0;
	if (strpbrk(name, ":/"))
		return load_add_name(names, name, err);
	return name_from_origin(l, name, names, err);
}

static int bring(struct loader *l, const struct image_manifest *m, const struct buf *config, struct err *err)
{
	struct image_config parsed;
	int r = image_config_parse(buf_str(config), config->len, &parsed, err);

	if (r < 0)
		return r;
	r = load_bring_image(l, m, &parsed, err);
	image_config_done(&parsed);
	return r;
}

/* The manifest's own bytes are kept: its digest is what registries and signatures know. */
static int load_manifest(struct loader *l, const struct descriptor *d, struct load_result *result, struct err *err)
{
	autobuf struct buf text = BUF_INIT(IMAGE_DOCUMENT_MAX + 1), config = BUF_INIT(IMAGE_DOCUMENT_MAX + 1);
	struct image_manifest m;
	int r = read_document(l, d, &text, err);

	if (r >= 0)
		r = image_manifest_parse(buf_str(&text), text.len, &m, err);
	if (r < 0)
		return r;
	r = read_document(l, &m.config, &config, err);
	if (r >= 0)
		r = bring(l, &m, &config, err);
	if (r >= 0)
		r = blob_put(l->engine->store, buf_str(&config), config.len, &result->id, err);
	if (r >= 0)
		r = blob_put(l->engine->store, buf_str(&text), text.len, &result->manifest, err);
	image_manifest_done(&m);
	return r;
}

static int no_platform(const struct image_index *index, struct err *err)
{
	autobuf struct buf list = BUF_INIT(512);

	for (size_t i = 0; i < index->manifests_len; i++) {
		const struct platform *p = &index->manifests[i].platform;

		buf_addf(&list, "%s%s/%s", i ? ", " : "", p->os ? p->os : "?", p->architecture ? p->architecture : "?");
	}
	return err_set(err, EBADMSG, "there is no image for linux/%s in it, only: %s", platform_architecture(),
		       list.len ? buf_str(&list) : "nothing");
}

/* D, or what the index that it leads to has for this machine. */
static int load_descriptor(struct loader *l, const struct descriptor *d, int depth, struct load_result *result,
			   struct err *err)
{
	autobuf struct buf text = BUF_INIT(IMAGE_DOCUMENT_MAX + 1);
	const struct descriptor *chosen;
	struct image_index index;
	int r;

	if (media_kind(d->media_type) == MEDIA_KIND_MANIFEST)
		return load_manifest(l, d, result, err);
	if (media_kind(d->media_type) != MEDIA_KIND_INDEX)
		return err_set(err, EBADMSG, "index.json: '%.100s' is neither manifest nor index", d->media_type);
	if (depth >= INDEX_DEPTH_MAX)
		return err_set(err, E2BIG, "indexes lead to indexes more than %d deep", INDEX_DEPTH_MAX);
	r = read_document(l, d, &text, err);
	if (r >= 0)
		r = image_index_parse(buf_str(&text), text.len, &index, err);
	if (r < 0)
		return r;
	chosen = image_index_choose(&index);
	if (!chosen && index.manifests_len == 1 && media_kind(index.manifests[0].media_type) == MEDIA_KIND_INDEX)
		chosen = &index.manifests[0];
	r = chosen ? load_descriptor(l, chosen, depth + 1, result, err) : no_platform(&index, err);
	image_index_done(&index);
	return r;
}

static bool is_for_others(const struct descriptor *d)
{
	struct image_index one = { .manifests = (struct descriptor *)d, .manifests_len = 1 };

	return media_kind(d->media_type) == MEDIA_KIND_MANIFEST && !image_index_choose(&one);
}

static int load_top(struct loader *l, const struct image_index *index, struct err *err)
{
	size_t loaded = 0;

	for (size_t i = 0; i < index->manifests_len; i++) {
		const struct descriptor *d = &index->manifests[i];
		struct load_result result = { 0 };
		int r;

		if (is_for_others(d) || media_kind(d->media_type) == MEDIA_KIND_OTHER)
			continue;
		r = choose_name(l, d, &result.names, err);
		if (r >= 0)
			r = load_descriptor(l, d, 0, &result, err);
		if (r < 0) {
			if (result.names.len > 0)
				err_wrap(err, "image '%s'", result.names.items[0]);
			strv_done(&result.names);
			return r;
		}
		r = load_results_add(l->results, &result, err);
		if (r < 0)
			return r;
		loaded++;
	}
	return loaded ? 0 : no_platform(index, err);
}

int load_oci(struct loader *l, struct err *err)
{
	autobuf struct buf text = BUF_INIT(IMAGE_DOCUMENT_MAX + 1);
	struct image_index index;
	int r = archive_read(l->archive, "index.json", IMAGE_DOCUMENT_MAX, &text, err);

	if (r >= 0)
		r = image_index_parse(buf_str(&text), text.len, &index, err);
	if (r < 0)
		return r;
	r = load_top(l, &index, err);
	image_index_done(&index);
	return r;
}

/* Lists as they are shown and pushed. */
#include "engine/move/list.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "oci/model.h"
#include "store/lists.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Docker's list of Docker's images, else an OCI index; where the images are is nobody's business. */
static int finish_index(struct image_index *index, struct err *err)
{
	bool all_docker = index->manifests_len > 0;

	for (size_t i = 0; i < index->manifests_len; i++) {
		str_map_unset(&index->manifests[i].annotations, LIST_FROM);
		all_docker &= strcmp(index->manifests[i].media_type, MEDIA_DOCKER_MANIFEST) == 0;
	}
	free(index->media_type);
	index->media_type = strdup(all_docker ? MEDIA_DOCKER_LIST : MEDIA_OCI_INDEX);
	return index->media_type ? 0 : err_oom(err);
}

/* Changes INDEX. */
static int describe(struct image_index *index, struct document *ret, struct err *err)
{
	char *type;
	int r = finish_index(index, err);

	if (r >= 0)
		r = image_index_write(index, &ret->text, err);
	if (r < 0)
		return r;
	type = strdup(index->media_type);
	return type ? document_describe(ret, type, err) : err_oom(err);
}

static int read_list(struct engine *e, const char *name, struct image_index *ret, struct err *err)
{
	char full[REFERENCE_MAX + 256];
	struct reference ref;
	int r = reference_parse(name, &ref, err);

	if (r < 0)
		return r;
	reference_format(&ref, full);
	return list_read(e->store, full, ret, err);
}

int engine_list_document(struct engine *e, const char *name, struct document *ret, struct err *err)
{
	struct image_index index;
	int r = read_list(e, name, &index, err);

	if (r < 0)
		return r;
	r = describe(&index, ret, err);
	image_index_done(&index);
	return r;
}

/* --- pushing --- */

static int open_entry(struct engine *e, const struct descriptor *d, const struct remote_options *options,
		      struct source *ret, struct err *err)
{
	const char *from = str_map_get(&d->annotations, LIST_FROM);
	struct place autoplace place = { .index = -1 };
	int r;

	if (!from) {
		source_open_manifest(e, &d->digest, ret);
		return 0;
	}
	r = place_parse(from, &place, err);
	return r < 0 ? r : source_open(&place, options, e, ret, err);
}

static int push_entry(struct engine *e, struct dest *to, const struct copy_options *o, const struct descriptor *entry,
		      struct descriptor *ret, struct err *err)
{
	static const struct pull_events none = { 0 };
	autosource struct source s = { .fd = -1, .tmp = STORE_TMP_INIT };
	autodocument struct document doc = DOCUMENT_INIT;
	char digest[DIGEST_STR_MAX];
	int r = open_entry(e, entry, &o->from, &s, err);

	if (r >= 0)
		r = source_get(&s, &entry->digest, &doc, err);
	if (r >= 0)
		r = copy_image(&s, to, &doc, o->format, false, o->events ? o->events : &none, err);
	if (r >= 0)
		return descriptor_init(ret, doc.media_type, &doc.digest, doc.text.len, err);
	digest_format(&entry->digest, digest);
	return err_wrap(err, "%s", digest);
}

static int push_entries(struct engine *e, struct dest *to, const struct copy_options *o, struct image_index *index,
			struct digest *ret, struct err *err)
{
	size_t len = index->manifests_len, done = 0;
	autofree struct descriptor *instances = calloc(len ? len : 1, sizeof(*instances));
	autodocument struct document doc = DOCUMENT_INIT;
	int r = instances ? 0 : err_oom(err);

	for (; r >= 0 && done < len; done++)
		r = push_entry(e, to, o, &index->manifests[done], &instances[done], err);
	if (r >= 0)
		r = describe(index, &doc, err);
	if (r >= 0)
		r = document_convert_index(&doc, o->format, instances, len, err);
	for (size_t i = 0; instances && i < done; i++)
		descriptor_done(&instances[i]);
	if (r >= 0)
		r = dest_put(to, &doc, true, err);
	if (r >= 0)
		r = dest_finish(to, err);
	*ret = doc.digest;
	return r;
}

int engine_list_push(struct engine *e, const char *name, struct place *to, const struct copy_options *options,
		     struct digest *ret, struct err *err)
{
	struct dest autodest d = { .dir_fd = -1 };
	struct image_index index;
	int r = read_list(e, name, &index, err);

	if (r < 0)
		return r;
	if (index.manifests_len == 0) {
		r = err_set(err, EINVAL, "the list '%s' is empty", name);
		err_hint(err, "'cloche manifest add %s IMAGE'", name);
	}
	if (r >= 0)
		r = dest_open(to, &options->to, &d, err);
	if (r >= 0)
		r = push_entries(e, &d, options, &index, ret, err);
	image_index_done(&index);
	return r;
}

/* --- showing --- */

static int open_elsewhere(struct engine *e, const char *name, const struct remote_options *options, struct source *ret,
			  struct err *err)
{
	struct place autoplace place = { .index = -1 };
	autofree char *text = place_is_one(name) ? strdup(name) : str_format("docker://%s", name);
	int r = text ? place_parse(text, &place, err) : err_oom(err);

	return r < 0 ? r : source_open(&place, options, e, ret, err);
}

static int parse(const struct document *doc, json_t **ret, struct err *err)
{
	return json_parse(buf_str(&doc->text), doc->text.len, "manifest", ret, err);
}

/* docker manifest inspect -v, for one image. */
static int add_verbose(const char *name, const struct descriptor *d, const struct document *doc, json_t *rows,
		       struct err *err)
{
	autojson json_t *row = json_object(), *manifest = NULL;
	char digest[DIGEST_STR_MAX];
	autofree char *ref = NULL;
	const char *kind = strcmp(doc->media_type, MEDIA_DOCKER_MANIFEST) == 0 ? "SchemaV2Manifest" : "OCIManifest";

	if (parse(doc, &manifest, err) < 0)
		return -err->code;
	digest_format(&d->digest, digest);
	ref = str_format("%s@%s", name, digest);
	if (!row || !ref || json_add_string(row, "Ref", ref) < 0 ||
	    json_add(row, "Descriptor", descriptor_json(d)) < 0 || json_add(row, kind, TAKE_PTR(manifest)) < 0 ||
	    json_array_append(rows, row) < 0)
		return err_oom(err);
	return 0;
}

static int add_instances(struct source *s, const char *name, const struct document *list, json_t *rows, struct err *err)
{
	struct image_index index;
	int r = image_index_parse(buf_str(&list->text), list->text.len, &index, err);

	if (r < 0)
		return r;
	for (size_t i = 0; r >= 0 && i < index.manifests_len; i++) {
		autodocument struct document doc = DOCUMENT_INIT;

		r = source_get(s, &index.manifests[i].digest, &doc, err);
		if (r >= 0)
			r = add_verbose(name, &index.manifests[i], &doc, rows, err);
	}
	image_index_done(&index);
	return r;
}

static int show_verbose(struct source *s, const char *name, const struct document *doc, json_t **ret, struct err *err)
{
	autojson json_t *rows = json_array();
	struct descriptor d = { 0 };
	int r;

	if (!rows)
		return err_oom(err);
	if (media_kind(doc->media_type) == MEDIA_KIND_INDEX) {
		r = add_instances(s, name, doc, rows, err);
		if (r >= 0)
			*ret = TAKE_PTR(rows);
		return r;
	}
	r = descriptor_init(&d, doc->media_type, &doc->digest, doc->text.len, err);
	if (r >= 0)
		r = add_verbose(name, &d, doc, rows, err);
	descriptor_done(&d);
	if (r >= 0)
		*ret = json_incref(json_array_get(rows, 0));
	return r;
}

int engine_list_inspect(struct engine *e, const char *name, bool verbose, const struct remote_options *options,
			json_t **ret, struct err *err)
{
	autosource struct source s = { .fd = -1, .tmp = STORE_TMP_INIT };
	autodocument struct document doc = DOCUMENT_INIT;
	int r;

	if (!place_is_one(name) && engine_list_exists(e, name, NULL) > 0) {
		r = engine_list_document(e, name, &doc, err);
		return r < 0 ? r : parse(&doc, ret, err);
	}
	r = open_elsewhere(e, name, options, &s, err);
	if (r >= 0)
		r = source_get(&s, NULL, &doc, err);
	if (r < 0)
		return r;
	return verbose ? show_verbose(&s, name, &doc, ret, err) : parse(&doc, ret, err);
}

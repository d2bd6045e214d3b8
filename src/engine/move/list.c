#include "engine/move/list.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "engine/move/into_store.h"
#include "store/blob.h"
#include "store/gc.h"
#include "store/image.h"
#include "store/lists.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* "domain/path:tag" of a list. */
static int full_name(const char *name, char dst[static REFERENCE_MAX + 256], struct err *err)
{
	struct reference ref;
	int r = reference_parse(name, &ref, err);

	if (r >= 0 && (ref.has_digest || !ref.tag[0]))
		r = err_set(err, EINVAL, "a list has a name and a tag, not a digest: '%s'", name);
	if (r >= 0)
		reference_format(&ref, dst);
	return r;
}

int engine_list_create(struct engine *e, const char *name, bool amend, struct err *err)
{
	struct image_index index = { 0 };
	char full[REFERENCE_MAX + 256];
	autoclose int lock = -1;
	int r = full_name(name, full, err);

	if (r < 0)
		return r;
	lock = lists_lock(e->store, err);
	if (lock < 0)
		return lock;
	if (list_exists(e->store, full)) {
		if (amend)
			return 0;
		err_set(err, EEXIST, "there is a list '%s' already", name);
		return err_hint(err, "--amend adds to it, 'cloche manifest rm' removes it");
	}
	index.media_type = strdup(MEDIA_OCI_INDEX);
	r = index.media_type ? list_write(e->store, full, &index, err) : err_oom(err);
	image_index_done(&index);
	return r;
}

int engine_list_delete(struct engine *e, const char *name, struct err *err)
{
	char full[REFERENCE_MAX + 256];
	autoclose int lock = -1;
	int r = full_name(name, full, err);

	if (r >= 0)
		r = lock = lists_lock(e->store, err);
	if (r >= 0)
		r = list_delete(e->store, full, err);
	if (r >= 0)
		gc_leave_word(e->store);
	return r;
}

int engine_list_exists(struct engine *e, const char *name, struct err *err)
{
	char full[REFERENCE_MAX + 256];
	int r = full_name(name, full, err);

	return r < 0 ? r : list_exists(e->store, full);
}

/* --- entries --- */

static int set_text(char **dst, const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	if (text && !copy)
		return -ENOMEM;
	if (text) {
		free(*dst);
		*dst = copy;
	}
	return 0;
}

static int set_list(struct strv *dst, const struct strv *words)
{
	if (!words || words->len == 0)
		return 0;
	strv_done(dst);
	return strv_add_all(dst, words);
}

static int annotate(struct descriptor *d, const struct list_words *w, struct err *err)
{
	struct platform *p = &d->platform;

	if (set_text(&p->os, w->os) < 0 || set_text(&p->architecture, w->architecture) < 0 ||
	    set_text(&p->variant, w->variant) < 0 || set_text(&p->os_version, w->os_version) < 0 ||
	    set_list(&p->os_features, w->os_features) < 0 || set_list(&p->features, w->features) < 0)
		return err_oom(err);
	for (size_t i = 0; w->annotations && i < w->annotations->len; i++) {
		const char *text = w->annotations->items[i], *equals = strchr(text, '=');
		autofree char *key = equals ? strndup(text, (size_t)(equals - text)) : NULL;

		if (!equals || equals == text)
			return err_set(err, EINVAL, "--annotation takes KEY=VALUE, not '%.100s'", text);
		if (!key)
			return err_oom(err);
		if (strcmp(key, LIST_FROM) == 0)
			return err_set(err, EINVAL, "the annotation %s is kept for Cloche itself", LIST_FROM);
		if (str_map_set(&d->annotations, key, equals + 1) < 0)
			return err_oom(err);
	}
	return 0;
}

/* Replaces what has the same digest. */
static int add_entry(struct image_index *index, const struct descriptor *d, struct err *err)
{
	for (size_t i = 0; i < index->manifests_len; i++) {
		struct descriptor copy;

		if (!digest_equal(&index->manifests[i].digest, &d->digest))
			continue;
		if (descriptor_copy(&copy, d, err) < 0)
			return -ENOMEM;
		descriptor_done(&index->manifests[i]);
		index->manifests[i] = copy;
		return 0;
	}
	if (index->manifests_len >= LIST_ENTRIES_MAX)
		return err_set(err, E2BIG, "a list has at most %d images", LIST_ENTRIES_MAX);
	return image_index_add(index, d, err);
}

/* The image's own words for its platform. */
static int read_platform(struct source *s, const struct document *doc, struct platform *ret, struct err *err)
{
	autobuf struct buf text = BUF_INIT(IMAGE_DOCUMENT_MAX + 1);
	struct image_manifest m;
	struct image_config c;
	int r = image_manifest_parse(buf_str(&doc->text), doc->text.len, &m, err);

	if (r < 0)
		return r;
	r = source_get_small(s, &m.config, &text, err);
	image_manifest_done(&m);
	if (r >= 0)
		r = image_config_parse(buf_str(&text), text.len, &c, err);
	if (r < 0)
		return r;
	if (set_text(&ret->os, c.os) < 0 || set_text(&ret->architecture, c.architecture) < 0 ||
	    set_text(&ret->variant, c.variant) < 0 || set_text(&ret->os_version, c.os_version) < 0)
		r = err_oom(err);
	image_config_done(&c);
	return r;
}

/* Where the image will be fetched from; what isn't in a registry comes to the store now. */
static int secure(struct engine *e, struct source *s, const struct document *doc, struct descriptor *d, struct err *err)
{
	static const struct pull_events none = { 0 };
	autofree char *from = NULL;
	char digest[DIGEST_STR_MAX];

	if (s->place.kind != PLACE_DOCKER)
		return move_into_store(e, s, doc, &none, err);
	digest_format(&doc->digest, digest);
	from = str_format("docker://%s@%s", s->remote.ref.name, digest);
	return from && str_map_set(&d->annotations, LIST_FROM, from) >= 0 ? 0 : err_oom(err);
}

/* FROM: what a list said of it; NULL: nothing did. */
static int add_document(struct engine *e, struct source *s, const struct document *doc, const struct descriptor *from,
			const struct list_words *words, struct image_index *index, struct err *err)
{
	struct descriptor d = { 0 };
	int r = from ? descriptor_copy(&d, from, err)
		     : descriptor_init(&d, doc->media_type, &doc->digest, doc->text.len, err);

	if (r >= 0 && !d.platform.architecture)
		r = read_platform(s, doc, &d.platform, err);
	if (r >= 0)
		r = annotate(&d, words, err);
	if (r >= 0)
		r = secure(e, s, doc, &d, err);
	if (r >= 0)
		r = add_entry(index, &d, err);
	descriptor_done(&d);
	return r;
}

static int add_all(struct engine *e, struct source *s, const struct document *list, const struct list_words *words,
		   struct image_index *index, struct err *err)
{
	struct image_index there;
	int r = image_index_parse(buf_str(&list->text), list->text.len, &there, err);

	if (r < 0)
		return r;
	for (size_t i = 0; r >= 0 && i < there.manifests_len; i++) {
		autodocument struct document doc = DOCUMENT_INIT;

		if (media_kind(there.manifests[i].media_type) != MEDIA_KIND_MANIFEST)
			continue;
		r = source_get(s, &there.manifests[i].digest, &doc, err);
		if (r >= 0)
			r = add_document(e, s, &doc, &there.manifests[i], words, index, err);
	}
	image_index_done(&there);
	return r;
}

/* --- whose image --- */

static int open_image(struct engine *e, const char *image, const struct remote_options *options, struct source *ret,
		      struct err *err)
{
	struct place autoplace place = { .index = -1 };
	autofree char *text = NULL;
	struct digest found;

	if (place_is_one(image))
		text = strdup(image);
	else if (store_resolve(e->store, image, &found, NULL, NULL) >= 0)
		text = str_format("store:%s", image);
	else
		text = str_format("docker://%s", image);
	if (!text)
		return err_oom(err);
	if (place_parse(text, &place, err) < 0)
		return -err->code;
	return source_open(&place, options, e, ret, err);
}

/* What is new goes into the list as it is by then. */
static int merge(struct engine *e, const char *full, const struct image_index *more, struct err *err)
{
	autoclose int lock = lists_lock(e->store, err);
	struct image_index index;
	int r = lock < 0 ? lock : list_read(e->store, full, &index, err);

	if (r < 0)
		return r;
	for (size_t i = 0; r >= 0 && i < more->manifests_len; i++)
		r = add_entry(&index, &more->manifests[i], err);
	if (r >= 0)
		r = list_write(e->store, full, &index, err);
	image_index_done(&index);
	return r;
}

int engine_list_add(struct engine *e, const char *name, const char *image, bool all, const struct list_words *words,
		    const struct remote_options *options, struct err *err)
{
	autosource struct source s = { .fd = -1, .tmp = STORE_TMP_INIT };
	autodocument struct document doc = DOCUMENT_INIT;
	struct image_index more = { 0 };
	struct wanted_platform platform;
	char full[REFERENCE_MAX + 256];
	int r = full_name(name, full, err);

	if (r >= 0 && !list_exists(e->store, full))
		r = list_read(e->store, full, &more, err);
	if (r >= 0)
		r = platform_parse(NULL, &platform, err);
	if (r >= 0)
		r = open_image(e, image, options, &s, err);
	if (r >= 0)
		r = source_get(&s, NULL, &doc, err);
	if (r < 0)
		return r;
	if (all && media_kind(doc.media_type) == MEDIA_KIND_INDEX) {
		r = add_all(e, &s, &doc, words, &more, err);
	} else {
		r = copy_choose(&s, &platform, &doc, err);
		if (r >= 0)
			r = add_document(e, &s, &doc, NULL, words, &more, err);
	}
	if (r >= 0)
		r = merge(e, full, &more, err);
	image_index_done(&more);
	return r;
}

/* --- changing what is there --- */

static int find_digest(struct engine *e, const char *entry, const struct remote_options *options, struct digest *ret,
		       struct err *err)
{
	autosource struct source s = { .fd = -1, .tmp = STORE_TMP_INIT };
	autodocument struct document doc = DOCUMENT_INIT;
	struct wanted_platform platform;
	int r;

	if (digest_parse(entry, ret, NULL) >= 0)
		return 0;
	r = platform_parse(NULL, &platform, err);
	if (r >= 0)
		r = open_image(e, entry, options, &s, err);
	if (r >= 0)
		r = source_get(&s, NULL, &doc, err);
	if (r >= 0)
		r = copy_choose(&s, &platform, &doc, err);
	*ret = doc.digest;
	return r;
}

static struct descriptor *find_entry(struct image_index *index, const struct digest *digest)
{
	for (size_t i = 0; i < index->manifests_len; i++)
		if (digest_equal(&index->manifests[i].digest, digest))
			return &index->manifests[i];
	return NULL;
}

/* WORDS NULL: the entry goes. */
static int change_entry(struct engine *e, const char *name, const struct digest *digest, const struct list_words *words,
			struct err *err)
{
	char full[REFERENCE_MAX + 256], text[DIGEST_STR_MAX];
	struct descriptor *found;
	struct image_index index;
	autoclose int lock = -1;
	int r = full_name(name, full, err);

	if (r >= 0)
		r = lock = lists_lock(e->store, err);
	if (r >= 0)
		r = list_read(e->store, full, &index, err);
	if (r < 0)
		return r;
	found = find_entry(&index, digest);
	digest_format(digest, text);
	if (!found) {
		r = err_set(err, ENOENT, "the list '%s' has no entry %s", name, text);
	} else if (words) {
		r = annotate(found, words, err);
	} else {
		descriptor_done(found);
		index.manifests_len--;
		memmove(found, found + 1, (size_t)(index.manifests + index.manifests_len - found) * sizeof(*found));
	}
	if (r >= 0)
		r = list_write(e->store, full, &index, err);
	image_index_done(&index);
	return r;
}

int engine_list_annotate(struct engine *e, const char *name, const char *entry, const struct list_words *words,
			 const struct remote_options *options, struct err *err)
{
	struct digest digest;
	int r = find_digest(e, entry, options, &digest, err);

	return r < 0 ? r : change_entry(e, name, &digest, words, err);
}

int engine_list_remove_entry(struct engine *e, const char *name, const char *digest, struct err *err)
{
	struct digest d;
	int r = digest_parse(digest, &d, err);

	if (r >= 0)
		r = change_entry(e, name, &d, NULL, err);
	if (r >= 0)
		gc_leave_word(e->store);
	return r;
}

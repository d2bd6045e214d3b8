#include "engine/move/copy.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "engine/image/save.h"
#include "engine/move/into_store.h"
#include "store/blob.h"
#include "store/gc.h"
#include "store/ref.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- the blobs of one image: several at once on both sides --- */

enum { WINDOW = REGISTRY_TRANSFERS_MAX };

struct moving {
	const struct descriptor *descriptor;
	struct source_blob from;
	struct dest_blob to;
	bool is_needed;
};

struct blobs {
	struct source *s;
	struct dest *d;
	const struct pull_events *events;
	const char *mount_from;
	struct moving *items;
	size_t len, started, written; /* the last one is the configuration */
};

/* A repository of the destination's registry that has the blobs. */
static const char *mount_from(const struct source *s, const struct dest *d)
{
	bool same = s->place.kind == PLACE_DOCKER && d->place.kind == PLACE_DOCKER &&
		    strcmp(s->remote.host, d->remote.host) == 0;

	return same ? s->remote.repo : NULL;
}

static int start_one(struct blobs *b, struct err *err)
{
	struct moving *m = &b->items[b->started];
	int r = dest_has_blob(b->d, m->descriptor, b->mount_from, err);

	if (r == 0)
		r = source_start_blob(b->s, m->descriptor, &m->from, err);
	m->is_needed = m->from.fd >= 0;
	if (m->is_needed && m->from.is_under_way && b->started < b->len - 1 && b->events->on_layer)
		b->events->on_layer(m->from.transfer, b->started, m->descriptor->size, b->events->arg);
	b->started++;
	return r;
}

static int write_one(struct blobs *b, struct moving *m, size_t index, struct err *err)
{
	int r = source_wait_blob(b->s, &m->from, err);

	if (r >= 0)
		r = dest_start_blob(b->d, m->descriptor, m->from.fd, &m->to, err);
	if (r >= 0 && m->to.is_under_way && !b->s->remote.registry && index < b->len - 1 && b->events->on_layer)
		b->events->on_layer(m->to.transfer, index, m->descriptor->size, b->events->arg);
	/* The helper has a descriptor of its own. */
	source_blob_done(&m->from);
	return r;
}

static int finish_to(struct blobs *b, size_t end, struct err *err)
{
	int r = 0;

	for (; r >= 0 && b->written < end; b->written++)
		if (b->items[b->written].is_needed)
			r = dest_wait_blob(b->d, &b->items[b->written].to, err);
	return r;
}

static int move_all(struct blobs *b, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < b->len; i++) {
		while (r >= 0 && b->started < b->len && b->started < i + WINDOW)
			r = start_one(b, err);
		if (r >= 0 && b->items[i].is_needed)
			r = write_one(b, &b->items[i], i, err);
		if (r >= 0 && i >= WINDOW)
			r = finish_to(b, i - WINDOW + 1, err);
	}
	return r < 0 ? r : finish_to(b, b->len, err);
}

static int move_blobs(struct source *s, struct dest *d, const struct image_manifest *m,
		      const struct pull_events *events, struct err *err)
{
	struct blobs b = { .s = s, .d = d, .events = events, .mount_from = mount_from(s, d), .len = m->layers_len + 1 };
	int r;

	b.items = calloc(b.len, sizeof(*b.items));
	if (!b.items)
		return err_oom(err);
	for (size_t i = 0; i < b.len; i++) {
		b.items[i].descriptor = i < m->layers_len ? &m->layers[i] : &m->config;
		b.items[i].from.fd = -1;
	}
	r = move_all(&b, err);
	for (size_t i = 0; i < b.len; i++)
		source_blob_done(&b.items[i].from);
	free(b.items);
	return r;
}

int copy_image(struct source *s, struct dest *d, struct document *doc, enum move_format format, bool is_top,
	       const struct pull_events *events, struct err *err)
{
	struct image_manifest m;
	int r = image_manifest_parse_any(buf_str(&doc->text), doc->text.len, &m, err);

	if (r < 0)
		return r;
	if (events->on_image)
		events->on_image(&m, events->arg);
	r = move_blobs(s, d, &m, events, err);
	image_manifest_done(&m);
	if (r >= 0)
		r = document_convert(doc, format, err);
	return r < 0 ? r : dest_put(d, doc, is_top, err);
}

/* --- lists --- */

struct copying {
	struct source *s;
	struct dest *d;
	const struct copy_options *o;
	const struct pull_events *events;
};

static int copy_any(struct copying *c, struct document *doc, bool is_top, int depth, struct err *err);

static int copy_instance(struct copying *c, const struct descriptor *from, int depth, struct descriptor *ret,
			 struct err *err)
{
	autodocument struct document doc = DOCUMENT_INIT;
	char digest[DIGEST_STR_MAX];
	int r = source_get(c->s, &from->digest, &doc, err);

	if (r >= 0)
		r = copy_any(c, &doc, false, depth + 1, err);
	if (r < 0) {
		digest_format(&from->digest, digest);
		return err_wrap(err, "%s", digest);
	}
	return descriptor_init(ret, doc.media_type, &doc.digest, doc.text.len, err);
}

static int copy_instances(struct copying *c, struct document *doc, const struct image_index *index, int depth,
			  struct err *err)
{
	size_t len = index->manifests_len, done = 0;
	autofree struct descriptor *instances = calloc(len ? len : 1, sizeof(*instances));
	int r = instances ? 0 : err_oom(err);

	for (; r >= 0 && done < len; done++)
		r = copy_instance(c, &index->manifests[done], depth, &instances[done], err);
	if (r >= 0)
		r = document_convert_index(doc, c->o->format, instances, len, err);
	for (size_t i = 0; instances && i < done; i++)
		descriptor_done(&instances[i]);
	return r;
}

static int copy_any(struct copying *c, struct document *doc, bool is_top, int depth, struct err *err)
{
	struct image_index index;
	int r;

	if (media_kind(doc->media_type) != MEDIA_KIND_INDEX)
		return copy_image(c->s, c->d, doc, c->o->format, is_top, c->events, err);
	if (depth >= COPY_DEPTH_MAX)
		return err_set(err, E2BIG, "indexes lead to indexes more than %d deep", COPY_DEPTH_MAX);
	r = image_index_parse(buf_str(&doc->text), doc->text.len, &index, err);
	if (r < 0)
		return r;
	if (index.manifests_len > COPY_INSTANCES_MAX)
		r = err_set(err, E2BIG, "the list has %zu images, over the limit of %d", index.manifests_len,
			    COPY_INSTANCES_MAX);
	if (r >= 0)
		r = copy_instances(c, doc, &index, depth, err);
	image_index_done(&index);
	return r < 0 ? r : dest_put(c->d, doc, is_top, err);
}

int copy_choose(struct source *s, const struct wanted_platform *platform, struct document *doc, struct err *err)
{
	int r = 0;

	for (int depth = 0; r >= 0 && media_kind(doc->media_type) == MEDIA_KIND_INDEX; depth++) {
		const struct descriptor *chosen;
		struct image_index index;
		struct digest digest;

		if (depth >= COPY_DEPTH_MAX)
			return err_set(err, E2BIG, "indexes lead to indexes more than %d deep", COPY_DEPTH_MAX);
		r = image_index_parse(buf_str(&doc->text), doc->text.len, &index, err);
		if (r < 0)
			return r;
		chosen = platform_choose(platform, &index, err);
		if (chosen)
			digest = chosen->digest;
		image_index_done(&index);
		if (!chosen)
			return -ENOENT;
		document_done(doc);
		r = source_get(s, &digest, doc, err);
	}
	return r;
}

/* --- into our store, and through it --- */

static int name_in_store(struct engine *e, const char *name, const struct digest *manifest, struct err *err)
{
	struct reference ref;
	int r = reference_parse(name, &ref, err);

	if (r < 0)
		return r;
	return ref.tag[0] ? ref_set(e->store, &ref, manifest, "copy", err) : ref_set_untagged(e->store, manifest, err);
}

static int save_as_archive(struct engine *e, const struct place *to, const struct digest *manifest, struct err *err)
{
	autofree char *aside = str_format("%s.%d.part", to->path, getpid());
	autoclose int fd = -1;
	int r;

	if (!aside)
		return err_oom(err);
	fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_errno(err, errno, "create '%s'", aside);
	r = engine_save_manifest(e, manifest, to->name, SAVE_DOCKER_ARCHIVE, fd, err);
	if (r >= 0 && rename(aside, to->path) < 0)
		r = err_errno(err, errno, "rename to '%s'", to->path);
	if (r < 0)
		unlink(aside);
	return r;
}

static int copy_through_store(struct engine *e, struct source *s, const struct place *to, struct document *doc,
			      const struct copy_options *o, struct err *err)
{
	static const struct pull_events none = { 0 };
	int r;

	if (o->all && media_kind(doc->media_type) == MEDIA_KIND_INDEX)
		return err_set(err, EOPNOTSUPP, "%s has no lists: without --all it gets the image for one platform",
			       place_prefix(to->kind));
	r = document_convert(doc, o->format, err);
	if (r >= 0)
		r = move_into_store(e, s, doc, o->events ? o->events : &none, err);
	if (r < 0)
		return r;
	if (to->kind == PLACE_STORE)
		return name_in_store(e, to->name, &doc->digest, err);
	r = save_as_archive(e, to, &doc->digest, err);
	gc_leave_word(e->store);
	return r;
}

/* --- all of it --- */

static int copy_to(struct source *s, struct place *to, const struct copy_options *o, struct document *doc,
		   struct copy_result *ret, struct err *err)
{
	static const struct pull_events none = { 0 };
	struct dest autodest d = { .dir_fd = -1 };
	struct copying c = { .s = s, .d = &d, .o = o, .events = o->events ? o->events : &none };
	int r = dest_open(to, &o->to, &d, err);

	if (r < 0)
		return r;
	ret->was_there = o->format == FORMAT_AS_IT_IS && dest_is_unchanged(&d, &doc->digest) > 0;
	if (ret->was_there)
		return 0;
	r = copy_any(&c, doc, true, 0, err);
	return r < 0 ? r : dest_finish(&d, err);
}

int engine_copy(struct engine *e, const struct copy_options *options, struct place *from, struct place *to,
		struct copy_result *ret, struct err *err)
{
	autosource struct source s = { .fd = -1, .tmp = STORE_TMP_INIT };
	autodocument struct document doc = DOCUMENT_INIT;
	struct wanted_platform platform;
	int r = platform_parse(options->platform, &platform, err);

	if (r >= 0)
		r = source_open(from, &options->from, e, &s, err);
	if (r >= 0)
		r = source_get(&s, NULL, &doc, err);
	if (r >= 0 && !options->all)
		r = copy_choose(&s, &platform, &doc, err);
	if (r < 0)
		return r;
	*ret = (struct copy_result){ 0 };
	r = place_needs_store(to->kind, true) ? copy_through_store(e, &s, to, &doc, options, err)
					      : copy_to(&s, to, options, &doc, ret, err);
	ret->digest = doc.digest;
	return r;
}

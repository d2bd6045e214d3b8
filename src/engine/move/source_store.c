/* Our own store; and what `docker save` writes, which is brought there first, since its layers have no digests. */
#include "engine/move/source.h"

#include "base/cleanup.h"
#include "codec/reference.h"
#include "engine/image/load_impl.h"
#include "store/blob.h"
#include "store/gc.h"
#include "store/image.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static int get(struct source *s, const struct digest *instance, struct document *ret, struct err *err)
{
	int r = blob_read(s->engine->store, instance ? instance : &s->top, &ret->text, err);

	return r < 0 ? r : document_describe(ret, NULL, err);
}

static int start(struct source *s, const struct descriptor *d, struct source_blob *ret, struct err *err)
{
	/* A blob of the store was verified before it got its name. */
	ret->is_trusted = true;
	ret->fd = blob_open(s->engine->store, &d->digest, NULL, err);
	return ret->fd < 0 ? ret->fd : 0;
}

static const struct source_ops store_ops = { get, start };

void source_open_manifest(struct engine *e, const struct digest *manifest, struct source *ret)
{
	*ret = (struct source){ .ops = &store_ops,
				.place = { .kind = PLACE_STORE, .index = -1 },
				.engine = e,
				.fd = -1,
				.tmp = STORE_TMP_INIT,
				.top = *manifest };
	ret->archive = (struct archive){ .fd = -1, .dir_fd = -1 };
}

/* --- docker-archive --- */

static bool has_name(const struct load_result *r, const char *name)
{
	struct reference ref;
	char full[REFERENCE_MAX + 256];

	if (reference_parse(name, &ref, NULL) < 0)
		return false;
	reference_format(&ref, full);
	return strv_contains(&r->names, full);
}

static int choose(struct source *s, const struct load_results *results, struct err *err)
{
	const struct load_result *found = NULL;

	if (!s->place.name && s->place.index < 0 && results->len == 1)
		found = &results->items[0];
	else if (s->place.index >= 0 && (size_t)s->place.index < results->len)
		found = &results->items[s->place.index];
	for (size_t i = 0; s->place.name && i < results->len; i++)
		if (has_name(&results->items[i], s->place.name))
			found = &results->items[i];
	if (found) {
		s->top = found->manifest;
		return 0;
	}
	if (s->place.name)
		return err_set(err, ENOENT, "there is no image '%s' in it", s->place.name);
	err_set(err, s->place.index < 0 ? EINVAL : ENOENT, "it has %zu images", results->len);
	return err_hint(err, "say which: docker-archive:%s:NAME, or docker-archive:%s:@0 for the first", s->place.path,
			s->place.path);
}

static int load(struct source *s, struct err *err)
{
	struct load_results results = { 0 };
	struct loader l = { .engine = s->engine, .tmp = &s->tmp, .archive = &s->archive, .results = &results };
	int r = archive_open(&s->tmp, s->fd, &s->archive, err);

	if (r >= 0 && archive_has(&s->archive, "manifest.json"))
		r = load_docker(&l, err);
	else if (r >= 0 && archive_has(&s->archive, "repositories"))
		r = load_docker_old(&l, err);
	else if (r >= 0)
		r = err_set(err, EBADMSG, "there is neither manifest.json nor repositories in it");
	if (r >= 0)
		r = choose(s, &results, err);
	load_results_done(&results);
	return r;
}

static int open_archive(struct source *s, struct err *err)
{
	int r;

	s->fd = open(s->place.path, O_RDONLY | O_CLOEXEC);
	if (s->fd < 0)
		return err_errno(err, errno, "open '%s'", s->place.path);
	r = store_tmp_open(s->engine->store, &s->tmp, err);
	if (r >= 0)
		r = load(s, err);
	/* Nothing names what was loaded: the next collection takes it. */
	gc_leave_word(s->engine->store);
	return r < 0 ? err_wrap(err, "'%s'", s->place.path) : 0;
}

int source_open_store(struct source *s, struct err *err)
{
	s->ops = &store_ops;
	return s->place.kind == PLACE_STORE ? store_resolve(s->engine->store, s->place.name, &s->top, NULL, err)
					    : open_archive(s, err);
}

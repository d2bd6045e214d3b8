#include "engine/image/push.h"

#include "base/cleanup.h"
#include "store/blob.h"
#include "store/image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct pushing {
	struct engine *engine;
	struct remote remote;
	const struct pull_events *events;
	struct store_image image;
	struct buf text; /* the manifest, as the store has it */
};

static void pushing_done(struct pushing *p)
{
	remote_done(&p->remote);
	store_image_done(&p->image);
	buf_done(&p->text);
}

/* The registry has this very manifest under this very tag: then it has all that it leads to. One request. */
static int is_unchanged(struct pushing *p, const char *ref)
{
	struct registry_manifest m;

	return registry_get_manifest(p->remote.registry, p->remote.repo, ref, NULL, &m, NULL) >= 0 &&
	       digest_equal(&m.digest, &p->image.manifest_digest);
}

/* 1: on its way as *RET; 0: the registry has it. */
static int start_blob(struct pushing *p, const struct descriptor *d, uint64_t *ret, struct err *err)
{
	autoclose int fd = -1;
	uint64_t size;
	int r = registry_has_blob(p->remote.registry, p->remote.repo, &d->digest, err);

	if (r != 0)
		return r < 0 ? r : 0;
	fd = blob_open(p->engine->store, &d->digest, &size, err);
	if (fd < 0)
		return fd;
	if (size != d->size)
		return err_set(err, EBADMSG, "the store's blob has %llu bytes, the manifest says %llu",
			       (unsigned long long)size, (unsigned long long)d->size);
	r = registry_start_put(p->remote.registry, p->remote.repo, NULL, &d->digest, size, fd, ret, err);
	return r < 0 ? r : 1;
}

static int push_layers(struct pushing *p, struct err *err)
{
	const struct image_manifest *m = &p->image.manifest;
	size_t len = m->layers_len, started = 0;
	autofree uint64_t *transfers = calloc(len ? len : 1, sizeof(*transfers));
	int r = transfers ? 0 : err_oom(err);

	for (size_t i = 0; r >= 0 && i < len; i++) {
		for (; r >= 0 && started < len && started < i + REGISTRY_TRANSFERS_MAX; started++) {
			r = start_blob(p, &m->layers[started], &transfers[started], err);
			if (r > 0 && p->events->on_layer)
				p->events->on_layer(transfers[started], started, m->layers[started].size,
						    p->events->arg);
		}
		if (r >= 0 && transfers[i])
			r = registry_wait(p->remote.registry, transfers[i], err);
		if (r < 0)
			return err_wrap(err, "layer %zu of %zu", i + 1, len);
	}
	return r < 0 ? r : 0;
}

static int push_config(struct pushing *p, struct err *err)
{
	uint64_t transfer;
	int r = start_blob(p, &p->image.manifest.config, &transfer, err);

	if (r > 0)
		r = registry_wait(p->remote.registry, transfer, err);
	return r < 0 ? err_wrap(err, "configuration") : 0;
}

static int push(struct pushing *p, struct push_result *ret, struct err *err)
{
	char ref[REMOTE_TAG_MAX];
	int r;

	remote_tag(&p->remote, ref);
	if (p->remote.ref.has_digest)
		return err_set(err, EINVAL, "an image is pushed to a tag, not to a digest");
	ret->was_there = is_unchanged(p, ref);
	if (ret->was_there)
		return 0;
	if (p->events->on_image)
		p->events->on_image(&p->image.manifest, p->events->arg);
	r = push_layers(p, err);
	if (r >= 0)
		r = push_config(p, err);
	if (r < 0)
		return r;
	return registry_put_manifest(p->remote.registry, p->remote.repo, ref, p->image.manifest.media_type,
				     buf_str(&p->text), p->text.len, NULL, err);
}

int engine_push(struct engine *e, const struct remote_options *options, const char *image, const char *dest,
		const struct pull_events *events, struct push_result *ret, struct err *err)
{
	static const struct pull_events none = { 0 };
	struct pushing p = { .engine = e, .events = events ? events : &none, .text = BUF_INIT(IMAGE_DOCUMENT_MAX + 1) };
	struct push_result result = { 0 };
	int r = store_image_open(e->store, image, &p.image, err);

	if (r < 0)
		return r;
	if (!dest && !p.image.name)
		r = err_set(err, EINVAL, "'%s' has no name: say as what it is to be pushed", image);
	if (r >= 0)
		r = blob_read(e->store, &p.image.manifest_digest, &p.text, err);
	if (r >= 0)
		r = remote_open(options, dest ? dest : p.image.name, REMOTE_ITSELF, &p.remote, err);
	if (r >= 0)
		r = push(&p, &result, err);
	if (r >= 0) {
		reference_format(&p.remote.ref, result.name);
		result.manifest = p.image.manifest_digest;
		*ret = result;
	}
	pushing_done(&p);
	return r;
}

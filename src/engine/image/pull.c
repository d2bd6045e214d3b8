#include "engine/image/pull.h"

#include "base/cleanup.h"
#include "engine/image/load_impl.h"
#include "engine/image/pull_impl.h"
#include "engine/image/pulled.h"
#include "store/blob.h"
#include "store/image.h"
#include "store/ref.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { INDEX_DEPTH_MAX = 4 };

void pulling_done(struct pulling *p)
{
	remote_done(&p->remote);
	buf_done(&p->text);
	image_manifest_done(&p->manifest);
}

/* --- the manifest --- */

static int choose(struct pulling *p, char ref[static REMOTE_TAG_MAX], struct err *err)
{
	const struct descriptor *chosen;
	struct image_index index;
	int r = image_index_parse(buf_str(&p->text), p->text.len, &index, err);

	if (r < 0)
		return r;
	chosen = platform_choose(&p->platform, &index, err);
	if (chosen)
		digest_format(&chosen->digest, ref);
	else
		r = -ENOENT;
	image_index_done(&index);
	return r;
}

/* Follows indexes from REF on; each is its own document, with its digest checked. */
static int follow_manifest(struct pulling *p, char ref[static REMOTE_TAG_MAX], struct err *err)
{
	struct registry_manifest m;

	for (int depth = 0; depth <= INDEX_DEPTH_MAX; depth++) {
		int r;

		buf_reset(&p->text);
		r = registry_get_manifest(p->remote.registry, p->remote.repo, ref, &p->text, &m, err);
		if (r < 0)
			return r;
		if (depth == 0)
			p->result.remote = m.digest;
		if (media_kind(m.media_type) != MEDIA_KIND_INDEX) {
			p->result.manifest = m.digest;
			return image_manifest_parse(buf_str(&p->text), p->text.len, &p->manifest, err);
		}
		r = choose(p, ref, err);
		if (r < 0)
			return r;
	}
	return err_set(err, E2BIG, "indexes lead to indexes more than %d deep", INDEX_DEPTH_MAX);
}

int pulling_get_manifest(struct pulling *p, struct err *err)
{
	char ref[REMOTE_TAG_MAX];

	remote_tag(&p->remote, ref);
	return follow_manifest(p, ref, err);
}

/* --- what the store has already --- */

/* What the tag leads to in the registry, if that is what it was when the store's image was brought: one request. */
static int is_unchanged(struct pulling *p, const char *ref, struct err *err)
{
	struct registry_manifest m;
	struct pulled before;
	struct digest manifest;
	int r;

	if (pulled_read(p->engine->store, p->result.name, &before) <= 0 ||
	    strcmp(before.architecture, p->platform.architecture) != 0)
		return 0;
	if (ref_get(p->engine->store, p->result.name, &manifest, NULL) < 0 ||
	    !digest_equal(&manifest, &before.manifest))
		return 0;
	r = registry_get_manifest(p->remote.registry, p->remote.repo, ref, NULL, &m, err);
	if (r < 0)
		return r;
	if (!digest_equal(&m.digest, &before.remote) || !store_manifest_id(p->engine->store, &manifest, &p->result.id))
		return 0;
	p->result.remote = before.remote;
	p->result.manifest = manifest;
	p->result.was_there = true;
	return 1;
}

/* --- layers --- */

static int bring_layers(struct pulling *p, struct store_tmp *tmp, const struct image_config *config, struct err *err)
{
	struct loader l = {
		.engine = p->engine,
		.tmp = tmp,
		.registry = p->remote.registry,
		.repo = p->remote.repo,
		.on_transfer = p->events->on_layer,
		.on_transfer_arg = p->events->arg,
	};

	if (p->events->on_image)
		p->events->on_image(&p->manifest, p->events->arg);
	return load_bring_image(&l, &p->manifest, config, err);
}

int pulling_get_config(struct pulling *p, struct buf *text, struct image_config *ret, struct err *err)
{
	int r = registry_get_document(p->remote.registry, p->remote.repo, &p->manifest.config.digest,
				      p->manifest.config.size, text, err);

	return r < 0 ? r : image_config_parse(buf_str(text), text->len, ret, err);
}

int pulling_bring(struct pulling *p, struct store_tmp *tmp, struct err *err)
{
	struct buf autobuf text = BUF_INIT(IMAGE_DOCUMENT_MAX + 1);
	struct image_config config;
	int r = pulling_get_config(p, &text, &config, err);

	if (r < 0)
		return r;
	r = bring_layers(p, tmp, &config, err);
	image_config_done(&config);
	if (r >= 0)
		r = blob_put(p->engine->store, buf_str(&text), text.len, &p->result.id, err);
	if (r >= 0)
		r = blob_put(p->engine->store, buf_str(&p->text), p->text.len, &p->result.manifest, err);
	return r;
}

/* --- names --- */

/* By digest there is no tag to name it by. */
int pulling_name(struct pulling *p, struct err *err)
{
	struct pulled now = { .remote = p->result.remote, .manifest = p->result.manifest };
	int r;

	if (!p->remote.ref.tag[0])
		return ref_set_untagged(p->engine->store, &p->result.manifest, err);
	r = ref_set(p->engine->store, &p->remote.ref, &p->result.manifest, "pull", err);
	if (r < 0)
		return r;
	snprintf(now.architecture, sizeof(now.architecture), "%s", p->platform.architecture);
	/* Without it the next pull makes two requests more. */
	(void)pulled_write(p->engine->store, p->result.name, &now);
	return 0;
}

static int pull(struct pulling *p, struct err *err)
{
	struct store_tmp autotmp tmp = STORE_TMP_INIT;
	char ref[REMOTE_TAG_MAX];
	int r;

	remote_tag(&p->remote, ref);
	r = is_unchanged(p, ref, err);
	if (r != 0)
		return r < 0 ? r : 0;
	r = follow_manifest(p, ref, err);
	if (r >= 0)
		r = store_tmp_open(p->engine->store, &tmp, err);
	if (r >= 0)
		r = pulling_bring(p, &tmp, err);
	return r < 0 ? r : pulling_name(p, err);
}

static int pull_from(struct engine *e, const struct remote_options *options, const char *image, unsigned place,
		     const char *platform, const struct pull_events *events, struct pull_result *ret, bool *ret_mirror,
		     struct err *err)
{
	static const struct pull_events none = { 0 };
	struct pulling p = { .engine = e,
			     .events = events ? events : &none,
			     .text = BUF_INIT(REGISTRY_DOCUMENT_MAX + 1) };
	int r = remote_open(options, image, place, &p.remote, err);

	*ret_mirror = p.remote.is_mirror;
	if (r < 0)
		return r;
	reference_format(&p.remote.ref, p.result.name);
	r = platform_parse(platform, &p.platform, err);
	if (r >= 0)
		r = pull(&p, err);
	if (r >= 0)
		*ret = p.result;
	pulling_done(&p);
	return r;
}

/* A mirror that can't give it, for whatever reason, leaves it to the next, and the registry itself has the last word. */
int engine_pull(struct engine *e, const struct remote_options *options, const char *image, const char *platform,
		const struct pull_events *events, struct pull_result *ret, struct err *err)
{
	bool mirror = true;
	int r = -ENXIO;

	for (unsigned place = 0; r < 0 && mirror; place++) {
		mirror = false;
		err_clear(err);
		r = pull_from(e, options, image, place, platform, events, ret, &mirror, err);
	}
	return r;
}

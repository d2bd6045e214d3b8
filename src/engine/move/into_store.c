#include "engine/move/into_store.h"

#include "base/cleanup.h"
#include "engine/image/load_impl.h"
#include "store/blob.h"

static void name_member(const struct digest *digest, char *dst, const void *arg)
{
	source_blob_name(arg, digest, dst);
}

static int bring_layers(struct loader *l, const struct image_manifest *m, const struct buf *config, struct err *err)
{
	struct image_config parsed;
	int r = image_config_parse(buf_str(config), config->len, &parsed, err);

	if (r < 0)
		return r;
	r = load_bring_image(l, m, &parsed, err);
	image_config_done(&parsed);
	return r;
}

static int bring(struct engine *e, struct source *s, const struct image_manifest *m, const struct pull_events *events,
		 struct err *err)
{
	autobuf struct buf config = BUF_INIT(IMAGE_DOCUMENT_MAX + 1);
	struct store_tmp autotmp tmp = STORE_TMP_INIT;
	struct loader l = { .engine = e, .tmp = &tmp, .on_transfer = events->on_layer, .on_transfer_arg = events->arg };
	int r = source_get_small(s, &m->config, &config, err);

	if (s->place.kind == PLACE_DOCKER) {
		l.registry = s->remote.registry;
		l.repo = s->remote.repo;
	} else {
		l.archive = &s->archive;
		l.name_member = name_member;
		l.name_member_arg = s;
	}
	if (r >= 0)
		r = store_tmp_open(e->store, &tmp, err);
	if (r >= 0)
		r = bring_layers(&l, m, &config, err);
	return r < 0 ? r : blob_put(e->store, buf_str(&config), config.len, NULL, err);
}

int move_into_store(struct engine *e, struct source *s, const struct document *doc, const struct pull_events *events,
		    struct err *err)
{
	struct image_manifest m;
	int r = image_manifest_parse(buf_str(&doc->text), doc->text.len, &m, err);

	if (r < 0)
		return r;
	if (events->on_image)
		events->on_image(&m, events->arg);
	if (s->place.kind != PLACE_STORE && s->place.kind != PLACE_DOCKER_ARCHIVE)
		r = bring(e, s, &m, events, err);
	image_manifest_done(&m);
	return r < 0 ? r : blob_put(e->store, buf_str(&doc->text), doc->text.len, NULL, err);
}

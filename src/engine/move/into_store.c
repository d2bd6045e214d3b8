#include "engine/move/into_store.h"

#include "base/cleanup.h"
#include "engine/image/load_impl.h"
#include "store/blob.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Where the source has each layer. */
static int name_members(const struct source *s, struct load_layers *layers, struct err *err)
{
	for (size_t i = 0; i < layers->len; i++) {
		char name[96];
		char *copy;

		source_blob_name(s, &layers->items[i].digest, name);
		copy = strdup(name);
		if (!copy)
			return err_oom(err);
		free(layers->items[i].member);
		layers->items[i].member = copy;
	}
	return 0;
}

static int bring_layers(struct loader *l, struct source *s, const struct image_manifest *m, const struct buf *config,
			struct err *err)
{
	autofree struct descriptor *blobs = calloc(m->layers_len ? m->layers_len : 1, sizeof(*blobs));
	struct load_layers layers = { 0 };
	struct image_config parsed;
	int r = image_config_parse(buf_str(config), config->len, &parsed, err);

	if (r < 0)
		return r;
	r = blobs ? load_layers_of_image(m, &parsed, &layers, err) : err_oom(err);
	image_config_done(&parsed);
	if (r >= 0)
		r = name_members(s, &layers, err);
	if (r >= 0)
		r = load_bring_layers(l, &layers, blobs, err);
	for (size_t i = 0; blobs && i < m->layers_len; i++)
		descriptor_done(&blobs[i]);
	load_layers_done(&layers);
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
	}
	if (r >= 0)
		r = store_tmp_open(e->store, &tmp, err);
	if (r >= 0)
		r = bring_layers(&l, s, m, &config, err);
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

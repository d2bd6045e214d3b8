/* A changed image becomes a new one of the store: what config, repack and squash end with. */
#pragma once

#include "codec/reference.h"
#include "engine/open.h"
#include "layer/client.h"
#include "store/image.h"

/* IMG's configuration and manifest as they stand now (of the latter: layers and annotations). NAME NULL: it gets none. */
int image_put(struct engine *e, const struct store_image *img, const struct reference *name, const char *why,
	      struct digest *ret_manifest, struct digest *ret_id, struct err *err);
/* Appends the layer RESULT, whose blob is in the store. */
int image_add_layer(struct store_image *img, const struct layer_result *result, struct err *err);
/* "gzip", "zstd", "none"; NULL: gzip. */
int image_compression_parse(const char *word, enum layer_compression *ret, struct err *err);

/* What the history says of a change; NULL: not that. */
struct image_words {
	const char *created; /* RFC 3339; NULL: now, or SOURCE_DATE_EPOCH */
	const char *author, *created_by, *comment;
	bool no_history;
};
/* Sets IMG's date and adds the step, if the history has told of all layers before. EMPTY: it made no layer. */
int image_add_step(struct image_config *c, const struct image_words *words, const char *created_by, bool empty,
		   struct err *err);

/* `cloche squash`: several layers of an image become one. */
#pragma once

#include "engine/image/put.h"

struct squash_options {
	size_t from; /* number of the lowest layer that is squashed, from 1; 0: LAST says it */
	size_t last; /* so many topmost layers; 0: all */
	struct image_words words;
	enum layer_compression compression;
	int level;
};

struct squash_outcome {
	size_t layers, before; /* of the image now, and of the old one */
	struct digest id;
	uint64_t size; /* of the new layer as it is stored */
};

/*
 * Whiteouts delete what the squashed layers had, and stay only where there are layers below. The same layers give the same
 * bytes. NAME NULL: the new image has none.
 */
int engine_squash(struct engine *e, const char *image, const struct squash_options *options,
		  const struct reference *name, struct squash_outcome *ret, struct err *err);

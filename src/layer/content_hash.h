/*
 * One digest over chosen files: the builder's cache key. HASH computes it, and COPY along the way. It depends on what was
 * asked for in its order, kinds, permission bits, content, link targets, and owners if they count; not on times.
 */
#pragma once

#include "layer/pick.h"
#include "layer/sha256.h"

#include <stdbool.h>

struct content_hash {
	struct sha256 sha;
	bool owners;
};

void content_hash_init(struct content_hash *h, bool owners);
/* A file that was picked for the item SOURCE. For a regular one its bytes follow, and then their number. */
void content_hash_file(struct content_hash *h, const char *source, const struct picked *p);
void content_hash_bytes(struct content_hash *h, const void *data, size_t len);
void content_hash_size(struct content_hash *h, uint64_t size);
void content_hash_end(struct content_hash *h, struct digest *ret);

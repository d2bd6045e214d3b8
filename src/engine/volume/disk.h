/* What images, containers, volumes and the builder's cache take of the disk: `system df`. */
#pragma once

#include "base/err.h"
#include "engine/open.h"

#include <stdint.h>

struct disk_part {
	uint64_t total, active;	     /* how many, and how many of them something uses */
	uint64_t bytes, reclaimable; /* of them all, and of those that a prune would take */
};

struct disk_parts {
	struct disk_part images, containers, volumes, cache;
};

/*
 * What several share counts once: a layer that an image and the cache have is the image's. Walks what containers and volumes
 * hold; what may not be read there counts as nothing.
 */
int disk_parts_read(struct engine *e, struct disk_parts *ret, struct err *err);

/* How much a container takes of the disk, as docker tells it. */
#pragma once

#include "engine/container/record.h"
#include "store/store.h"
#include "sys/idmap.h"

struct container_size {
	uint64_t rw;   /* bytes in the files that it has made or changed */
	uint64_t root; /* the same, and those of its image */
};

/* Walks the container's own files, as whoever may read them (IDS). */
int container_size(struct store *s, const struct idmap *ids, const struct container_record *r,
		   struct container_size *ret, struct err *err);

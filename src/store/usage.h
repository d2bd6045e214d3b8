/*
 * What the store takes of the disk, and for whom: what `system df` shows, and what a prune would free.
 *
 * To free something, take its root away and collect: names and untagged images (ref_delete, ref_delete_untagged),
 * containers (container_trash), the builder's cache (engine/build/cache.h: build_cache_prune), then gc_collect once, which
 * tells how much that was, and a sweep. gc_collect never waits for others who use the store; its result says `skipped`
 * then, and the last of them does it.
 */
#pragma once

#include "store/marks.h"
#include "store/store.h"

struct store_share {
	uint64_t blobs, layers; /* how many */
	uint64_t bytes;		/* of the blobs, and of the files in the unpacked layers */
};

struct store_usage {
	/*
	 * By who keeps it. What several keep counts once, with the first of them: containers, names, images without a
	 * name, the builder's cache. So roots[MARK_CACHE] is what emptying the cache frees, and all but roots[MARK_CONTAINERS]
	 * is what a prune of everything frees.
	 */
	struct store_share roots[MARK_ROOTS];
	struct store_share garbage;  /* nothing keeps it: the next collection frees it */
	uint64_t cache_mounts_bytes; /* folders of RUN --mount=type=cache */
	uint64_t cache_entries;	     /* steps that the builder remembers */
};

/* Walks the lists of names and things, not the trees: milliseconds. Only the folders of cache mounts are walked. */
int store_usage(struct store *s, struct store_usage *ret, struct err *err);

/* What the folder PATH of the store takes of the disk, with all below it, as far as we may read it. */
uint64_t store_folder_bytes(struct store *s, const char *path);

/* Bytes of PATH, which is a blob, or an unpacked layer (then as info.json has it). 0 if that can't be read. */
uint64_t store_thing_size(struct store *s, const char *path);

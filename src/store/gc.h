/*
 * Removal of what nothing names any more.
 *
 * Roots are: every name, every untagged image, and every file containers/<id>/roots and cache/roots/<any>,
 * which hold lines "sha256:<hex>". A line keeps the blob of that digest (and if it is a manifest, all
 * that it names) and the unpacked layer of that diff id.
 */
#pragma once

#include "store/store.h"

struct gc_result {
	uint64_t blobs, layers; /* removed */
	uint64_t bytes;		/* of the blobs, and of the files in the layers */
	bool skipped;		/* others are at work: the next command that ends does it */
};

/*
 * Collects if nobody else uses the store just now; otherwise leaves word, and the last one collects
 * (gc_if_wanted). Never waits. S is settled afterwards: call it last. What is removed is in trash/ when it
 * returns: store_sweep deletes.
 */
int gc_collect(struct store *s, struct gc_result *ret, struct err *err);
/* gc_collect if someone has left word, or was killed while collecting. */
int gc_if_wanted(struct store *s, struct gc_result *ret, struct err *err);
/* Leaves word: something may be here that nothing names. Best effort. */
void gc_leave_word(struct store *s);

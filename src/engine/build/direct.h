/*
 * COPY straight into the step's upper folder: no overlay is mounted, and the layer helper packs and digests what it copies
 * while it does, so each byte is read once.
 *
 * That needs to know what of the image is in the way. All of it is looked up in the unpacked layers before anything is made;
 * what isn't plain (links on the way, a file where a folder is to be, sources in no order) is left to the overlay.
 */
#pragma once

#include "engine/build/pick.h"

struct build_direct {
	bool possible;
	bool in_order;		  /* the items are in the sources' order: their digest is what HASH would say */
	struct layer_items items; /* their descriptors are owned */
	struct strv dests;	  /* the strings of the items */
};
void build_direct_done(struct build_direct *d);

/*
 * Finds out whether what was listed can go to DEST so, and what that takes; PUT->into is set. Makes sure that the stage's
 * layers are unpacked. WITHOUT_PARENTS: nothing of the stage shows through (--link).
 */
int build_direct_plan(struct build_pick *p, struct build_put *put, bool without_parents, struct build_direct *ret,
		      struct err *err);
/* Does it, into U, which is packed then. RET_CONTENT (NULL: not wanted) is what build_pick_content would say. */
int build_direct_copy(const struct build_direct *d, const struct build_pick *p, struct build_upper *u,
		      struct layer_copy copy, struct digest *ret_content, struct err *err);

/*
 * A step's changes where the kernel refuses an overlay (a store on an overlay, a file system without what the upper
 * folder needs).
 *
 * The step works in a copy of the image's tree. Before and after it, all names are listed with what the kernel says of
 * them; what differs is copied to the upper folder in the overlay's own form, whiteouts and opaque folders included, so
 * that everything behind it is the same as with an overlay. The tree is then what the next step finds: the image's files
 * are copied once for a stage, not for each step.
 */
#pragma once

#include "base/err.h"
#include "base/vec.h"
#include "sys/idmap.h"

struct build_tree {
	char *path; /* the copy, absolute; owned; NULL: none */
	int list;   /* file without a name: how it was before the step; -1 */
};
#define BUILD_TREE_INIT ((struct build_tree){ .list = -1 })
void build_tree_done(struct build_tree *t);

/* Copies LOWERS (topmost first) to the new folder PATH and lists it. What was made stays after an error. */
int build_tree_make(const struct idmap *ids, const struct strv *lowers, const char *path, struct build_tree *ret,
		    struct err *err);
/* Lays more layers (topmost first) over it. After an error the tree is of no use any more; so too for the next. */
int build_tree_add(const struct idmap *ids, const struct strv *lowers, struct build_tree *t, struct err *err);
/* Copies what has changed since it was listed to the folder UPPER, which is empty, and lists the tree as it is now. */
int build_tree_collect(const struct idmap *ids, const struct build_tree *t, const char *upper, struct err *err);

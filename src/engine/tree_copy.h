/*
 * The fallback where the kernel refuses an overlay: the image's layers, laid one over the other into a plain tree.
 *
 * Blocks are shared by reflink where the file system can, else copied. Hard links to the store's own files are made
 * only for containers that can't write to their root at all, since a write through such a link would change the
 * image for everybody.
 */
#pragma once

#include "base/err.h"
#include "base/vec.h"
#include "sys/idmap.h"

#include <stdbool.h>
#include <stdint.h>

struct tree_copy {
	const struct strv *layers; /* absolute paths, topmost first; NULL: a folder of a tree instead */
	int source_fd;		   /* the root of that tree */
	const char *source_path;   /* the folder, looked up inside it */
	const char *dest;	   /* existing empty folder, absolute */
	bool hard_links;
	/* Names (paths below the layer) that are wanted, folders on the way to them included; NULL: all. */
	bool (*want)(void *arg, const char *path);
	void *want_arg;
};

/* Works as root of a user namespace with IDS, so that owners are kept. -ENOSPC, -E2BIG …; what was made stays. */
int tree_copy_run(const struct tree_copy *copy, const struct idmap *ids, struct err *err);
/* The same in this process, which has the rights already. The umask becomes 0. */
int tree_copy_here(const struct tree_copy *copy, struct err *err);

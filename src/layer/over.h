/*
 * What is different where an archive is laid over what the earlier layers of an image have left in the same tree
 * (LAYER_OVER): a whiteout deletes what they left, but nothing that this archive has itself, in whatever order its entries
 * come (image-spec, layer.md "Whiteouts"); folders that it merely puts something into keep their times.
 */
#pragma once

#include "base/err.h"
#include "codec/tar.h"
#include "layer/folders.h"
#include "layer/tree.h"

#include <stddef.h>
#include <stdint.h>

/* The names of this archive, as hashes: an archive of a million entries costs 16 MiB, a usual one a tenth of a MiB. */
struct over {
	uint64_t *slots; /* owned; a power of two, at most half full; 0: free */
	size_t cap, len;
	uint64_t seed; /* of the hashes; 0: none yet */
};

void over_done(struct over *o);
/*
 * NAME (cleaned) is about to be made, or with IS_WHITEOUT what it stands for to be deleted. The folders it lies in count as
 * this archive's from now on, and their times go to FOLDERS as they are (of those that are missing: the time of E).
 */
int over_note(struct over *o, struct tree *t, struct folders *folders, const struct tar_entry *e, const char *name,
	      bool is_whiteout, struct err *err);
/* PATH, which is BASE in DIR_FD, is deleted, or all of it that is not of this archive. */
int over_delete(const struct over *o, struct tree *t, int dir_fd, const char *base, const char *path, struct err *err);
/* The folder PATH, "" for the root, loses what is not of this archive. */
int over_empty(const struct over *o, struct tree *t, const char *path, struct err *err);
/* The folder BASE in DIR_FD has been there: its attributes go, but for the overlay's and our own. */
int over_clear_attrs(int dir_fd, const char *base, struct err *err);

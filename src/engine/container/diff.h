/*
 * What a layer or a container changed: its folder compared with the layers below.
 *
 * An overlay's upper folder has what is new and what was changed; a character device 0:0 stands for what was
 * deleted, and an opaque folder for all that lower layers had in it.
 */
#pragma once

#include "base/err.h"
#include "engine/layered.h"
#include "sys/idmap.h"

#include <stdint.h>

enum { DIFF_DEPTH_MAX = 1024 };

struct diff_entry {
	char kind;	  /* 'A' added, 'C' changed, 'D' deleted: as docker */
	const char *path; /* absolute in the image, borrowed */
	mode_t mode;	  /* 0 where deleted */
	uint64_t size;	  /* of a regular file */
};

typedef int (*diff_fn)(const struct diff_entry *entry, void *arg, struct err *err);

/*
 * Calls FN for each difference of the folder UPPER_FD against LOWERS, names in bytewise order, folders before
 * what is in them. IDS: as whom to look (files of a range's ids may be closed to us): with ID_MODE_RANGE the
 * walk is in a child, and FN runs here. FN's failure ends the walk.
 */
int diff_layer(int upper_fd, const struct layered *lowers, const struct idmap *ids, diff_fn fn, void *arg,
	       struct err *err);

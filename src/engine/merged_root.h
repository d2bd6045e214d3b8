/* A stage's root as a folder that the layer helper can work in: an overlay that is mounted nowhere. */
#pragma once

#include "base/err.h"
#include "base/vec.h"
#include "sys/idmap.h"

#include <stdbool.h>

struct merged_root {
	int fd;		   /* the overlay's root; close = unmount */
	bool probe_is_dir; /* PROBE is a folder there, or a link to one */
	bool probe_exists;
};

/*
 * Mounts LOWERS (topmost first, absolute or relative to STORE_ROOT) with UPPER and WORK (both NULL: read-only), by a
 * child in a user namespace of IDS, which sees what root of the image would see. PROBE (an absolute path in the
 * image; NULL: none) is looked at on the way. -RUNTIME_OVERLAY_REFUSED where the kernel refuses the overlay.
 */
int merged_root_open(const struct idmap *ids, const char *store_root, const struct strv *lowers, const char *upper,
		     const char *work, const char *probe, struct merged_root *ret, struct err *err);

/* The same for a root that is a plain folder. */
int merged_root_open_tree(const char *tree, const char *probe, struct merged_root *ret, struct err *err);

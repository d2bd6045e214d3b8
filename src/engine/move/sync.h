/* `cloche sync`: which images go where, for whole repositories and folders; skopeo sync's rules. */
#pragma once

#include "base/vec.h"
#include "engine/image/remote.h"

#include <stdbool.h>

enum { SYNC_IMAGES_MAX = 10000, SYNC_DEPTH_MAX = 16 };

struct sync_options {
	bool from_dir, to_dir; /* else a registry */
	bool scoped;	       /* the destination has the source's whole name in it, not only its last part */
	struct remote_options from;
};

/*
 * Pairs of places, source and destination (place.h), in RET. SOURCE: a repository, with all its tags, or with one; or a folder, with
 * all images that dir: has written anywhere below it. DEST: what the names there begin with, or a folder.
 */
int sync_plan(const struct sync_options *options, const char *source, const char *dest, struct strv *ret,
	      struct err *err);

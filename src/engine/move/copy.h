/*
 * `cloche copy`: an image from one place to another. Bytes stay as they are, so digests do, unless another format is asked
 * for. From registry to registry nothing passes through our store; what the destination has is not brought, and between
 * repositories of one registry it takes blobs over by itself.
 */
#pragma once

#include "engine/image/pull.h"
#include "engine/image/platform.h"
#include "engine/move/convert.h"
#include "engine/move/dest.h"

enum { COPY_INSTANCES_MAX = 1000, COPY_DEPTH_MAX = 4 };

struct copy_options {
	struct remote_options from, to;
	bool all;	      /* every image of a list, and the list */
	const char *platform; /* else this one of them; NULL: this machine's */
	enum move_format format;
	const struct pull_events *events; /* may be NULL */
};

struct copy_result {
	struct digest digest; /* of what the destination names now */
	bool was_there;
};

/* E may be NULL where neither place needs the store (place_needs_store). FROM and TO are taken over. */
int engine_copy(struct engine *e, const struct copy_options *options, struct place *from, struct place *to,
		struct copy_result *ret, struct err *err);

/* --- what others build on --- */

/*
 * The manifest DOC of one image, and its blobs, from S to D. TOP: the destination's name leads to it. FORMAT may change DOC.
 */
int copy_image(struct source *s, struct dest *d, struct document *doc, enum move_format format, bool is_top,
	       const struct pull_events *events, struct err *err);
/* From an index, DOC becomes what it has for PLATFORM; any other document stays. */
int copy_choose(struct source *s, const struct wanted_platform *platform, struct document *doc, struct err *err);

/*
 * Files to be taken from somewhere: the context, a folder of our own, a stage, an image. What COPY, ADD and
 * RUN --mount=type=bind have in common: finding the place, listing, the content's digest, and what the layer helper
 * is asked for.
 */
#pragma once

#include "build/sources.h"
#include "engine/build/session.h"

#include <time.h>

DEFINE_VEC(layer_items, struct layer_item)

struct build_pick {
	struct build_at *at;
	const char *what;  /* "COPY", for messages */
	struct strv words; /* sources, expanded; owned */
	bool keep_owners;  /* as the source has them; else they don't count */

	int fd; /* the place; -1: not open */
	bool owned_fd;
	const struct store_image
		*from;		  /* a stage's or an image's files; NULL: the context, or a folder set by the caller */
	struct store_image image; /* what FROM points to, if it is an image */
	struct sources sources;
};
#define BUILD_PICK_INIT(place, name)                                                                                   \
	((struct build_pick){ .at = (place), .what = (name), .fd = -1, .sources = SOURCES_INIT })
void build_pick_done(struct build_pick *p);

/* Finds the stage or image NAME (NULL: the context); nothing is unpacked yet. OFFSET is NAME's place. */
int build_pick_from(struct build_pick *p, const char *name, size_t offset, struct err *err);
/* Opens the place and lists what the words name; OFFSETS (NULL: all at OFFSET) are the words' places. */
int build_pick_list(struct build_pick *p, const struct dockerfile_args *places, size_t offset, struct err *err);
/* The content's digest: remembered for the files' signature, or by reading them. */
int build_pick_content(const struct build_pick *p, struct digest *ret, struct err *err);
/* 1: the content's digest is remembered for the files' signature; 0: it is not. */
int build_pick_known(const struct build_pick *p, struct digest *ret, struct err *err);
/* Remembers it, unless files were changed so shortly before SINCE, when reading them began, that it may be stale. */
int build_pick_remember(const struct build_pick *p, const struct digest *content, struct timespec since,
			struct err *err);
/* The layers that it comes from, for a key that needs nothing unpacked or read. */
void build_pick_add_origin(const struct build_pick *p, struct key *k);

/* Where things go: DEST as in sources_dest. */
struct build_put {
	const char *dest;
	bool into;
	const bool *skip; /* one a root: those that are left out; NULL: none */
};
/*
 * Copies what was listed to the root ROOT_FD; COPY says as whom and with which mode, and its other fields are filled in.
 * Nothing happens if all is skipped.
 */
int build_pick_copy(const struct build_pick *p, const struct build_put *put, int root_fd, struct layer_copy copy,
		    struct err *err);

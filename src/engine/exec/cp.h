/*
 * `cloche cp`: files between a container, running or not, and the host.
 *
 * Both sides are a root folder and a path in it, which is resolved in there and nowhere else: the container's root through its pid 1,
 * or its overlay mounted anew (it then can't be started meanwhile), and the host's "/". All is looked at by a child with the
 * container's ids, and copied by the layer helper, which can reach nothing but the two folders that it is given.
 */
#pragma once

#include "engine/open.h"

#include <stdbool.h>
#include <stdint.h>

struct cp_options {
	bool archive, follow, quiet; /* archive: owners too */
};

struct cp_side {
	char *container;  /* NULL: the host; owned */
	const char *path; /* "-": a tar, on our input or output */
};
void cp_side_done(struct cp_side *side);

/*
 * "CONTAINER:PATH", or a path of the host: whatever begins with "/" or ".", or has no colon. PATH of a container counts from its
 * root. -EINVAL for an empty one.
 */
int cp_side_parse(const char *word, struct cp_side *ret, struct err *err);

/* Copies FROM to TO by docker's rules; *RET_BYTES: how much was in the files. */
int engine_cp(struct engine *e, const struct cp_options *options, const struct cp_side *from, const struct cp_side *to,
	      uint64_t *ret_bytes, struct err *err);

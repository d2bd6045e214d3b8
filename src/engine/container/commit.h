/* `cloche commit`: what a container changed becomes a layer on its image. */
#pragma once

#include "codec/reference.h"
#include "engine/open.h"

struct commit_options {
	const struct strv *changes; /* Dockerfile instructions */
	const char *author, *message;
	const struct reference *name; /* NULL: none */
	bool pause;		      /* one that runs stands still until its files have been read */
};

/*
 * The new image's configuration is the old one's with what the container was started with (command, environment,
 * user, folder, labels) and then the changes, as docker does. *RET_MOVED: it ran
 * while it was read, and was not paused.
 */
int engine_commit(struct engine *e, const char *container, const struct commit_options *options, struct digest *ret_id,
		  bool *ret_moved, struct err *err);

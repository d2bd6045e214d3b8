/* `cloche commit`: what a container changed becomes a layer on its image. */
#pragma once

#include "codec/reference.h"
#include "engine/open.h"

struct commit_options {
	const struct strv *changes; /* Dockerfile instructions */
	const char *author, *message;
	const struct reference *name; /* NULL: none */
};

/*
 * The new image's configuration is the old one's with what the container was started with (command, environment,
 * user, folder, labels) and then the changes, as docker does. A container that runs is taken as it is at the moment; *RET_RUNNING
 * says so.
 */
int engine_commit(struct engine *e, const char *container, const struct commit_options *options, struct digest *ret_id,
		  bool *ret_running, struct err *err);

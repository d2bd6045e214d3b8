/* `cloche config`: the fields of an image's configuration are changed, which makes a new image with the same layers. */
#pragma once

#include "engine/image/put.h"

/*
 * What is to change; NULL and empty lists: nothing. CLEAR comes first: names of fields (EDIT_FIELDS). Of env, labels and
 * annotations, an item is "NAME=VALUE", or "NAME-" to remove it; a port or volume with a final "-" is removed as well.
 */
struct edit_options {
	const struct strv *clear, *env, *labels, *annotations, *ports, *volumes, *on_build, *changes;
	/* A JSON array, or words as a shell would split them; entrypoint: else a line for the image's shell. */
	const char *entrypoint, *cmd, *shell;
	const char *user, *working_dir, *stop_signal, *author, *os, *architecture, *variant;
	/* A command as HEALTHCHECK takes it behind CMD, or "none"; the others are durations ("30s") and a number. */
	const char *health, *health_interval, *health_timeout, *health_start_period, *health_retries;
	struct image_words words;
};

#define EDIT_FIELDS                                                                                                    \
	"annotations author cmd entrypoint env healthcheck history labels onbuild ports shell stop-signal user "       \
	"volumes workingdir"

/* NAME NULL: what IMG is called now. */
int engine_edit(struct engine *e, const char *image, const struct edit_options *options, const struct reference *name,
		struct digest *ret_id, struct err *err);
/* The configuration as it is stored. */
int engine_edit_show(struct engine *e, const char *image, struct buf *ret, struct err *err);

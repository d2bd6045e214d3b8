/*
 * `cloche push`: an image of the store to a registry.
 *
 * Layers go side by side, and only those that the registry lacks: it is asked, and takes over what another of its
 * repositories has. Then the configuration and, last, the manifest, whose bytes are the store's.
 */
#pragma once

#include "engine/image/pull.h"

struct push_result {
	struct digest manifest;
	char name[REFERENCE_MAX + 256];
	bool was_there;
};

/* IMAGE as store_image_open takes it; DEST: the name there, or NULL: that of IMAGE. Events as in pull. */
int engine_push(struct engine *e, const struct remote_options *options, const char *image, const char *dest,
		const struct pull_events *events, struct push_result *ret, struct err *err);

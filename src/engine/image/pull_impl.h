/* Shared by pull.c and lazy*.c: an image on its way from a registry. */
#pragma once

#include "engine/image/platform.h"
#include "engine/image/pull.h"

struct pulling {
	struct engine *engine;
	struct remote remote;
	const struct pull_events *events;
	struct wanted_platform platform;
	struct buf text; /* of the manifest */
	struct image_manifest manifest;
	struct pull_result result;
};

void pulling_done(struct pulling *p);
/* The manifest that the opened remote has for the platform, read and verified: p->text, p->manifest, p->result's digests. */
int pulling_get_manifest(struct pulling *p, struct err *err);
/* Its configuration: TEXT, and RET read from it. */
int pulling_get_config(struct pulling *p, struct buf *text, struct image_config *ret, struct err *err);
/* Configuration, layers and manifest into the store. */
int pulling_bring(struct pulling *p, struct store_tmp *tmp, struct err *err);
/* Gives it its name, the last thing. */
int pulling_name(struct pulling *p, struct err *err);

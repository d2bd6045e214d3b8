/* An image of one of the places into our store: its layers are unpacked and verified on the way, as `load` and `pull` do. */
#pragma once

#include "engine/image/pull.h"
#include "engine/move/source.h"

/* DOC is the manifest, of one platform; its bytes are kept. Nothing names the image yet. */
int move_into_store(struct engine *e, struct source *s, const struct document *doc, const struct pull_events *events,
		    struct err *err);

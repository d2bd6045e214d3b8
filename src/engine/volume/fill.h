#pragma once

#include "base/err.h"
#include "base/vec.h"
#include "store/volumes.h"
#include "sys/idmap.h"

/*
 * First use: if the volume is empty, it gets what the image has at TARGET, owners included, and the owner and mode of
 * that folder. LOWERS: the image's layers, topmost first, absolute. Takes the exclusive lock for that; a volume
 * that somebody uses is left as it is. 1: filled; 0: not.
 */
int volume_fill(struct store *s, const struct idmap *ids, const struct strv *lowers, const char *name,
		const char *target, struct err *err);

/* --userns: how the ids of a container are mapped, and in which map a container that is there has its files. */
#pragma once

#include "base/err.h"
#include "engine/container/record.h"
#include "engine/open.h"
#include "store/store.h"
#include "sys/idmap.h"

#include <stdbool.h>
#include <stdint.h>

/* What its map has of its own. */
struct container_keep {
	bool set;	   /* keep-id: who the user that runs the container is in there */
	uint32_t uid, gid; /* then */
	bool is_auto;	   /* auto: ids that no other container has; the user's own is hidden (sys/idmap.h) */
};

/*
 * WORD is --userns (NULL: it was not given). IDS is what the machine offers; where a range is mapped, keep-id changes it so
 * that the user's own id is inside what it is outside (or uid=, gid=). Where one id is mapped that stays as it is, and the
 * emulation shows the user's files as KEEP's. Words that name a container, the host or auto are not for this function.
 */
int container_userns_apply(const char *word, struct idmap *ids, struct container_keep *ret, struct err *err);

/* From here on the layers of S are those for IDS and KEEP. */
void container_userns_use(struct store *s, const struct idmap *ids, const struct container_keep *keep);

/*
 * The map in which the container's files have their owners, as it was made: IDS (what the machine offers) becomes that map, and
 * the layers of S those for it. A range that came since then stays unused; one that is gone can't be replaced (-EPERM).
 */
int container_userns_of(const struct container_record *record, struct store *s, struct idmap *ids,
			struct container_keep *ret, struct err *err);
/* The same for those who have an engine and the container's ID only. */
int container_userns_enter(struct engine *e, const char *id, struct err *err);

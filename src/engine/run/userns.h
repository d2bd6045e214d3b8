/* --userns: how the ids of a container are mapped. */
#pragma once

#include "base/err.h"
#include "sys/idmap.h"

#include <stdbool.h>
#include <stdint.h>

/* keep-id: who the user that runs the container is in there. */
struct run_keep {
	bool set;
	uint32_t uid, gid;
};

/*
 * WORD is --userns (NULL: it was not given). IDS is what the machine offers; where a range is mapped, keep-id changes it so
 * that the user's own id is inside what it is outside (or uid=, gid=). Where one id is mapped that stays as it is, and the
 * emulation shows the user's files as KEEP's. Words that name a container or the host are not for this function.
 */
int run_userns_apply(const char *word, struct idmap *ids, struct run_keep *ret, struct err *err);

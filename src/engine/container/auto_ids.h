/*
 * --userns auto: ids that no other container of the store has, so that not even root of one is anybody in another.
 *
 * They are taken from what /etc/subuid and /etc/subgid give to the user, or for root to "containers". A container keeps
 * its ids until it is removed, since its files belong to them: its record has the map, "map:u<inside>:<outside>:<count>,…".
 * Between the choice and the record a lock on these numbers (lock/ids) keeps others from choosing them.
 */
#pragma once

#include "base/err.h"
#include "store/store.h"
#include "sys/idmap.h"

#include <stddef.h>
#include <stdint.h>

enum { AUTO_IDS_MIN = 1024, AUTO_IDS_MAX = 65536 };

struct auto_ids {
	uint32_t size;	     /* 0: what the image and the user need, between AUTO_IDS_MIN and AUTO_IDS_MAX */
	struct idmap wanted; /* ranges that were asked for: uids, gids */
};

/* WORD is what follows "auto": "" or ":size=N,uidmapping=IN:OUT:COUNT,gidmapping=IN:OUT:COUNT". -EINVAL. */
int auto_ids_parse(const char *word, struct auto_ids *ret, struct err *err);

/*
 * Chooses: IDS, what the machine offers, becomes the container's map (mode ID_MODE_RANGE, our own id hidden), and *RET_WORD,
 * owned by the caller, what goes into its record. Returns a descriptor that holds the lock until it is closed. -EPERM: there is
 * no range; -ENOSPC: too few of it are free.
 */
int auto_ids_choose(struct store *s, const struct auto_ids *want, struct idmap *ids, char **ret_word, struct err *err);

/* The map that a record's word ("map:…") says. -EBADMSG. */
int auto_ids_read(const char *word, struct idmap *ret, struct err *err);

/*
 * Named volumes: volumes/<name>/ with volume.json (what it was made as) and data/ (what containers see).
 *
 * Invariants:
 *  1. A folder in volumes/ is complete: it is made in tmp/ and renamed.
 *  2. Who makes or starts a container with a volume holds a shared lock on its folder until the container's record and
 *     its live state say that it has it; who fills or removes it an exclusive one. The kernel lets go with the process,
 *     however it ends.
 *  3. data/ is replaced by a rename, only while it is empty and under the exclusive lock: so a volume is filled with all
 *     of an image's files or with none.
 */
#pragma once

#include "base/cleanup.h"
#include "base/err.h"
#include "base/vec.h"
#include "store/store.h"

#include <stdbool.h>
#include <time.h>

enum { VOLUME_NAME_MAX = 200, VOLUME_PATH_MAX = VOLUME_NAME_MAX + 16 };

/* docker's mark of a volume that nobody named. */
#define VOLUME_ANONYMOUS "com.docker.volume.anonymous"

struct volume {
	char *name;
	struct timespec created;
	struct strv labels;  /* key, value, key, value … */
	struct strv options; /* the same: "type", "tmpfs", "o", "size=1m" … */
};
void volume_done(struct volume *v);
#define autovolume CLEANUP(volume_done)

/* Letters, digits, and behind the first also _ . -; at least two. */
bool volume_name_is_valid(const char *name);
bool volume_is_anonymous(const struct volume *v);
/* The value of the option KEY ("type"); NULL: it was not given. */
const char *volume_option(const struct volume *v, const char *key);

/* Makes it, empty; `created` is set by us. 1: made; 0: one of that name is there already and stays as it is. */
int volume_make(struct store *s, const struct volume *v, struct err *err);
/* -ENOENT. */
int volume_read(struct store *s, const char *name, struct volume *ret, struct err *err);
/* All names, sorted. */
int volumes_list(struct store *s, struct strv *ret, struct err *err);

/*
 * Its folder, locked. Waits for whoever fills or removes it; an EXCLUSIVE lock is not waited for (-EBUSY: it is in use).
 * -ENOENT. The descriptor is the lock.
 */
int volume_lock(struct store *s, const char *name, bool exclusive, struct err *err);
/* To trash/; the caller holds the exclusive lock. */
int volume_trash(struct store *s, const char *name, struct err *err);

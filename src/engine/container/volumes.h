/* Named volumes as commands use them: what they may be made of, who uses them and removing them. */
#pragma once

#include "base/err.h"
#include "base/vec.h"
#include "engine/container/record.h"
#include "store/volumes.h"

#include <stdbool.h>
#include <stdint.h>

/* What a volume's options make of it. */
enum volume_kind {
	VOLUME_FOLDER, /* its own folder in the store */
	VOLUME_BIND,   /* type=none,o=bind,device=PATH */
	VOLUME_TMPFS,  /* type=tmpfs: each container gets one of its own */
};

/* -EOPNOTSUPP for a driver or a type of file system that only root of the machine could mount; -EINVAL for nonsense. */
int volume_check(const char *driver, const struct volume *v, struct err *err);
/* Of a volume that was checked when it was made. */
enum volume_kind volume_kind(const struct volume *v);
/* The name of a volume that nobody named: 64 hex digits. */
void volume_new_name(char dst[static 65]);

/* The IDs of containers, running or not, that have the volume NAME; EXCEPT (NULL: none) is not looked at. */
int volume_users(struct store *s, const char *name, const char *except, struct strv *ret, struct err *err);
/* -EBUSY while a container other than EXCEPT has it. -ENOENT. */
int volume_remove(struct store *s, const char *name, const char *except, struct err *err);
/* The volumes that the container R was given without a name, unless others have them too. What can't be removed stays, for prune. */
void volumes_remove_anonymous(struct store *s, const struct container_record *r);
/* Bytes of its files, as far as we may read. */
uint64_t volume_size(struct store *s, const char *name);

struct volume_filter {
	const struct strv *labels,
		*not_labels; /* "KEY" or "KEY=VALUE"; all of the first must fit, none of the second */
};
bool volume_fits_labels(const struct volume *v, const struct volume_filter *f);

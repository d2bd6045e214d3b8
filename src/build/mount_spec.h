/* The value of RUN --mount=…: what docker's reference knows of it. */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum mount_type { MOUNT_BIND, MOUNT_CACHE, MOUNT_TMPFS, MOUNT_SECRET, MOUNT_SSH };
enum mount_sharing { MOUNT_SHARED, MOUNT_PRIVATE, MOUNT_LOCKED };

struct mount_spec {
	enum mount_type type;
	char *target; /* as given; NULL: not given */
	char *source; /* below the context or FROM; NULL: the whole */
	char *from;   /* stage or image; NULL: the context */
	char *id;     /* of a cache; NULL: the target */
	bool read_only;
	bool has_owner, has_mode;
	uint32_t uid, gid, mode;
	uint64_t size; /* of a tmpfs; 0: no limit of its own */
	enum mount_sharing sharing;
};

/* TEXT after expansion. -EBADMSG with what is wrong. RET (zeroed) is to be released also on failure. */
int mount_spec_parse(const char *text, struct mount_spec *ret, struct err *err);
void mount_spec_done(struct mount_spec *m);

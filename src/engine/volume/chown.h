#pragma once

#include "base/err.h"
#include "sys/idmap.h"

#include <stdint.h>

/*
 * Gives PATH and all below it, on its file system, to the ids UID and GID of a container with the map IDS. Where one id is mapped
 * that is an attribute of the files (codec/owner.h). -EPERM: not ours, or one of the machine's own folders.
 */
int volume_chown(const struct idmap *ids, const char *path, uint32_t uid, uint32_t gid, struct err *err);

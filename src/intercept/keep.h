/*
 * --userns=keep-id: files of the user's own that are mounted into the container, and hold no owner attribute, are those of
 * the user in there, and not root's as an image's are. Which they are is known by their device.
 */
#pragma once

#include "codec/owner.h"

#include <stdbool.h>
#include <sys/stat.h>

/*
 * From now on UID and GID own what is on a file system of the machine's that is mounted below "/", seen from the namespaces of the
 * calling process, in which ROOT_DEV is the device of the image's files. The calling process's own /proc is MOUNTINFO.
 */
void keep_init(uint32_t uid, uint32_t gid, const char *mountinfo);
/* False: what has no attribute is root's, everywhere. */
bool keep_in_use(void);
/* The owner that the absence of an attribute means for the file ST. */
void keep_default_owner(const struct stat *st, struct owner *ret);

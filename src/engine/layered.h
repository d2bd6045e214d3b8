/*
 * Small files of an image, read through its unpacked layers without mounting anything.
 *
 * A path is followed as the overlay would: upper layers hide lower ones, whiteouts (character devices 0:0)
 * and opaque folders (user.overlay.opaque=y) end the search, symbolic links are followed inside the image.
 * No component is ever resolved by the kernel's own walk, so nothing outside can be reached.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/vec.h"

#include <stddef.h>
#include <sys/stat.h>

enum { LAYERED_MAX = 512, LAYERED_LINKS_MAX = 40 };

/* Descriptors of the layers' root folders, topmost first; borrowed. */
struct layered {
	const int *fds;
	size_t len;
};

/*
 * The regular file PATH (absolute in the image), opened for reading. RET_PATH (may be NULL) becomes the path without
 * symbolic links, owned by the caller. The errors of layered_read_file.
 */
int layered_open(const struct layered *l, const char *path, char **ret_path, struct err *err);
/* The regular file PATH (absolute in the image) into BUF, at most MAX bytes. -ENOENT, -EACCES, -ELOOP, -E2BIG, -EINVAL (no regular file). */
int layered_read_file(const struct layered *l, const char *path, size_t max, struct buf *buf, struct err *err);

/*
 * What the merged tree has at PATH: as layered_read_file finds it, but a link as the last component is not followed.
 * -ENOENT, -ENOTDIR.
 */
int layered_stat(const struct layered *l, const char *path, struct stat *ret);

/*
 * The folder that shows of PATH, as layered_stat finds it: the topmost layer's, which has its owner, mode and attributes.
 * -ENOENT, -ENOTDIR.
 */
int layered_open_folder(const struct layered *l, const char *path);

/* The names in the merged folder PATH, appended to RET in no order. -ENOENT, -ENOTDIR. */
int layered_list(const struct layered *l, const char *path, struct strv *ret, struct err *err);

/*
 * The lowest layer below every image: the mount points that a container always needs (/proc, /sys, /dev and
 * the files of name service), made once for a store.
 *
 * What the image has hides it; what the image lacks is there. So a start writes nothing into the upper
 * folder, and neither `diff` nor a committed layer shows files that nobody made.
 */
#pragma once

#include "base/err.h"
#include "store/store.h"

/* Its absolute path; made at first use. The caller owns *RET. One system call where it is there. */
int skeleton_ensure(struct store *s, char **ret, struct err *err);

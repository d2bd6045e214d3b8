/* What roots keep: for the collector (gc.c) and for the report of what the disk holds (usage.c). */
#pragma once

#include "base/vec.h"
#include "codec/digest.h"
#include "store/store.h"

#include <dirent.h>

DEFINE_VEC(marks, struct digest)

/* Who names things. In this order things are put down to them. */
enum mark_root { MARK_CONTAINERS, MARK_NAMES, MARK_UNTAGGED, MARK_CACHE, MARK_ROOTS };

/*
 * Adds the digests of all that ROOT keeps: blobs, and diff ids of unpacked layers. An error if a root can't be read:
 * then nothing may be thrown away.
 */
int marks_add(struct store *s, enum mark_root root, struct marks *m, struct err *err);
/* Before marks_have. */
void marks_sort(struct marks *m);
/* Whether NAME, a file of blobs/sha256 or a folder of layers, is kept. */
bool marks_have(const struct marks *m, const char *name);

/* FOLDER of the store, for reading; the caller closes it. */
DIR *marks_open_folder(struct store *s, const char *folder, struct err *err);

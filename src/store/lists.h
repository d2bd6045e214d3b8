/*
 * Lists of images that are being put together (`cloche manifest`): lists/<hex of the name's digest>, an OCI index. What an entry
 * says of itself with LIST_FROM is where its image is, if not in the store ("docker://…"); it goes no further than here.
 * The store's own images that a list leads to are kept by it (marks.h).
 */
#pragma once

#include "oci/image.h"
#include "store/marks.h"
#include "store/store.h"

#define LIST_FROM "io.cloche.from"

enum { LIST_ENTRIES_MAX = 1000 };

/* The right to change lists, until the descriptor is closed: for reading, changing and writing, not while something is fetched. */
int lists_lock(struct store *s, struct err *err);
/* NAME is normalised ("domain/path:tag"). -ENOENT. */
int list_read(struct store *s, const char *name, struct image_index *ret, struct err *err);
/* 1: there is a list of that name; 0: there is none. */
int list_exists(struct store *s, const char *name);
int list_write(struct store *s, const char *name, const struct image_index *index, struct err *err);
/* -ENOENT. */
int list_delete(struct store *s, const char *name, struct err *err);
/* The manifests that all lists lead to. */
int lists_add_manifests(struct store *s, struct marks *ret, struct err *err);

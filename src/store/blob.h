/* Content-addressed files: blobs/sha256/<hex>. */
#pragma once

#include "codec/digest.h"
#include "oci/image.h"
#include "store/store.h"

enum { BLOB_PATH_MAX = 80 };

/* "blobs/sha256/<hex>", relative to root_fd. */
void blob_path(const struct digest *d, char dst[static BLOB_PATH_MAX]);

/*
 * Is the blob here, with SIZE bytes (UINT64_MAX: any)? A file of another size, which a machine that lost
 * power may leave, is moved out of the way. 1, 0, or an error.
 */
int blob_has(struct store *s, const struct digest *d, uint64_t size, struct err *err);
/* A descriptor for reading; RET_SIZE may be NULL. -ENOENT with the digest in the message. */
int blob_open(struct store *s, const struct digest *d, uint64_t *ret_size, struct err *err);
/* All of a small blob (a document: at most IMAGE_DOCUMENT_MAX) into BUF. Not verified again: see invariant 1. */
int blob_read(struct store *s, const struct digest *d, struct buf *buf, struct err *err);
/* Writes a small blob, unless it is there whole; RET_DIGEST may be NULL. Not synced: ref_set does that for all that it names. */
int blob_put(struct store *s, const void *data, size_t len, struct digest *ret_digest, struct err *err);
/*
 * Gives the file NAME in TMP, whose content the caller has verified to be D of SIZE bytes, its place.
 * One that is there already wins and NAME is removed.
 */
int blob_commit(struct store_tmp *tmp, const char *name, const struct digest *d, uint64_t size, struct err *err);

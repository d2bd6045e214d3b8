/*
 * An image as it is read from one of the places: documents (manifests, indexes) and blobs. What comes from outside is verified
 * here: a document against its digest, a blob too before its descriptor is handed on.
 *
 * Blobs of a registry come into files without names ($TMPDIR, /var/tmp), several at once; they vanish with the process.
 */
#pragma once

#include "base/buf.h"
#include "engine/image/archive.h"
#include "engine/image/remote.h"
#include "engine/move/place.h"
#include "engine/open.h"
#include "oci/image.h"

/* A manifest or an index, as it came. */
struct document {
	struct buf text;
	char *media_type; /* never NULL */
	struct digest digest;
};
#define DOCUMENT_INIT ((struct document){ .text = BUF_INIT(IMAGE_DOCUMENT_MAX + 1) })
void document_done(struct document *d);
#define autodocument CLEANUP(document_done)
/* Takes over MEDIA_TYPE; NULL: what the text says of itself, or what its members tell. Sets the digest. */
int document_describe(struct document *d, char *media_type, struct err *err);

struct source;

struct source_blob {
	int fd; /* offset 0 to the end; owned */
	uint64_t transfer;
	bool is_under_way, is_trusted;
	const struct descriptor *descriptor; /* borrowed */
};

struct source_ops {
	/* INSTANCE NULL: what the place names. */
	int (*get)(struct source *s, const struct digest *instance, struct document *ret, struct err *err);
	/* Opens the blob, or begins to bring it. */
	int (*start)(struct source *s, const struct descriptor *d, struct source_blob *ret, struct err *err);
};

struct source {
	const struct source_ops *ops;
	struct place place;
	struct engine *engine; /* borrowed; may be NULL */
	struct remote remote;

	/* oci, oci-archive, dir */
	int fd;
	struct store_tmp tmp;
	struct archive archive;
	struct digest top; /* what the name leads to: oci, oci-archive, store */
	uint64_t top_size;
	char *top_type;
};

/* PLACE is taken over. E must outlive RET; NULL will do where place_needs_store says no. RET must stay where it is. */
int source_open(struct place *place, const struct remote_options *options, struct engine *e, struct source *ret,
		struct err *err);
/* A manifest of our own store, whatever names it. */
void source_open_manifest(struct engine *e, const struct digest *manifest, struct source *ret);
void source_done(struct source *s);
#define autosource CLEANUP(source_done)

/* RET starts as DOCUMENT_INIT. -ENOENT. */
int source_get(struct source *s, const struct digest *instance, struct document *ret, struct err *err);
/* A whole small blob, such as a configuration. */
int source_get_small(struct source *s, const struct descriptor *d, struct buf *ret, struct err *err);
/* Each blob that was started is waited for (then its fd has the right bytes), and released. D must stay where it is. */
int source_start_blob(struct source *s, const struct descriptor *d, struct source_blob *ret, struct err *err);
int source_wait_blob(struct source *s, struct source_blob *b, struct err *err);
void source_blob_done(struct source_blob *b);
/* Name of the file or member that a blob is in, in a layout or dir: (for the loader). */
void source_blob_name(const struct source *s, const struct digest *d, char dst[static 96]);

/* --- source_layout.c, source_store.c --- */
int source_open_layout(struct source *s, struct err *err);
int source_open_store(struct source *s, struct err *err);
/* A file without a name for at most SIZE bytes. */
int move_temporary(struct err *err);

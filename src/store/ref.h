/*
 * Names of images: refs/<domain>/<path>:<tag>, each with the digest of its manifest, and the log of
 * all values it had. What has no name is kept as refs/.untagged/<hex>.
 *
 * Writers hold lock/refs; readers hold nothing and see the old value or the new.
 */
#pragma once

#include "base/vec.h"
#include "codec/reference.h"
#include "store/store.h"

struct ref {
	char *name; /* normalised, "docker.io/library/debian:bookworm"; NULL: untagged; owned */
	struct digest manifest;
};
DEFINE_VEC(refs, struct ref)
void refs_done(struct refs *refs);
#define autorefs CLEANUP(refs_done)

/* The manifest that the normalised NAME ("domain/path:tag") has now; -ENOENT. */
int ref_get(struct store *s, const char *name, struct digest *ret, struct err *err);
/*
 * Names the manifest. Syncs all that was written before, so that the name never leads to what is not on
 * disk, then replaces the name, rewrites index.json, and adds WHY ("load", "build", "tag debian:12") to
 * the log. An image that loses its last name so becomes untagged. Nothing happens if it is so already.
 */
int ref_set(struct store *s, const struct reference *name, const struct digest *manifest, const char *why,
	    struct err *err);
/* Keeps an image without a name (docker's <none>), unless some name has it. */
int ref_set_untagged(struct store *s, const struct digest *manifest, struct err *err);
/* Takes the name away; the image does not become untagged. -ENOENT. */
int ref_delete(struct store *s, const char *name, const char *why, struct err *err);
int ref_delete_untagged(struct store *s, const struct digest *manifest, struct err *err);
/* All, sorted by name, untagged ones last. A ref that can't be read is skipped (a writer may be at work). */
int refs_list(struct store *s, struct refs *ret, struct err *err);
/* Brings index.json up to date, if need be: for the collector. */
int refs_write_index(struct store *s, struct err *err);

/* From what a user types to an image: the start path. */
#pragma once

#include "codec/reference.h"
#include "oci/image.h"
#include "store/ref.h"
#include "store/store.h"

/* An image of the store, read. */
struct store_image {
	struct digest manifest_digest;
	struct digest id; /* digest of the configuration's bytes: docker's image ID */
	char *name;	  /* the normalised name that led here; NULL if it was found by ID; owned */
	struct image_manifest manifest;
	struct image_config config;
};

void store_image_done(struct store_image *img);
#define autoimage CLEANUP(store_image_done)

/*
 * Finds the image that a user means: a name (docker.io/library/… first, then localhost/…), name@digest,
 * the digest of a manifest, an image ID, or at least four hex digits with which just one ID begins.
 * RET_NAME (may be NULL) becomes the normalised name or NULL, owned by the caller. -ENOENT with a hint.
 */
int store_resolve(struct store *s, const char *text, struct digest *ret_manifest, char **ret_name, struct err *err);

/*
 * store_resolve, then manifest and configuration. By name this is the start path: three small files,
 * no lock, no scan. The layers may not be unpacked yet: layer_ensure does that.
 */
int store_image_open(struct store *s, const char *text, struct store_image *ret, struct err *err);
int store_image_open_manifest(struct store *s, const struct digest *manifest, struct store_image *ret, struct err *err);

/*
 * Writes configuration and manifest of a new image whose layer blobs are in the store. CONFIG's bytes are
 * kept as they are. RET_MANIFEST is what ref_set takes. LAYERS' digests and sizes are checked to be there,
 * their number against the configuration's diff ids. RET_ID may be NULL.
 */
int store_image_put(struct store *s, const void *config, size_t config_len, const struct descriptor *layers,
		    size_t layers_len, struct digest *ret_manifest, struct digest *ret_id, struct err *err);
/* The same with annotations of the manifest. */
int store_image_put_annotated(struct store *s, const void *config, size_t config_len, const struct descriptor *layers,
			      size_t layers_len, const struct str_map *annotations, struct digest *ret_manifest,
			      struct digest *ret_id, struct err *err);

/* The ID of the image that a manifest describes; false if it can't be read. */
bool store_manifest_id(struct store *s, const struct digest *manifest, struct digest *ret_id);
/*
 * A manifest in the store whose image has this ID, and all of whose blobs are there. The same image may have several
 * (plain layers from one archive, compressed ones from another). 1: *RET is set; 0: there is none.
 */
int store_find_id(struct store *s, const struct digest *id, struct digest *ret_manifest, struct err *err);

/* Sum of the layers' unpacked sizes where that is known, of the blobs' sizes where not. */
uint64_t store_image_size(struct store *s, const struct store_image *img);

/* Shared by load*.c: one image on its way into the store. */
#pragma once

#include "engine/image/archive.h"
#include "engine/image/load.h"
#include "layer/unpack.h"
#include "store/store.h"

/* A layer as the archive describes it. */
struct load_layer {
	char *member; /* name in the archive; owned */
	struct digest diff_id;
	bool has_digest; /* OCI: the descriptor's */
	struct digest digest;
	uint64_t size;
};
DEFINE_VEC(load_layers, struct load_layer)
void load_layers_done(struct load_layers *layers);
int load_layers_add(struct load_layers *layers, const struct load_layer *layer, struct err *err);
/* An image that is in the store but for its names. */
struct load_result {
	struct strv names; /* normalised "name:tag"; empty: untagged */
	struct digest manifest, id;
};
DEFINE_VEC(load_results, struct load_result)
void load_results_done(struct load_results *results);
/* Takes over RESULT, also on failure. */
int load_results_add(struct load_results *results, struct load_result *result, struct err *err);

struct registry;

enum { LOAD_MEMBER_MAX = 96 };

struct loader {
	struct engine *engine;
	struct store_tmp *tmp;
	const struct archive *archive; /* NULL: a registry */
	struct registry *registry;     /* where layers come from if there is no archive, … */
	const char *repo;	       /* … and of which repository */
	void (*on_transfer)(uint64_t transfer, size_t index, uint64_t size, void *arg); /* may be NULL */
	void *on_transfer_arg;
	/* The member of the archive that has a blob, of at most LOAD_MEMBER_MAX bytes; NULL: as an OCI layout names it. */
	void (*name_member)(const struct digest *digest, char *dst, const void *arg);
	const void *name_member_arg;
	const char *origin;
	unsigned blobs; /* numbers the files in tmp */
	struct load_results *results;
};

/*
 * Brings the layers into the store: blobs and unpacked, all digests and diff ids verified. RET has room for
 * LAYERS->len descriptors, which are zeroed; the caller releases them.
 */
int load_bring_layers(struct loader *l, const struct load_layers *layers, struct descriptor *ret, struct err *err);
/* The same for all layers that an OCI manifest and its configuration describe. */
int load_bring_image(struct loader *l, const struct image_manifest *m, const struct image_config *c, struct err *err);
/* The same without those layers for which LEFT_OUT says so. */
int load_bring_rest(struct loader *l, const struct image_manifest *m, const struct image_config *c,
		    const bool *left_out, struct err *err);
/* Appends the normalised form of TEXT to NAMES. */
int load_add_name(struct strv *names, const char *text, struct err *err);

int load_docker(struct loader *l, struct err *err);	/* manifest.json */
int load_oci(struct loader *l, struct err *err);	/* index.json */
int load_docker_old(struct loader *l, struct err *err); /* repositories, without manifest.json */

/* --- load_remote.c: layers that a registry has --- */

struct load_remote {
	struct loader *l;
	const struct load_layer *layer;
	size_t index;
	char *blob_name; /* in tmp; borrowed */
	uint64_t transfer;
	bool is_under_way;
	struct unpack_source source;
};
/* Makes ITEM, layer INDEX, come from L's registry, as the blob file BLOB_NAME. R and BLOB_NAME stay where they are until it has. */
void load_from_registry(struct loader *l, const struct load_layer *layer, size_t index, char *blob_name,
			struct load_remote *r, struct unpack *item);
/* Has an image of the store this blob as the layer of that diff id? Then they were verified together. */
bool load_pair_is_known(struct store *s, const struct digest *blob, const struct digest *diff_id);

/*
 * Layers that a build makes.
 *
 * A step's folder is tmp/<build>/s<N>/fs, the upper folder of its overlay; it is the lower folder of later steps
 * where it lies, until a flush: one sync of the disk for all that wait, then each is renamed to layers/<diff id>,
 * and only then their cache entries are written. So a cache entry never leads to something half written, and a
 * build of many quick steps syncs once.
 */
#pragma once

#include "base/err.h"
#include "base/timefmt.h"
#include "base/vec.h"
#include "codec/digest.h"
#include "engine/build/changes.h"
#include "layer/client.h"
#include "oci/image.h"
#include "store/image.h"
#include "store/layers.h"
#include "store/store.h"
#include "sys/idmap.h"

#include <stdbool.h>
#include <stdint.h>

/* A finished layer whose folder is still in tmp/. */
struct build_pending {
	struct digest diff_id;
	char name[16]; /* "s<N>" */
	struct layer_info info;
};
DEFINE_VEC(build_pending_list, struct build_pending)

/* A cache entry that waits for its layer. */
struct build_entry {
	struct digest key;
	bool has_layer;
	struct digest blob, diff_id;
	uint64_t size;
	char created[TIME_RFC3339_MAX]; /* when the step was carried out */
};
DEFINE_VEC(build_entry_list, struct build_entry)

/* Where there is no overlay: files of an image laid one over the other into a plain tree. */
struct build_copy {
	struct build_tree tree;
	bool is_known;	    /* the layers below are what lies in it */
	struct digest *ids; /* lowest first; owned */
	size_t ids_len;
};

struct build_layers {
	struct store *store;
	const struct idmap *ids;
	struct store_tmp tmp;
	struct build_pending_list pending;
	struct build_entry_list entries;
	char *skeleton; /* absolute; lowest layer of all */
	unsigned next;	/* number of the next step's folder */
	uint64_t flushed_us;
	int64_t epoch;
	struct build_copy copy;	  /* what steps work in */
	struct build_copy source; /* what files were last copied from: links, only to be read */
};

int build_layers_init(struct build_layers *l, struct store *s, const struct idmap *ids, int64_t epoch, struct err *err);
/* What wasn't flushed goes. */
void build_layers_done(struct build_layers *l);

/* Unpacks what IMAGE has that is neither in the store nor waiting here. */
int build_layers_ensure(struct build_layers *l, const struct store_image *image, struct err *err);
/*
 * The overlay's lower folders for IMAGE, topmost first, the skeleton last; all must be there. Paths are absolute, or
 * with RELATIVE relative to the store's root.
 */
int build_layers_lowers(struct build_layers *l, const struct store_image *image, bool relative, struct strv *ret,
			struct err *err);

/* The folders of one step. */
struct build_upper {
	struct build_layers *layers;
	char name[16];
	char *upper, *work, *merged; /* absolute; owned */
	bool is_packed;		     /* PACKED says what the folder's archive, in the blob, is */
	struct layer_result packed;
	const char *tree; /* where there is no overlay: what the step works in instead, absolute; borrowed */
};
#define BUILD_UPPER_INIT ((struct build_upper){ 0 })
/* Makes them, the upper one with the mode of IMAGE's root. */
int build_upper_open(struct build_layers *l, const struct store_image *image, struct build_upper *ret, struct err *err);
/* For a kernel that refuses the overlay: the step is to work in a copy of IMAGE, in TREE. */
int build_upper_copy(struct build_upper *u, const struct store_image *image, struct err *err);
/* The file that the folder's archive goes to, for whoever packs it along the way. */
int build_upper_blob(const struct build_upper *u, struct err *err);
/* The step has left its copy as it was. */
void build_upper_unchanged(struct build_upper *u, const struct store_image *image);
/* Removes what is left of them. */
void build_upper_done(struct build_upper *u);
#define autoupper CLEANUP(build_upper_done)

/*
 * The upper folder becomes a layer: blob in the store, folder waiting, IMAGE one layer longer. ENTRY's fields but
 * the key are filled in. An empty folder makes no layer.
 */
int build_upper_commit(struct build_upper *u, struct store_image *image, struct build_entry *entry, struct err *err);

/* The files of IMAGE, to be read, in a tree that stays until the next call (absolute, borrowed). */
int build_layers_source(struct build_layers *l, const struct store_image *image, const char **ret, struct err *err);

/* Appends a layer that is in the store. */
int build_image_add_layer(struct store_image *image, const struct build_entry *entry, struct err *err);

/* Takes note of an entry to be written with the next flush. */
int build_layers_remember(struct build_layers *l, const struct build_entry *entry, struct err *err);
/* Sync, then layers and entries to their places. Nothing is done if nothing waits. */
int build_layers_flush(struct build_layers *l, struct err *err);
/* The same if some time has gone by since the last one. */
int build_layers_flush_sometimes(struct build_layers *l, struct err *err);

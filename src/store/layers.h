/*
 * Unpacked layers: layers/<hex of diff id>[.one]/fs, shared by all images, the overlay's lower folders.
 * layer/ensure.h unpacks; here is where they are, and how two commands agree on who does it.
 */
#pragma once

#include "codec/digest.h"
#include "store/store.h"

enum { LAYER_DIR_MAX = 112 };

/* "layers/<hex>[.one]" relative to root_fd, as the store's `single` and `variant` say. */
void layer_path(const struct store *s, const struct digest *diff_id, char dst[static LAYER_DIR_MAX]);
/* 1: unpacked; 0: not; or an error. One system call. */
int layer_exists(struct store *s, const struct digest *diff_id, struct err *err);
/* O_PATH descriptor of its fs folder, for fsconfig(2) "lowerdir+"; -ENOENT. */
int layer_open_fs(struct store *s, const struct digest *diff_id, struct err *err);

/* Layers that begin with the same bytes share their lock: who holds one must not ask for the other. */
enum { LAYER_LOCK_BYTES = 7 };
/*
 * The right to unpack this layer: waits as long as another process has it (and then finds the layer
 * there). Returns a descriptor, whose closing lets go.
 */
int layer_lock(struct store *s, const struct digest *diff_id, struct err *err);

/* What was counted when it was unpacked: layers/<…>/info.json. */
struct layer_info {
	uint64_t files;	    /* entries of the tar */
	uint64_t tree_size; /* bytes of regular files */
	uint64_t tar_size;  /* bytes of the uncompressed tar */
};
int layer_info_read(struct store *s, const struct digest *diff_id, struct layer_info *ret, struct err *err);
/* The same for FOLDER ("layers/<hex>[.one]"), also if it is of another mode than the store's. */
int layer_info_read_at(struct store *s, const char *folder, struct layer_info *ret, struct err *err);
/*
 * Gives the folder NAME in TMP (which holds fs/) its place, info.json included; the caller holds
 * layer_lock, has verified the diff id and called store_sync. One that is there already wins.
 */
int layer_commit(struct store_tmp *tmp, const char *name, const struct digest *diff_id, const struct layer_info *info,
		 struct err *err);

/*
 * `cloche unpack` and `cloche repack`: an image as a plain folder, and back.
 *
 *     DIR/rootfs/        the layers, one laid over the other; owners as in the store's layers (sys/idmap.h)
 *     DIR/config.json    an OCI runtime's configuration, made from the image's
 *     DIR/cloche.json    which image it was, and whose ids were mapped
 *     DIR/cloche.tree    what rootfs/ was like then (codec/tree_record.h)
 *
 * All of it is made in a folder beside DIR, ".NAME.cloche-part", which gets DIR's name when it is complete. One that a killed
 * command has left goes when the next one unpacks there.
 */
#pragma once

#include "engine/image/find.h"
#include "engine/image/put.h"
#include "engine/image/remote.h"

#define BUNDLE_ROOTFS "rootfs"
#define BUNDLE_INFO "cloche.json"
#define BUNDLE_RECORD "cloche.tree"

/* --- unpack --- */

struct unpack_options {
	struct remote_options remote;
	const char *platform;
	enum pull_policy pull;
	bool raw; /* DIR becomes the root file system itself, and can't be packed again */
	void (*on_notice)(const char *text, void *arg); /* may be NULL */
	void *arg;
};

struct unpack_outcome {
	struct digest manifest;
	size_t layers;
	uint64_t entries, lost_owners, lost_xattrs;
};

/*
 * IMAGE: at one of the places of move/place.h, else of the store, where it is brought to if it isn't there. DIR must not
 * be there, or be empty. -EEXIST.
 */
int engine_unpack(struct engine *e, const char *image, const char *dir, const struct unpack_options *options,
		  struct unpack_outcome *ret, struct err *err);

/* --- repack --- */

struct repack_options {
	struct image_words words;
	const struct strv
		*masks; /* absolute paths in the root that are left as they were; and the image's volumes, unless */
	bool no_mask_volumes;
	bool refresh; /* the bundle is then one of the new image */
	enum layer_compression compression;
	int level;
};

struct repack_outcome {
	bool is_unchanged; /* nothing has changed, and NAME has the image that was unpacked */
	struct digest manifest, id;
	struct layer_result layer;
};

int engine_repack(struct engine *e, const char *dir, const struct reference *name, const struct repack_options *options,
		  struct repack_outcome *ret, struct err *err);

/* --- its parts --- */

struct bundle_info {
	char *image;  /* as it was asked for; owned */
	char *source; /* a place (move/place.h) that has it, if it was not the store; or NULL; owned */
	struct digest manifest;
	enum id_mode ids;
};
void bundle_info_done(struct bundle_info *i);
int bundle_info_read(int dir_fd, struct bundle_info *ret, struct err *err);
int bundle_info_write(int dir_fd, const struct bundle_info *i, struct err *err);
/* Writes DIR_FD/config.json; the names of users are looked up in ROOTFS_FD. */
int bundle_config_write(const struct idmap *ids, const struct image_config *image, int dir_fd, int rootfs_fd,
			void (*on_notice)(const char *text, void *arg), void *arg, struct err *err);
/* Writes down what rootfs/ is like now. */
int bundle_record(const struct idmap *ids, int dir_fd, int rootfs_fd, struct err *err);

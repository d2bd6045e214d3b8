/* Archives become unpacked layers of the store, several at a time: what load, import and a first run share. */
#pragma once

#include "layer/client.h"
#include "store/store.h"

struct unpack;

struct unpack_source {
	/*
	 * Asked once the layer's lock is held: whether it has to be read, though another process may just have brought it.
	 * 1 or 0.
	 */
	int (*is_needed)(struct unpack *item, void *arg, struct err *err);
	/* A descriptor to read from, which the caller closes once the helper has it. */
	int (*open)(struct unpack *item, void *arg, struct err *err);
	/* Returns when JOB_FD is readable; until then the source may do what it has to. */
	int (*wait)(struct unpack *item, int job_fd, void *arg, struct err *err);
	/* Reading has ended, well or not; a failure here is the reason for whatever else failed. */
	int (*close)(struct unpack *item, void *arg, struct err *err);
	/* The item has been read and verified, and its lock is still held. */
	int (*keep)(struct unpack *item, void *arg, struct err *err);
	void *arg;
};

/* One layer. `in` says where it comes from and must carry the diff id that it has to have. */
struct unpack {
	struct layer_input in;
	/*
	 * A file of this name is made in TMP with the archive's bytes as they came, for blob_commit; NULL: none.
	 * The layer is then read also if it is unpacked already.
	 */
	const char *blob_name;
	/* The layer is read, and so verified, also if it is unpacked already. */
	bool always_read;
	/*
	 * Where the bytes come from, if not from in.fd: from somewhere that is only asked when the layer's turn has come, and
	 * not at all if it is there by then. NULL: in.fd is open.
	 */
	const struct unpack_source *source;
	/* Set afterwards; `read` is false if the layer was there and nothing was read. */
	struct layer_result result;
	bool read;
};

/*
 * Unpacks ITEMS into layers/, side by side; what is there already is left alone, and what another process
 * is unpacking is waited for. Digests and diff ids are verified before any folder gets its name; then
 * everything is on disk. After an error (which says which layer of how many) none of these has been added.
 */
int layers_unpack(struct store_tmp *tmp, const struct idmap *ids, struct unpack *items, size_t len, struct err *err);

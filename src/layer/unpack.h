/* Archives become unpacked layers of the store, several at a time: what load, import and a first run share. */
#pragma once

#include "layer/client.h"
#include "store/store.h"

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

/* An image's layers, unpacked: each once for all images, all missing ones side by side. */
#pragma once

#include "base/err.h"
#include "store/image.h"

struct idmap;

/*
 * Unpacks those layers of IMG that aren't yet in the store, with IDS (whose mode is the store's). Digest
 * and diff id of each are verified before its folder gets its name. If another process is unpacking one,
 * waits for it. With everything there, costs one system call a layer. After an error nothing is left behind;
 * layers that were finished stay.
 */
int layers_ensure(struct store *s, const struct idmap *ids, const struct store_image *img, struct err *err);

/* store_sweep and deletion of trash/ with a helper that can remove files of mapped ids. Never fails: what stays is met again. */
void layers_sweep(struct store *s, const struct idmap *ids);

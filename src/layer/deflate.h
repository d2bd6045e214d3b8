/* Compression of streams: gzip by ISA-L (levels 1 to 3), zstd (1 to 19), and none. */
#pragma once

#include "base/err.h"
#include "layer/client.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct deflate;

/* LEVEL 0: the default. What is beyond the library's range is taken as its nearest end. */
int deflate_new(enum layer_compression compression, int level, struct deflate **ret, struct err *err);
void deflate_free(struct deflate *z);
/*
 * Takes all of IN and gives what comes out, in pieces, to WRITE. With LAST, ends the stream. The bytes
 * depend on how the input is cut into calls: for reproducible output cut it in the same way each time.
 */
int deflate_run(struct deflate *z, const uint8_t *in, size_t len, bool last,
		int (*write)(void *arg, const uint8_t *data, size_t len, struct err *err), void *arg, struct err *err);

/*
 * Compression for `save --smallest`: time is no object, bytes are. gzip by zopfli, which tries deflate's choices over and
 * over; zstd at its highest level, without checksum. The same input gives the same bytes. One thread: the work goes block by block of
 * a MB in about 40 MiB of memory.
 */
#pragma once

#include "base/err.h"
#include "layer/client.h"

#include <stddef.h>
#include <stdint.h>

struct smallest;

/* TOTAL: exactly how many bytes will be written, 0: not known; how much is tried depends on it. OUT_FD is borrowed. */
int smallest_new(int out_fd, enum layer_compression compression, uint64_t total, struct smallest **ret,
		 struct err *err);
int smallest_write(struct smallest *s, const void *data, size_t len, struct err *err);
/* Ends it; RET_SIZE: bytes that came out. */
int smallest_finish(struct smallest *s, uint64_t *ret_size, struct err *err);
void smallest_free(struct smallest *s);

/*
 * An archive being written: the caller fills blocks with uncompressed bytes, a second thread compresses,
 * digests and writes them. Archives of less than a block don't start the thread.
 */
#pragma once

#include "base/err.h"
#include "layer/client.h"

#include <stddef.h>
#include <stdint.h>

struct sink;

/* OUT_FD is borrowed until sink_free. */
int sink_open(int out_fd, enum layer_compression compression, int level, struct sink **ret, struct err *err);
int sink_write(struct sink *s, const void *data, size_t len, struct err *err);
/* Room to fill directly: at least one byte; then sink_advance says how much was filled. */
int sink_room(struct sink *s, uint8_t **ret, size_t *ret_len, struct err *err);
void sink_advance(struct sink *s, size_t len);
int sink_zeros(struct sink *s, uint64_t len, struct err *err);
/* Writes all; sets digests, sizes and compression of RESULT. */
int sink_finish(struct sink *s, struct layer_result *result, struct err *err);
void sink_free(struct sink *s);

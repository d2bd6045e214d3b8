/*
 * Decompression of streams: gzip (ISA-L), zstd, bzip2, xz, and none. Concatenated members and frames are
 * one stream, as their formats say. Anything behind the last that isn't such a member is an error.
 */
#pragma once

#include "base/err.h"
#include "layer/client.h"

#include <stddef.h>
#include <stdint.h>

/* What the first bytes say. LEN may be less than INFLATE_MAGIC_MAX at the end of input. */
enum { INFLATE_MAGIC_MAX = 6 };
enum layer_compression inflate_detect(const uint8_t *magic, size_t len);

struct inflate;

int inflate_new(enum layer_compression compression, struct inflate **ret, struct err *err);
void inflate_free(struct inflate *z);
/*
 * Goes on as far as input and room allow; advances the four. Returns 0. If the output is not filled, it
 * needs more input.
 */
int inflate_run(struct inflate *z, const uint8_t **in, size_t *in_len, uint8_t **out, size_t *out_len, struct err *err);
/* The input is at its end: 0, or -EBADMSG if it ended in the middle. */
int inflate_end(struct inflate *z, struct err *err);
const char *layer_compression_name(enum layer_compression compression);

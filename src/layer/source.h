/*
 * An archive as a stream of uncompressed bytes. A thread of its own reads, digests, copies (tee) and
 * decompresses; the caller takes the blocks, which are digested on the way if they differ from the input.
 */
#pragma once

#include "base/err.h"
#include "layer/client.h"

#include <stddef.h>
#include <stdint.h>

struct source;

/* IN and LIMITS are copied; the descriptors are borrowed until source_free. */
int source_open(const struct layer_input *in, const struct layer_limits *limits, struct source **ret, struct err *err);
/* The next bytes, valid until the next call: their length, 0 at the end, or an error. */
int64_t source_read(struct source *s, const uint8_t **ret, struct err *err);
/*
 * After source_read has returned 0: checks digests and size against what was expected, and sets the
 * digests, sizes and the compression of RESULT.
 */
int source_finish(struct source *s, struct layer_result *result, struct err *err);
/* Ends the thread, whatever it is waiting for. */
void source_free(struct source *s);

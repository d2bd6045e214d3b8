/*
 * A ring of blocks between one thread that fills them and one that uses them up. No byte is copied: each
 * side works in the block that it holds. Either side can end it with an error that the other then gets.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Two MiB in all: enough to smooth the two sides' pace, small enough to stay in the cache. */
enum { RING_BLOCK_SIZE = 256 * 1024, RING_BLOCKS = 8 };

struct ring;

/* NULL without memory. */
struct ring *ring_new(void);
void ring_free(struct ring *r);

/*
 * The block to fill next: RING_BLOCK_SIZE bytes, or NULL if the other side has given up. Blocks while
 * all are full.
 */
uint8_t *ring_fill(struct ring *r);
/* It has LEN bytes; LEN > 0. */
void ring_filled(struct ring *r, size_t len);
/* No more blocks: the end, or an error if ERR->code is set (copied; ERR may be NULL). */
void ring_end(struct ring *r, const struct err *err);

/*
 * The next block to use up. Returns its length, 0 at the end, or the filler's error. Blocks while all
 * are empty. The block before it is given back.
 */
int64_t ring_use(struct ring *r, const uint8_t **ret, struct err *err);
/* Wants no more: the filler's next ring_fill returns NULL. */
void ring_give_up(struct ring *r);
bool ring_given_up(struct ring *r);

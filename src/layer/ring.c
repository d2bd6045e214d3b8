#include "layer/ring.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

struct ring {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	uint64_t filled, used; /* counts of blocks since the start; their difference is what is full */
	bool ended, given_up, holds;
	struct err error;
	size_t lens[RING_BLOCKS];
	uint8_t *blocks;
};

/*
 * Memory that was never touched costs a fault for each 4 KiB, 10 to 30 us in a virtual machine: more than all else that is done
 * with a small layer. So the ring is one huge page where the kernel gives those on demand, and where it doesn't, the pages of a
 * block come by one call (Linux 5.14; older ones refuse, which is no harm).
 */
enum { RING_SIZE = RING_BLOCKS * RING_BLOCK_SIZE };

static void ask_for_pages(uint8_t *block)
{
	(void)madvise(block, RING_BLOCK_SIZE, MADV_POPULATE_WRITE);
}

struct ring *ring_new(void)
{
	struct ring *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->blocks = aligned_alloc(RING_SIZE, RING_SIZE);
	if (!r->blocks) {
		free(r);
		return NULL;
	}
	(void)madvise(r->blocks, RING_SIZE, MADV_HUGEPAGE);
	pthread_mutex_init(&r->mutex, NULL);
	pthread_cond_init(&r->changed, NULL);
	return r;
}

void ring_free(struct ring *r)
{
	if (!r)
		return;
	pthread_mutex_destroy(&r->mutex);
	pthread_cond_destroy(&r->changed);
	free(r->blocks);
	free(r);
}

uint8_t *ring_fill(struct ring *r)
{
	uint8_t *block = NULL;
	bool is_new = false;

	pthread_mutex_lock(&r->mutex);
	while (r->filled - r->used == RING_BLOCKS && !r->given_up)
		pthread_cond_wait(&r->changed, &r->mutex);
	if (!r->given_up) {
		block = r->blocks + r->filled % RING_BLOCKS * RING_BLOCK_SIZE;
		is_new = r->filled < RING_BLOCKS;
	}
	pthread_mutex_unlock(&r->mutex);
	if (is_new)
		ask_for_pages(block);
	return block;
}

void ring_filled(struct ring *r, size_t len)
{
	pthread_mutex_lock(&r->mutex);
	r->lens[r->filled % RING_BLOCKS] = len;
	/* Only a side that may be waiting is woken. */
	if (r->filled++ == r->used + r->holds)
		pthread_cond_signal(&r->changed);
	pthread_mutex_unlock(&r->mutex);
}

void ring_end(struct ring *r, const struct err *err)
{
	pthread_mutex_lock(&r->mutex);
	r->ended = true;
	if (err)
		r->error = *err;
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->mutex);
}

int64_t ring_use(struct ring *r, const uint8_t **ret, struct err *err)
{
	int64_t n;

	pthread_mutex_lock(&r->mutex);
	if (r->holds) {
		r->holds = false;
		if (r->filled - r->used++ == RING_BLOCKS)
			pthread_cond_signal(&r->changed);
	}
	while (r->filled == r->used && !r->ended)
		pthread_cond_wait(&r->changed, &r->mutex);
	if (r->filled != r->used) {
		size_t at = r->used % RING_BLOCKS;

		*ret = r->blocks + at * RING_BLOCK_SIZE;
		n = (int64_t)r->lens[at];
		r->holds = true;
	} else {
		n = -r->error.code;
		if (r->error.code && err)
			*err = r->error;
	}
	pthread_mutex_unlock(&r->mutex);
	return n;
}

void ring_give_up(struct ring *r)
{
	pthread_mutex_lock(&r->mutex);
	r->given_up = true;
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->mutex);
}

bool ring_given_up(struct ring *r)
{
	bool given_up;

	pthread_mutex_lock(&r->mutex);
	given_up = r->given_up;
	pthread_mutex_unlock(&r->mutex);
	return given_up;
}

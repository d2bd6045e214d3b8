#include "layer/sink.h"

#include "layer/deflate.h"
#include "layer/ring.h"
#include "layer/sha256.h"
#include "sys/fs.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct sink {
	int out_fd;
	enum layer_compression compression;
	struct ring *ring;
	pthread_t thread;
	bool has_thread;

	/* The filler's. */
	uint8_t *block;
	size_t len; /* filled of BLOCK */
	uint64_t size;
	struct sha256 sha;

	/* The thread's, until it has ended. */
	struct deflate *deflate;
	struct sha256 out_sha;
	uint64_t out_size;
	struct err err;
	int result;
};

static int write_out(void *arg, const uint8_t *data, size_t len, struct err *err)
{
	struct sink *s = arg;

	if (s->compression != LAYER_PLAIN_TAR)
		sha256_add(&s->out_sha, data, len);
	s->out_size += len;
	return fs_write_all(s->out_fd, data, len, err);
}

/* All blocks till the end. */
static int drain(struct sink *s, struct err *err)
{
	const uint8_t *block;
	int64_t n;

	while ((n = ring_use(s->ring, &block, err)) > 0) {
		int r = deflate_run(s->deflate, block, (size_t)n, false, write_out, s, err);

		if (r < 0)
			return r;
	}
	return n < 0 ? (int)n : deflate_run(s->deflate, NULL, 0, true, write_out, s, err);
}

static void *run_thread(void *arg)
{
	struct sink *s = arg;

	s->result = drain(s, &s->err);
	if (s->result < 0)
		ring_give_up(s->ring);
	return NULL;
}

int sink_open(int out_fd, enum layer_compression compression, int level, struct sink **ret, struct err *err)
{
	struct sink *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return err_oom(err);
	s->out_fd = out_fd;
	s->compression = compression;
	s->ring = ring_new();
	sha256_init(&s->sha);
	sha256_init(&s->out_sha);
	r = s->ring ? deflate_new(compression, level, &s->deflate, err) : err_oom(err);
	if (r < 0) {
		sink_free(s);
		return r;
	}
	*ret = s;
	return 0;
}

static int join(struct sink *s, struct err *err)
{
	pthread_join(s->thread, NULL);
	s->has_thread = false;
	if (s->result < 0 && err)
		*err = s->err;
	return s->result;
}

/* Passes the block on. A second block is wanted only if there is more to come, so the thread is started here. */
static int push(struct sink *s, struct err *err)
{
	int r;

	sha256_add(&s->sha, s->block, s->len);
	s->size += s->len;
	ring_filled(s->ring, s->len);
	s->block = NULL;
	s->len = 0;
	if (s->has_thread)
		return 0;
	r = pthread_create(&s->thread, NULL, run_thread, s);
	if (r != 0)
		return err_errno(err, r, "start a thread");
	s->has_thread = true;
	return 0;
}

int sink_room(struct sink *s, uint8_t **ret, size_t *ret_len, struct err *err)
{
	if (s->block && s->len == RING_BLOCK_SIZE) {
		int r = push(s, err);

		if (r < 0)
			return r;
	}
	if (!s->block) {
		s->block = ring_fill(s->ring);
		/* The thread has given up: its error is ours. */
		if (!s->block)
			return s->has_thread ? join(s, err) : err_set(err, EIO, "the writer has stopped");
	}
	*ret = s->block + s->len;
	*ret_len = RING_BLOCK_SIZE - s->len;
	return 0;
}

void sink_advance(struct sink *s, size_t len)
{
	s->len += len;
}

int sink_write(struct sink *s, const void *data, size_t len, struct err *err)
{
	const uint8_t *p = data;

	while (len > 0) {
		uint8_t *at;
		size_t room;
		int r = sink_room(s, &at, &room, err);

		if (r < 0)
			return r;
		if (room > len)
			room = len;
		memcpy(at, p, room);
		sink_advance(s, room);
		p += room;
		len -= room;
	}
	return 0;
}

int sink_zeros(struct sink *s, uint64_t len, struct err *err)
{
	while (len > 0) {
		uint8_t *at;
		size_t room;
		int r = sink_room(s, &at, &room, err);

		if (r < 0)
			return r;
		if (room > len)
			room = (size_t)len;
		memset(at, 0, room);
		sink_advance(s, room);
		len -= room;
	}
	return 0;
}

int sink_finish(struct sink *s, struct layer_result *result, struct err *err)
{
	int r;

	if (s->block && s->len > 0) {
		sha256_add(&s->sha, s->block, s->len);
		s->size += s->len;
		ring_filled(s->ring, s->len);
	}
	s->block = NULL;
	ring_end(s->ring, NULL);
	r = s->has_thread ? join(s, err) : drain(s, err);
	if (r < 0)
		return r;
	sha256_end(&s->sha, &result->diff_id);
	result->diff_size = s->size;
	result->size = s->out_size;
	result->compression = s->compression;
	result->digest = result->diff_id;
	if (s->compression != LAYER_PLAIN_TAR)
		sha256_end(&s->out_sha, &result->digest);
	return 0;
}

void sink_free(struct sink *s)
{
	if (!s)
		return;
	if (s->has_thread) {
		const struct err stopped = { .code = ECANCELED };

		ring_end(s->ring, &stopped);
		pthread_join(s->thread, NULL);
	}
	deflate_free(s->deflate);
	ring_free(s->ring);
	free(s);
}

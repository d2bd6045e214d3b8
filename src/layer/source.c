#include "layer/source.h"

#include "base/cleanup.h"
#include "layer/inflate.h"
#include "layer/ring.h"
#include "layer/sha256.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_SIZE = 256 * 1024, TEE_STEP = 8 << 20 };

struct source {
	struct layer_input in;
	uint64_t bytes_max, ratio_max;
	pthread_t thread;
	bool has_thread, is_file, is_tee;
	uint64_t tee_size, tee_begun; /* what is written, and what of it the disk was told to begin with */
	int stop_fd;		      /* an eventfd that ends a wait for input */
	struct ring *ring;

	/* The thread's own until it has ended the ring. */
	uint64_t raw_size, left; /* LEFT: of a part of a file */
	struct sha256 raw_sha;
	struct digest raw_digest;
	enum layer_compression compression;
	struct inflate *inflate;

	/* The caller's. */
	uint64_t size;
	bool ended;
	struct sha256 sha;
};

/* At most WANT bytes of the input: their number, 0 at the end or when asked to stop. */
static ssize_t read_input(struct source *s, uint8_t *dst, size_t want, struct err *err)
{
	ssize_t n;

	if (s->in.size && s->left < want)
		want = (size_t)s->left;
	if (want == 0)
		return 0;
	do {
		struct pollfd fds[] = { { s->in.fd, POLLIN, 0 }, { s->stop_fd, POLLIN, 0 } };

		if (!s->is_file && poll(fds, ARRAY_SIZE(fds), -1) > 0 && fds[1].revents)
			return 0;
		n = s->in.size ? pread(s->in.fd, dst, want, (off_t)(s->in.offset + s->raw_size))
			       : read(s->in.fd, dst, want);
	} while (n < 0 && (errno == EINTR || errno == EAGAIN));
	if (n < 0)
		return err_errno(err, errno, "read the archive");
	if (n == 0 && s->in.size)
		return err_set(err, EBADMSG, "the file ends %" PRIu64 " bytes before its part does", s->left);
	s->left -= s->in.size ? (uint64_t)n : 0;
	s->raw_size += (uint64_t)n;
	if (s->in.expected_size && s->raw_size > s->in.expected_size)
		return err_set(err, EBADMSG, "it is longer than the %" PRIu64 " bytes that are stated",
			       s->in.expected_size);
	return n;
}

static int check_limits(const struct source *s, uint64_t unpacked, struct err *err)
{
	if (unpacked > s->bytes_max)
		return err_set(err, E2BIG, "it unpacks to more than %" PRIu64 " MiB", s->bytes_max >> 20);
	if (unpacked > LAYER_RATIO_FREE && (unpacked - LAYER_RATIO_FREE) / s->ratio_max > s->raw_size) {
		err_set(err, E2BIG, "it unpacks to more than %" PRIu64 " times its size: a compression bomb",
			s->ratio_max);
		return err_hint(
			err,
			"an archive that is meant to be so must be made less compressible, or unpacked by other means");
	}
	return 0;
}

/* Decompresses a chunk into blocks. BLOCK and ROOM are what is left of the one that is being filled. */
static int inflate_chunk(struct source *s, const uint8_t *in, size_t in_len, uint8_t **block, size_t *room,
			 uint64_t *unpacked, struct err *err)
{
	for (;;) {
		size_t room_before = *room;
		uint8_t *at;
		int r;

		if (!*block) {
			*block = ring_fill(s->ring);
			*room = room_before = RING_BLOCK_SIZE;
			if (!*block)
				return -ECANCELED;
		}
		at = *block + RING_BLOCK_SIZE - *room;
		r = inflate_run(s->inflate, &in, &in_len, &at, room, err);
		*unpacked += room_before - *room;
		if (r >= 0)
			r = check_limits(s, *unpacked, err);
		if (r < 0)
			return r;
		if (*room > 0)
			return 0;
		ring_filled(s->ring, RING_BLOCK_SIZE);
		*block = NULL;
	}
}

/*
 * The copy is large, and the caller syncs it at the end: the disk begins with it now, while the rest is still being
 * unpacked.
 */
static int write_tee(struct source *s, const void *data, size_t len, struct err *err)
{
	if (fs_write_all(s->in.tee_fd, data, len, err) < 0)
		return err_wrap(err, "copy the archive");
	s->tee_size += len;
	if (s->tee_size - s->tee_begun < TEE_STEP)
		return 0;
	(void)sync_file_range(s->in.tee_fd, (off_t)s->tee_begun, (off_t)(s->tee_size - s->tee_begun),
			      SYNC_FILE_RANGE_WRITE);
	s->tee_begun = s->tee_size;
	return 0;
}

static int take_chunk(struct source *s, const uint8_t *chunk, size_t len, bool tee_raw, struct err *err)
{
	sha256_add(&s->raw_sha, chunk, len);
	if (!tee_raw)
		return 0;
	return write_tee(s, chunk, len, err);
}

/* Compressed input, whose first FIRST bytes are in CHUNK. */
static int pump_compressed(struct source *s, uint8_t *chunk, ssize_t n, struct err *err)
{
	bool tee_raw = s->is_tee && s->compression <= LAYER_ZSTD;
	uint64_t unpacked = 0;
	uint8_t *block = NULL;
	size_t room = 0;
	int r = inflate_new(s->compression, &s->inflate, err);

	for (; r >= 0 && n > 0; n = r < 0 ? 0 : read_input(s, chunk, READ_SIZE, err)) {
		r = take_chunk(s, chunk, (size_t)n, tee_raw, err);
		if (r >= 0)
			r = inflate_chunk(s, chunk, (size_t)n, &block, &room, &unpacked, err);
	}
	if (r >= 0)
		r = n < 0 ? (int)n : inflate_end(s->inflate, err);
	if (r >= 0 && block && room < RING_BLOCK_SIZE)
		ring_filled(s->ring, RING_BLOCK_SIZE - room);
	return r;
}

/* Uncompressed input is read straight into the blocks; the first is filled already. */
static int pump_plain(struct source *s, uint8_t *block, ssize_t n, struct err *err)
{
	int r = 0;

	while (r >= 0 && n > 0) {
		r = take_chunk(s, block, (size_t)n, s->is_tee, err);
		if (r >= 0)
			r = check_limits(s, s->raw_size, err);
		if (r < 0)
			return r;
		ring_filled(s->ring, (size_t)n);
		block = ring_fill(s->ring);
		if (!block)
			return -ECANCELED;
		n = read_input(s, block, READ_SIZE, err);
	}
	return r < 0 ? r : (int)n;
}

/* A pipe may give the magic in pieces. */
static ssize_t read_first(struct source *s, uint8_t *dst, struct err *err)
{
	size_t have = 0;

	while (have < INFLATE_MAGIC_MAX) {
		ssize_t n = read_input(s, dst + have, READ_SIZE - have, err);

		if (n < 0)
			return n;
		if (n == 0)
			break;
		have += (size_t)n;
	}
	return (ssize_t)have;
}

static int pump(struct source *s, struct err *err)
{
	autofree uint8_t *chunk = malloc(READ_SIZE);
	ssize_t n;

	if (!chunk)
		return err_oom(err);
	n = read_first(s, chunk, err);
	if (n < 0)
		return (int)n;
	s->compression = inflate_detect(chunk, (size_t)n);
	if (s->compression == LAYER_PLAIN_TAR) {
		uint8_t *block = ring_fill(s->ring);

		if (!block)
			return -ECANCELED;
		memcpy(block, chunk, (size_t)n);
		return pump_plain(s, block, n, err);
	}
	return pump_compressed(s, chunk, n, err);
}

static void *run_thread(void *arg)
{
	struct source *s = arg;
	struct err err = { 0 };
	int r = pump(s, &err);

	if (r == -ECANCELED && !err.code)
		err_set(&err, ECANCELED, "stopped");
	sha256_end(&s->raw_sha, &s->raw_digest);
	ring_end(s->ring, r < 0 ? &err : NULL);
	return NULL;
}

static int start_thread(struct source *s, struct err *err)
{
	pthread_attr_t attr;
	int r;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 512 * 1024);
	r = pthread_create(&s->thread, &attr, run_thread, s);
	pthread_attr_destroy(&attr);
	if (r != 0)
		return err_errno(err, r, "start a thread");
	s->has_thread = true;
	return 0;
}

int source_open(const struct layer_input *in, const struct layer_limits *limits, struct source **ret, struct err *err)
{
	struct source *s = calloc(1, sizeof(*s));
	struct stat st;
	int r;

	if (!s)
		return err_oom(err);
	s->in = *in;
	s->left = in->size;
	s->bytes_max = limits->bytes ? limits->bytes : LAYER_BYTES_MAX;
	s->ratio_max = limits->ratio ? limits->ratio : LAYER_RATIO_MAX;
	s->is_tee = in->tee_fd > 0;
	s->is_file = fstat(in->fd, &st) == 0 && S_ISREG(st.st_mode);
	s->stop_fd = eventfd(0, EFD_CLOEXEC);
	s->ring = ring_new();
	sha256_init(&s->raw_sha);
	sha256_init(&s->sha);
	if (s->is_file)
		(void)posix_fadvise(in->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	r = s->ring && s->stop_fd >= 0 ? start_thread(s, err) : err_oom(err);
	if (r < 0) {
		source_free(s);
		return r;
	}
	*ret = s;
	return 0;
}

int64_t source_read(struct source *s, const uint8_t **ret, struct err *err)
{
	int64_t n = s->ended ? 0 : ring_use(s->ring, ret, err);

	if (n <= 0) {
		s->ended = true;
		return n;
	}
	s->size += (uint64_t)n;
	/* The first block came after the thread had found out the compression. */
	if (s->compression != LAYER_PLAIN_TAR) {
		sha256_add(&s->sha, *ret, (size_t)n);
		if (s->is_tee && s->compression > LAYER_ZSTD) {
			int r = write_tee(s, *ret, (size_t)n, err);

			if (r < 0)
				return r;
		}
	}
	return n;
}

static int check_digest(const char *what, const struct digest *wanted, const struct digest *got, struct err *err)
{
	char w[DIGEST_STR_MAX], g[DIGEST_STR_MAX];

	if (digest_equal(wanted, got))
		return 0;
	digest_format(wanted, w);
	digest_format(got, g);
	err_set(err, EBADMSG, "the %s is %s, expected %s", what, g, w);
	return err_hint(err, "it was damaged or changed on its way: get it again from where it came");
}

int source_finish(struct source *s, struct layer_result *result, struct err *err)
{
	struct digest diff_id = s->raw_digest;
	int r = 0;

	if (s->compression != LAYER_PLAIN_TAR)
		sha256_end(&s->sha, &diff_id);
	if (s->in.expected_size && s->raw_size != s->in.expected_size)
		return err_set(err, EBADMSG, "it has %" PRIu64 " bytes, expected %" PRIu64, s->raw_size,
			       s->in.expected_size);
	if (s->in.has_digest)
		r = check_digest("digest", &s->in.digest, &s->raw_digest, err);
	if (r >= 0 && s->in.has_diff_id)
		r = check_digest("diff id (digest of the uncompressed layer)", &s->in.diff_id, &diff_id, err);
	if (r < 0)
		return r;
	result->diff_id = diff_id;
	result->diff_size = s->size;
	result->digest = s->raw_digest;
	result->size = s->raw_size;
	result->compression = s->compression;
	if (s->is_tee && s->compression > LAYER_ZSTD) {
		result->digest = diff_id;
		result->size = s->size;
		result->compression = LAYER_PLAIN_TAR;
	}
	return 0;
}

void source_free(struct source *s)
{
	if (!s)
		return;
	if (s->has_thread) {
		const uint64_t one = 1;

		ring_give_up(s->ring);
		(void)!write(s->stop_fd, &one, sizeof(one));
		pthread_join(s->thread, NULL);
	}
	inflate_free(s->inflate);
	ring_free(s->ring);
	if (s->stop_fd >= 0)
		close(s->stop_fd);
	free(s);
}

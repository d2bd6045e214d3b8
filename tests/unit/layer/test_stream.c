/* Bytes through the sink and back through the source: each compression, each side of a block's size. */
#include "tests/unit/test.h"

#include "base/cleanup.h"
#include "layer/ring.h"
#include "layer/sink.h"
#include "layer/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const struct layer_limits no_limits;

/* Half noise, half repetition, the same for the same length. */
static uint8_t *make_data(size_t len)
{
	uint8_t *data = malloc(len + 1);
	uint32_t x = 1;

	assert_non_null(data);
	for (size_t i = 0; i < len; i++) {
		x = x * 1664525 + 1013904223;
		data[i] = i / 512 % 2 ? (uint8_t)(x >> 24) : (uint8_t)(i / 4096);
	}
	return data;
}

static int temp_file(void)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void write_through(int fd, enum layer_compression compression, const uint8_t *data, size_t len,
			  struct layer_result *result)
{
	struct sink *s;

	assert_int_equal(sink_open(fd, compression, 0, &s, NULL), 0);
	/* In odd pieces: how it is cut must not show. */
	for (size_t at = 0, n; at < len; at += n) {
		n = len - at < 777 + at % 5000 ? len - at : 777 + at % 5000;
		assert_int_equal(sink_write(s, data + at, n, NULL), 0);
	}
	assert_int_equal(sink_finish(s, result, NULL), 0);
	sink_free(s);
}

static int read_back(const struct layer_input *in, const struct layer_limits *limits, const uint8_t *data, size_t len,
		     struct layer_result *result)
{
	struct source *s;
	const uint8_t *got;
	size_t at = 0;
	int64_t n;
	int r;

	assert_int_equal(source_open(in, limits, &s, NULL), 0);
	while ((n = source_read(s, &got, NULL)) > 0) {
		assert_true(!data || at + (size_t)n <= len);
		if (data)
			assert_memory_equal(got, data + at, (size_t)n);
		at += (size_t)n;
	}
	r = n < 0 ? (int)n : source_finish(s, result, NULL);
	if (r == 0 && data)
		assert_int_equal(at, len);
	source_free(s);
	return r;
}

static void test_round_trips(void **state)
{
	static const size_t lens[] = { 1, 5, 1024, RING_BLOCK_SIZE - 1, RING_BLOCK_SIZE, RING_BLOCK_SIZE + 1, 9000000 };

	(void)state;
	for (int c = LAYER_PLAIN_TAR; c <= LAYER_ZSTD; c++) {
		for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
			struct layer_result made = { 0 }, got = { 0 };
			uint8_t *data = make_data(lens[i]);
			int fd = temp_file();
			struct layer_input in = { .fd = fd, .has_digest = true, .has_diff_id = true };

			write_through(fd, (enum layer_compression)c, data, lens[i], &made);
			assert_int_equal(made.diff_size, lens[i]);
			lseek(fd, 0, SEEK_SET);
			in.digest = made.digest;
			in.diff_id = made.diff_id;
			in.expected_size = made.size;
			assert_int_equal(read_back(&in, &no_limits, data, lens[i], &got), 0);
			assert_int_equal(got.compression, c);
			assert_int_equal(got.size, made.size);
			close(fd);
			free(data);
		}
	}
}

static void test_lies_are_found(void **state)
{
	uint8_t *data = make_data(100000);
	struct layer_result made = { 0 }, got;
	struct layer_input in;
	int fd = temp_file();

	(void)state;
	write_through(fd, LAYER_GZIP, data, 100000, &made);
	for (int lie = 0; lie < 4; lie++) {
		in = (struct layer_input){ .fd = fd,
					   .has_digest = true,
					   .digest = made.digest,
					   .has_diff_id = true,
					   .diff_id = made.diff_id,
					   .expected_size = made.size };
		in.digest.bytes[31] ^= lie == 0;
		in.diff_id.bytes[0] ^= lie == 1;
		in.expected_size += lie == 2 ? 1 : 0;
		in.expected_size -= lie == 3 ? 1 : 0;
		lseek(fd, 0, SEEK_SET);
		assert_int_equal(read_back(&in, &no_limits, data, 100000, &got), -EBADMSG);
	}
	close(fd);
	free(data);
}

static void test_every_cut_is_found(void **state)
{
	uint8_t *data = make_data(3000);

	(void)state;
	for (int c = LAYER_GZIP; c <= LAYER_ZSTD; c++) {
		struct layer_result made = { 0 }, got;
		int fd = temp_file();

		write_through(fd, (enum layer_compression)c, data, 3000, &made);
		for (size_t len = made.size - 1; len > 6; len -= len > 40 ? 13 : 1) {
			struct layer_input in = { .fd = fd };

			assert_int_equal(ftruncate(fd, (off_t)len), 0);
			lseek(fd, 0, SEEK_SET);
			assert_int_equal(read_back(&in, &no_limits, NULL, 0, &got), -EBADMSG);
		}
		close(fd);
	}
	free(data);
}

static void test_limits(void **state)
{
	const struct layer_limits small = { .bytes = 99999 };
	uint8_t *data = make_data(100000);
	struct layer_result made = { 0 }, got;
	int fd = temp_file();
	struct layer_input in = { .fd = fd };

	(void)state;
	write_through(fd, LAYER_ZSTD, data, 100000, &made);
	lseek(fd, 0, SEEK_SET);
	assert_int_equal(read_back(&in, &small, NULL, 0, &got), -E2BIG);
	close(fd);
	free(data);
}

/* A part of a file, a pipe in small pieces, several gzip members, and a copy of what is read. */
static void test_inputs(void **state)
{
	uint8_t *data = make_data(50000);
	struct layer_result first = { 0 }, second = { 0 }, got = { 0 };
	int fd = temp_file(), tee = temp_file(), p[2];
	struct layer_input in = { .fd = fd, .tee_fd = tee };
	char raw[100], copy[100];

	(void)state;
	assert_int_equal(pwrite(fd, "before", 6, 0), 6);
	lseek(fd, 6, SEEK_SET);
	write_through(fd, LAYER_GZIP, data, 30000, &first);
	write_through(fd, LAYER_GZIP, data + 30000, 20000, &second);
	assert_int_equal(write(fd, "after", 5), 5);
	in.offset = 6;
	in.size = first.size + second.size;
	assert_int_equal(read_back(&in, &no_limits, data, 50000, &got), 0);
	assert_int_equal(got.size, in.size);
	assert_int_equal(lseek(tee, 0, SEEK_END), (off_t)in.size);
	assert_int_equal(pread(fd, raw, sizeof(raw), 6), sizeof(raw));
	assert_int_equal(pread(tee, copy, sizeof(copy), 0), sizeof(copy));
	assert_memory_equal(raw, copy, sizeof(raw));

	assert_int_equal(pipe(p), 0);
	assert_int_equal(write(p[1], data, 3), 3);
	close(p[1]);
	in = (struct layer_input){ .fd = p[0] };
	assert_int_equal(read_back(&in, &no_limits, data, 3, &got), 0);
	close(p[0]);
	close(fd);
	close(tee);
	free(data);
}

/* A source whose pipe never ends can be given up. */
static void test_a_waiting_source_ends(void **state)
{
	struct layer_input in = { 0 };
	struct source *s;
	int p[2];

	(void)state;
	assert_int_equal(pipe(p), 0);
	in.fd = p[0];
	assert_int_equal(source_open(&in, &no_limits, &s, NULL), 0);
	source_free(s);
	close(p[0]);
	close(p[1]);
}

static void test_a_full_output_is_an_error(void **state)
{
	uint8_t *data = make_data(9000000);
	struct layer_result made;
	struct sink *s;
	int fd = open("/dev/full", O_WRONLY), r = 0;

	(void)state;
	assert_int_equal(sink_open(fd, LAYER_PLAIN_TAR, 0, &s, NULL), 0);
	for (size_t at = 0; at < 9000000 && r == 0; at += 100000)
		r = sink_write(s, data + at, 100000, NULL);
	if (r == 0)
		r = sink_finish(s, &made, NULL);
	assert_int_equal(r, -ENOSPC);
	sink_free(s);
	close(fd);
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trips),
		cmocka_unit_test(test_lies_are_found),
		cmocka_unit_test(test_every_cut_is_found),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_inputs),
		cmocka_unit_test(test_a_waiting_source_ends),
		cmocka_unit_test(test_a_full_output_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

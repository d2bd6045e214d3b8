/* What is written reads back as itself, in whatever pieces it is fed; numbers and names at their limits. */
#include "tests/unit/test.h"

#include "codec/tar.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { OUT_MAX = 4 << 20 };

static char long_name[400], long_link[300], split_name[181], no_split[200];

static void fill_names(void)
{
	memset(long_name, 'n', sizeof(long_name) - 1);
	memset(long_link, 'l', sizeof(long_link) - 1);
	memset(split_name, 's', sizeof(split_name) - 1);
	split_name[120] = '/';
	memset(no_split, 'x', sizeof(no_split) - 1);
}

static const struct tar_xattr two_attrs[] = {
	{ "security.capability", "\1\0\0\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20 },
	{ "user.empty", "", 0 },
};

static const struct tar_entry cases[] = {
	{ TAR_FILE, "f", "", .mode = 0644, .size = 5 },
	{ TAR_FILE, "suid", "", .mode = 04755, .uid = 33, .gid = 34, .mtime = 1234567890 },
	{ TAR_FOLDER, "d/", "", .mode = 01777 },
	{ TAR_SYMLINK, "l", "../t", .mode = 0777 },
	{ TAR_HARDLINK, "h", "f", .mode = 0644 },
	{ TAR_CHAR, "null", "", .mode = 0666, .dev_major = 1, .dev_minor = 3 },
	{ TAR_BLOCK, "big", "", .mode = 0660, .dev_major = 4095, .dev_minor = 1048575 },
	{ TAR_BLOCK, "huge", "", .mode = 0660, .dev_major = 4000000000, .dev_minor = 4000000001 },
	{ TAR_FIFO, "p", "", .mode = 0600 },
	{ TAR_FILE, "nsec", "", .mode = 0644, .mtime = 5, .mtime_nsec = 1 },
	{ TAR_FILE, "tenth", "", .mode = 0644, .mtime = 5, .mtime_nsec = 100000000 },
	{ TAR_FILE, "before", "", .mode = 0644, .mtime = -2, .mtime_nsec = 500000000 },
	{ TAR_FILE, "before, whole", "", .mode = 0644, .mtime = -3600 },
	{ TAR_FILE, "far", "", .mode = 0644, .mtime = INT64_C(1) << 40 },
	{ TAR_FILE, "largest octal id", "", .mode = 0644, .uid = 2097151, .gid = 2097151 },
	{ TAR_FILE, "larger id", "", .mode = 0644, .uid = 2097152, .gid = 4294967294 },
	{ TAR_FILE, "caf\xe9", "", .mode = 0644 },
	{ TAR_FILE, long_name, "", .mode = 0644 },
	{ TAR_FILE, split_name, "", .mode = 0644 },
	{ TAR_FILE, no_split, "", .mode = 0644 },
	{ TAR_SYMLINK, "l2", long_link, .mode = 0777 },
	{ TAR_FILE, "attrs", "", .mode = 0644, .xattrs = two_attrs, .xattrs_len = 2 },
};

static void expect_same(const struct tar_entry *got, const struct tar_entry *wanted)
{
	assert_int_equal(got->type, wanted->type);
	assert_string_equal(got->name, wanted->name);
	assert_string_equal(got->link, wanted->link);
	assert_int_equal(got->mode, wanted->mode);
	assert_int_equal(got->uid, wanted->uid);
	assert_int_equal(got->gid, wanted->gid);
	assert_int_equal(got->dev_major, wanted->dev_major);
	assert_int_equal(got->dev_minor, wanted->dev_minor);
	assert_int_equal(got->mtime, wanted->mtime);
	assert_int_equal(got->mtime_nsec, wanted->mtime_nsec);
	assert_int_equal(got->size, wanted->size);
	assert_int_equal(got->xattrs_len, wanted->xattrs_len);
	for (size_t i = 0; i < got->xattrs_len; i++) {
		assert_string_equal(got->xattrs[i].name, wanted->xattrs[i].name);
		assert_int_equal(got->xattrs[i].len, wanted->xattrs[i].len);
		assert_memory_equal(got->xattrs[i].value, wanted->xattrs[i].value, got->xattrs[i].len);
	}
}

static void add_content(struct buf *b, uint64_t size)
{
	for (uint64_t i = 0; i < size + tar_padding(size); i++)
		assert_int_equal(buf_add_char(b, i < size ? (char)('a' + i) : '\0'), 0);
}

static void build_all(struct buf *b, int (*write)(struct buf *out, const struct tar_entry *e))
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(write(b, &cases[i]), 0);
		add_content(b, cases[i].size);
	}
	assert_int_equal(tar_write_end(b), 0);
	assert_int_equal(b->len % TAR_BLOCK_SIZE, 0);
}

static void read_all(const struct buf *b, size_t chunk)
{
	struct tar_reader *r = tar_reader_new();
	size_t next = 0, ended = 0, bytes = 0;

	for (size_t at = 0; at < b->len; at += chunk) {
		struct tar_event ev;
		int n;

		tar_reader_feed(r, b->data + at, b->len - at < chunk ? b->len - at : chunk);
		while ((n = tar_reader_next(r, &ev, NULL)) > 0) {
			if (ev.kind == TAR_EVENT_ENTRY)
				expect_same(ev.entry, &cases[next++]);
			else if (ev.kind == TAR_EVENT_END_OF_ENTRY)
				ended++;
			for (size_t i = 0; ev.kind == TAR_EVENT_DATA && i < ev.len; i++, bytes++)
				assert_int_equal(ev.data[i], 'a' + ev.offset + i);
		}
		assert_int_equal(n, 0);
	}
	assert_int_equal(next, sizeof(cases) / sizeof(cases[0]));
	assert_int_equal(ended, next);
	assert_int_equal(bytes, 5);
	assert_int_equal(tar_reader_finish(r, NULL), 1);
	tar_reader_free(r);
}

static void test_round_trip(void **state)
{
	static const size_t chunks[] = { 1, 7, 511, 512, 513, 4096, OUT_MAX };
	struct buf b = BUF_INIT(OUT_MAX);

	(void)state;
	fill_names();
	build_all(&b, tar_write_header);
	for (size_t i = 0; i < sizeof(chunks) / sizeof(chunks[0]); i++)
		read_all(&b, chunks[i]);
	buf_reset(&b);
	build_all(&b, tar_write_smallest);
	for (size_t i = 0; i < sizeof(chunks) / sizeof(chunks[0]); i++)
		read_all(&b, chunks[i]);
	buf_done(&b);
}

/* Nothing but what is said: name, digits, checksum. */
static void test_smallest(void **state)
{
	static const struct tar_entry e = { TAR_FILE, "t", "", .mode = 01, .size = 80 };
	struct buf b = BUF_INIT(OUT_MAX);
	size_t count = 0;

	(void)state;
	assert_int_equal(tar_write_smallest(&b, &e), 0);
	assert_int_equal(b.len, TAR_BLOCK_SIZE);
	for (size_t i = 0; i < b.len; i++)
		count += b.data[i] != '\0';
	assert_int_equal(count, 1 + 1 + 3 + 4);
	assert_string_equal(b.data + 124, "120");
	assert_string_equal(b.data + 148, "1070");
	assert_true(tar_is_header((const uint8_t *)b.data));
	buf_done(&b);
}

/* Events until the first error; the number of entries, or the error. */
static int count_entries(const void *data, size_t len, int *ret_finish)
{
	struct tar_reader *r = tar_reader_new();
	struct tar_event ev;
	int n, entries = 0;

	tar_reader_feed(r, data, len);
	while ((n = tar_reader_next(r, &ev, NULL)) > 0)
		entries += ev.kind == TAR_EVENT_ENTRY;
	if (ret_finish)
		*ret_finish = n < 0 ? n : tar_reader_finish(r, NULL);
	tar_reader_free(r);
	return n < 0 ? n : entries;
}

static void test_every_cut_is_noticed(void **state)
{
	const struct tar_entry e = { TAR_FILE, long_name, "", .mode = 0644, .size = 600 };
	struct buf b = BUF_INIT(OUT_MAX);
	size_t whole;

	(void)state;
	fill_names();
	assert_int_equal(tar_write_header(&b, &e), 0);
	for (size_t i = 0; i < 600 + tar_padding(600); i++)
		buf_add_char(&b, i < 600 ? 'x' : '\0');
	whole = b.len;
	tar_write_end(&b);
	for (size_t len = 0; len <= b.len; len++) {
		int finish, entries = count_entries(b.data, len, &finish);

		assert_true(entries >= 0);
		/* With all of its data there, an entry's padding may be missing. */
		if (len == 0 || (len >= whole - tar_padding(600) && len <= whole))
			assert_int_equal(finish, 0);
		else if (len == whole + TAR_BLOCK_SIZE || len >= whole + 2 * TAR_BLOCK_SIZE)
			assert_int_equal(finish, 1);
		else
			assert_int_equal(finish, -EBADMSG);
	}
	buf_done(&b);
}

static void test_every_flipped_bit_of_a_header_is_noticed(void **state)
{
	const struct tar_entry e = { TAR_FILE, "name", "", .mode = 0644 };
	struct buf b = BUF_INIT(OUT_MAX);

	(void)state;
	assert_int_equal(tar_write_header(&b, &e), 0);
	for (size_t bit = 0; bit < (size_t)TAR_BLOCK_SIZE * 8; bit++) {
		size_t byte = bit / 8;

		/* The checksum itself may be written in more than one way: blanks in front, blank or NUL behind. */
		if (byte >= 148 && byte < 156)
			continue;
		b.data[byte] ^= (char)(1 << bit % 8);
		assert_true(count_entries(b.data, b.len, NULL) < 0);
		b.data[byte] ^= (char)(1 << bit % 8);
	}
	buf_done(&b);
}

static void test_a_name_with_equals_is_refused(void **state)
{
	const struct tar_xattr x = { "user.a=b", "v", 1 };
	const struct tar_entry e = { TAR_FILE, "f", "", .mode = 0644, .xattrs = &x, .xattrs_len = 1 };
	struct buf b = BUF_INIT(OUT_MAX);

	(void)state;
	assert_int_equal(tar_write_header(&b, &e), -EINVAL);
	assert_int_equal(b.len, 0);
	buf_done(&b);
}

static void test_skip_leaves_out_the_data(void **state)
{
	const struct tar_entry first = { TAR_FILE, "first", "", .mode = 0644, .size = 700 };
	const struct tar_entry second = { TAR_FILE, "second", "", .mode = 0644 };
	struct tar_reader *r = tar_reader_new();
	struct buf b = BUF_INIT(OUT_MAX);
	struct tar_event ev;
	uint64_t skip;

	(void)state;
	tar_write_header(&b, &first);
	tar_reader_feed(r, b.data, b.len);
	assert_int_equal(tar_reader_next(r, &ev, NULL), 1);
	assert_int_equal(tar_reader_position(r), TAR_BLOCK_SIZE);
	skip = tar_reader_skip(r);
	assert_int_equal(skip, 1024);
	assert_int_equal(tar_reader_next(r, &ev, NULL), 1);
	assert_int_equal(ev.kind, TAR_EVENT_END_OF_ENTRY);
	buf_reset(&b);
	tar_write_header(&b, &second);
	tar_reader_feed(r, b.data, b.len);
	assert_int_equal(tar_reader_next(r, &ev, NULL), 1);
	assert_string_equal(ev.entry->name, "second");
	assert_int_equal(tar_reader_position(r), 512 + 1024 + 512);
	tar_reader_free(r);
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_smallest),
		cmocka_unit_test(test_every_cut_is_noticed),
		cmocka_unit_test(test_every_flipped_bit_of_a_header_is_noticed),
		cmocka_unit_test(test_a_name_with_equals_is_refused),
		cmocka_unit_test(test_skip_leaves_out_the_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

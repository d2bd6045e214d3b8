#include "tests/unit/test.h"

#include "base/cleanup.h"
#include "layer/toc.h"

#include <errno.h>
#include <string.h>

#define D "\"sha256:0000000000000000000000000000000000000000000000000000000000000000\""
#define TOC(entries) "{\"version\":1,\"entries\":[" entries "]}"
#define FILE_OF(name, rest) "{\"name\":\"" name "\",\"type\":\"reg\",\"chunkDigest\":" D "," rest "}"

static void files_and_their_places_are_read(void **state)
{
	static const char text[] =
		TOC("{\"name\":\"d\",\"type\":\"dir\",\"mode\":493,\"modtime\":\"2001-02-03T04:05:06Z\"}"
		    "," FILE_OF("a",
				"\"size\":10,\"offset\":100,\"chunkSize\":6,\"xattrs\":{\"user.x\":"
				"\"AQI=\"}") ",{\"name\":\"a\",\"type\":\"chunk\",\"offset\":140,"
					     "\"chunkOffset\":6,\"chunkSize\":4,\"chunkDigest\":" D "}," FILE_OF(
						     "b",
						     "\"size\":3,\"offset\":200,"
						     "\"innerOffset\":7") "," FILE_OF("c", "\"size\":3,\"offset\":200,"
											   "\"innerOffset\":"
											   "10") ","
												 "{\"name\":\"l\","
												 "\"type\":\"symlink\","
												 "\"linkName\":\"a\"}");
	struct toc t;

	(void)state;
	assert_int_equal(toc_parse(text, strlen(text), 500, &t, NULL), 0);
	assert_int_equal(t.len, 5);
	assert_int_equal(t.files, 3);
	assert_int_equal(t.entries[0].e.mode, 0755);
	assert_int_equal(t.entries[0].e.mtime, 981173106);
	assert_true(t.entries[1].from == 100 && t.entries[1].end == 200 && t.entries[1].chunks_len == 2);
	assert_true(t.entries[1].e.xattrs_len == 1 && t.entries[1].e.xattrs[0].len == 2);
	assert_memory_equal(t.entries[1].e.xattrs[0].value, "\1\2", 2);
	/* Both lie in the last member. */
	assert_true(t.entries[2].from == 200 && t.entries[2].end == 500 && t.entries[2].skip == 7);
	assert_true(t.entries[3].from == 200 && t.entries[3].end == 500 && t.entries[3].skip == 10);
	assert_string_equal(t.entries[4].e.link, "a");
	toc_done(&t);
}

static void an_end_that_is_said_counts(void **state)
{
	static const char text[] = TOC(FILE_OF("a", "\"size\":10,\"offset\":100,\"endOffset\":150"));
	struct toc t;

	(void)state;
	assert_int_equal(toc_parse(text, strlen(text), 500, &t, NULL), 0);
	assert_int_equal(t.entries[0].end, 150);
	toc_done(&t);
}

static void tables_that_lie_are_refused(void **state)
{
	static const struct {
		const char *text;
		int result;
	} cases[] = {
		{ "", -EBADMSG },
		{ "{}", -EBADMSG },
		{ TOC("1"), -EBADMSG },
		{ TOC("{\"name\":\"a\",\"type\":\"what\"}"), -EBADMSG },
		{ TOC("{\"name\":\"a\",\"type\":\"chunk\"}"), -EBADMSG },
		{ TOC("{\"name\":\"a\\u0000b\",\"type\":\"dir\"}"), -EBADMSG },
		{ TOC("{\"name\":\"a\",\"type\":\"reg\",\"size\":1,\"offset\":1}"), -EOPNOTSUPP },
		{ TOC(FILE_OF("a", "\"size\":-1,\"offset\":100")), -EBADMSG },
		{ TOC(FILE_OF("a", "\"size\":10,\"offset\":500")), -EBADMSG },
		{ TOC(FILE_OF("a", "\"size\":10,\"offset\":100,\"endOffset\":501")), -EBADMSG },
		{ TOC(FILE_OF("a", "\"size\":10,\"offset\":100,\"endOffset\":100")), -EBADMSG },
		{ TOC(FILE_OF("a", "\"size\":10,\"offset\":100,\"chunkSize\":11")), -EBADMSG },
		{ TOC(FILE_OF("a", "\"size\":10,\"offset\":100,\"chunkSize\":9")), -EBADMSG },
		{ TOC(FILE_OF("a", "\"size\":10,\"offset\":100,\"chunkOffset\":1")), -EBADMSG },
		{ TOC(FILE_OF("a", "\"size\":10,\"offset\":100,\"innerOffset\":99999999999")), -EBADMSG },
		{ TOC(FILE_OF("a", "\"size\":10,\"offset\":100,\"xattrs\":{\"user.x\":\"?\"}")), -EBADMSG },
	};
	struct toc t;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(toc_parse(cases[i].text, strlen(cases[i].text), 500, &t, NULL), cases[i].result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_and_their_places_are_read),
		cmocka_unit_test(an_end_that_is_said_counts),
		cmocka_unit_test(tables_that_lie_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

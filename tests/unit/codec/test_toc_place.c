#include "tests/unit/test.h"

#include "base/cleanup.h"
#include "codec/toc_place.h"

#include <errno.h>
#include <string.h>

static void footer(uint8_t f[static ESTARGZ_FOOTER_SIZE], const char *digits)
{
	static const uint8_t head[16] = { 0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, 26, 0, 'S', 'G', 22, 0 };
	static const uint8_t tail[13] = { 1, 0, 0, 0xff, 0xff };

	memcpy(f, head, sizeof(head));
	memcpy(f + 16, digits, 16);
	memcpy(f + 32, "STARGZ", 6);
	memcpy(f + 38, tail, sizeof(tail));
}

static void a_footer_says_where_the_table_is(void **state)
{
	uint8_t f[ESTARGZ_FOOTER_SIZE];
	struct toc_place p;

	(void)state;
	footer(f, "00000000000003e8");
	assert_int_equal(estargz_footer_parse(f, 2000, &p, NULL), 0);
	assert_int_equal(p.offset, 1000);
	assert_int_equal(p.size, 2000 - 1000 - ESTARGZ_FOOTER_SIZE);
}

static void footers_that_lie_are_refused(void **state)
{
	static const char *const digits[] = { "0000000000000000", "00000000000007d0", "ffffffffffffffff",
					      "000000000000079d", "0000000000000x10", "-000000000000010" };
	uint8_t f[ESTARGZ_FOOTER_SIZE];
	struct toc_place p;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(digits); i++) {
		footer(f, digits[i]);
		assert_int_equal(estargz_footer_parse(f, 2000, &p, NULL), -EBADMSG);
	}
	footer(f, "00000000000003e8");
	f[12] = 'X';
	assert_int_equal(estargz_footer_parse(f, 2000, &p, NULL), -EBADMSG);
}

static void positions_are_read_strictly(void **state)
{
	static const struct {
		const char *text;
		int result;
	} cases[] = { { "100:50:400:1", 0 },
		      { "100:900:400:1", 0 },
		      { "100:901:400:1", -EBADMSG },
		      { "0:50:400:1", -EBADMSG },
		      { "100:0:400:1", -EBADMSG },
		      { "1000:1:400:1", -EBADMSG },
		      { "100:50:400:2", -EBADMSG },
		      { "100:50:400", -EBADMSG },
		      { "100:50:400:1:1", -EBADMSG },
		      { "18446744073709551615:50:400:1", -EBADMSG },
		      { "", -EBADMSG },
		      { "a:b:c:1", -EBADMSG } };
	struct toc_place p;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(chunked_position_parse(cases[i].text, 1000, &p, NULL), cases[i].result);
	assert_int_equal(chunked_position_parse("100:50:400:1", 1000, &p, NULL), 0);
	assert_true(p.offset == 100 && p.size == 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_footer_says_where_the_table_is),
		cmocka_unit_test(footers_that_lie_are_refused),
		cmocka_unit_test(positions_are_read_strictly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

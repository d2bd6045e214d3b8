#include "tests/unit/test.h"

#include "base/buf.h"
#include "base/cleanup.h"

#include <errno.h>
#include <string.h>

static void grows_and_stays_a_string(void **state)
{
	autobuf struct buf b = BUF_INIT(1000);

	(void)state;
	assert_string_equal(buf_str(&b), "");
	for (int i = 0; i < 100; i++)
		assert_int_equal(buf_addf(&b, "%d,", i % 10), 0);
	assert_int_equal(b.len, 200);
	assert_int_equal(strlen(b.data), 200);
	buf_consume(&b, 198);
	assert_string_equal(buf_str(&b), "9,");
}

static void its_maximum_holds_and_the_error_sticks(void **state)
{
	autobuf struct buf b = BUF_INIT(4);

	(void)state;
	assert_int_equal(buf_add_str(&b, "abcd"), 0);
	assert_int_equal(buf_add_char(&b, 'e'), -E2BIG);
	assert_int_equal(b.error, -E2BIG);
	assert_string_equal(buf_str(&b), "abcd");
	assert_null(buf_take(&b));
	buf_reset(&b);
	assert_int_equal(buf_add_char(&b, 'x'), 0);
	assert_int_equal(buf_add(&b, "", SIZE_MAX), -E2BIG);
}

static void take_hands_the_bytes_over(void **state)
{
	autobuf struct buf b = BUF_INIT(10);
	autofree char *empty = buf_take(&b), *s = NULL;

	(void)state;
	assert_string_equal(empty, "");
	buf_add_str(&b, "hello");
	s = buf_take(&b);
	assert_string_equal(s, "hello");
	assert_int_equal(b.len, 0);
	assert_int_equal(b.max, 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows_and_stays_a_string),
		cmocka_unit_test(its_maximum_holds_and_the_error_sticks),
		cmocka_unit_test(take_hands_the_bytes_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

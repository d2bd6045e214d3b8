#include "tests/unit/test.h"

#include "base/cleanup.h"
#include "base/num.h"

#include <errno.h>

static void sizes_have_units_and_limits(void **state)
{
	static const struct {
		const char *in;
		int result;
		uint64_t bytes;
	} cases[] = {
		{ "0", 0, 0 },
		{ "1k", 0, 1024 },
		{ "2M", 0, 2 << 20 },
		{ "3gb", 0, 3ULL << 30 },
		{ "4KiB", 0, 4096 },
		{ "5b", 0, 5 },
		{ "1.5g", 0, 1610612736 },
		{ "0.5k", 0, 512 },
		{ "1.9", 0, 1 },
		{ "1.", -EINVAL, 0 },
		{ ".5k", -EINVAL, 0 },
		{ "1.5.5k", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "1x", -EINVAL, 0 },
		{ "1kk", -EINVAL, 0 },
		{ "16777216t", -ERANGE, 0 },
		{ "18446744073709551616", -ERANGE, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t bytes = 0;

		assert_int_equal(num_parse_size(cases[i].in, &bytes), cases[i].result);
		assert_int_equal(bytes, cases[i].bytes);
	}
}

static void signed_numbers_reach_both_ends(void **state)
{
	int64_t v = 7;

	(void)state;
	assert_int_equal(num_parse_i64("-9223372036854775808", &v), 0);
	assert_true(v == INT64_MIN);
	assert_int_equal(num_parse_i64("9223372036854775808", &v), -ERANGE);
	assert_int_equal(num_parse_i64("- 1", &v), -EINVAL);
	assert_true(v == INT64_MIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_have_units_and_limits),
		cmocka_unit_test(signed_numbers_reach_both_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

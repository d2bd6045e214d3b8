#include "runtime/lists.h"

#include "tests/unit/test.h"

#include <errno.h>
#include <stdbool.h>

static bool has(const struct number_set *s, int n)
{
	return s->bits[n / 64] >> (n % 64) & 1;
}

static void lists_are_read_as_the_kernel_writes_them(void **state)
{
	struct number_set s;

	(void)state;
	assert_int_equal(number_set_parse("0-3,7,4095", &s), 0);
	for (int i = 0; i < NUMBERS_MAX; i++)
		assert_int_equal(has(&s, i), i <= 3 || i == 7 || i == 4095);
	assert_int_equal(number_set_parse("63-64", &s), 0);
	assert_true(has(&s, 63) && has(&s, 64) && !has(&s, 65));
}

static void other_texts_are_none(void **state)
{
	static const char *const texts[] = { "",     ",",	    "1,", "-1", "1-",	"3-1",
					     "4096", "99999999999", "a",  "1 ", "1--2", "0x1" };
	struct number_set s;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(number_set_parse(texts[i], &s), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_are_read_as_the_kernel_writes_them),
		cmocka_unit_test(other_texts_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

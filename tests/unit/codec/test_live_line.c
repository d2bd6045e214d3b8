#include "tests/unit/test.h"

#include "base/cleanup.h"
#include "codec/live_line.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

static void lines_read_back(void **state)
{
	static const struct live_line cases[] = {
		{ 0 },
		{ .pid = 1, .since = { 1764000000, 123456789 } },
		{ .pid = 0, .since = { 1764000000, 0 }, .restarts = 7, .exit_code = 137 },
		{ .pid = INT_MAX, .since = { INT64_MAX, 999999999 }, .restarts = INT64_MAX, .exit_code = 255 },
		{ .pid = INT_MAX, .since = { INT64_MIN + 1, 999999999 }, .restarts = INT64_MAX, .exit_code = 255 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[LIVE_LINE_SIZE + 1] = { 0 };
		struct live_line back;

		live_line_format(&cases[i], text);
		/* One line, always of one length. */
		assert_ptr_equal(strchr(text, '\n'), text + LIVE_LINE_SIZE - 1);
		assert_int_equal(strlen(text), LIVE_LINE_SIZE);
		assert_int_equal(live_line_parse(text, &back), 0);
		assert_int_equal(back.pid, cases[i].pid);
		assert_int_equal(back.since.tv_sec, cases[i].since.tv_sec);
		assert_int_equal(back.since.tv_nsec, cases[i].since.tv_nsec);
		assert_int_equal(back.restarts, cases[i].restarts);
		assert_int_equal(back.exit_code, cases[i].exit_code);
	}
}

static void lines_without_the_last_numbers_are_read(void **state)
{
	struct live_line l;

	(void)state;
	assert_int_equal(live_line_parse("12 34 56\n", &l), 0);
	assert_int_equal(l.pid, 12);
	assert_int_equal(l.restarts, 0);
	assert_int_equal(l.exit_code, 0);
	assert_int_equal(live_line_parse("12 34 56 7", &l), 0);
	assert_int_equal(l.restarts, 7);
}

static void what_is_no_line_is_refused(void **state)
{
	static const char *const cases[] = {
		"",
		"\n",
		" ",
		"1",
		"1 2\n",
		"1\n2 3",
		"-1 2 3",
		"2147483648 2 3",
		"1 2 -3",
		"1 2 1000000000",
		"1 2 3 -4",
		"1 2 3 4 -1",
		"1 2 3 4 256",
		"x 2 3",
		"1 2 3x",
		"1 9223372036854775808 3",
		"1 000000000000000000000000000000000000000002 3",
		"0x1 2 3",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct live_line l = { .pid = 99 };

		assert_int_equal(live_line_parse(cases[i], &l), -EBADMSG);
		assert_int_equal(l.pid, 99);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_read_back),
		cmocka_unit_test(lines_without_the_last_numbers_are_read),
		cmocka_unit_test(what_is_no_line_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

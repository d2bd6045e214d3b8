#include "tests/unit/test.h"

#include "base/cleanup.h"
#include "base/timefmt.h"

#include <errno.h>
#include <string.h>

static void rfc3339_goes_both_ways(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "2026-11-22T15:04:05Z", "2026-11-22T15:04:05Z" },
		{ "2026-11-22T15:04:05.120Z", "2026-11-22T15:04:05.12Z" },
		{ "2026-11-22T15:04:05.123456789+02:00", "2026-11-22T13:04:05.123456789Z" },
		{ "2026-11-22T15:04:05-00:30", "2026-11-22T15:34:05Z" },
		{ "0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z" },
		{ "9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[TIME_RFC3339_MAX];
		struct timespec t;

		assert_int_equal(time_parse_rfc3339(cases[i].in, &t), 0);
		time_format_rfc3339(t, text);
		assert_string_equal(text, cases[i].out);
	}
}

static void other_forms_are_refused(void **state)
{
	static const char *const cases[] = { "",
					     "2026-11-22",
					     "2026-11-22T15:04:05",
					     "2026-11-22T15:04:05+2:0x",
					     "2026-11-22T15:04:05Zjunk",
					     "yesterday",
					     "0-1-22T4:4:0Z",
					     "2026-11-22T15:04:05.Z",
					     "0000-01-01T00:00:00+00:01",
					     "2026-13-22T15:04:05Z" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct timespec t;

		assert_int_equal(time_parse_rfc3339(cases[i], &t), -EINVAL);
	}
}

static void durations_read_as_docker_prints_them(void **state)
{
	static const struct {
		int64_t seconds;
		const char *text;
	} cases[] = {
		{ 0, "Less than a second" }, { 1, "1 second" },	      { 59, "59 seconds" },
		{ 60, "About a minute" },    { 600, "10 minutes" },   { 3600, "About an hour" },
		{ 7200, "2 hours" },	     { 172800, "2 days" },    { 1209600, "2 weeks" },
		{ 5184000, "2 months" },     { 63072000, "2 years" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[32];

		time_format_human(cases[i].seconds, text);
		assert_string_equal(text, cases[i].text);
	}
}

static void durations_are_read_as_go_does(void **state)
{
	static const struct {
		const char *in;
		int64_t ns;
	} cases[] = {
		{ "0", 0 },
		{ "1s", 1000000000 },
		{ "1m30s", 90000000000 },
		{ "1.5h", 5400000000000 },
		{ ".5s", 500000000 },
		{ "300ms", 300000000 },
		{ "2us", 2000 },
		{ "1.", -1 },
		{ "1", -1 },
		{ "", -1 },
		{ "s", -1 },
		{ "9999999999h", -1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int64_t ns = -1;

		time_parse_duration(cases[i].in, &ns);
		assert_int_equal(ns, cases[i].ns);
	}
}

static void times_are_read_as_docker_reads_them(void **state)
{
	static const struct timespec now = { 2000000000, 500000000 };
	static const struct {
		const char *word;
		struct timespec time;
	} good[] = {
		{ "0", { 0, 0 } },
		{ "1461943101", { 1461943101, 0 } },
		{ "1461943101.5", { 1461943101, 500000000 } },
		{ "1461943101.000000001", { 1461943101, 1 } },
		{ "2016-04-29T15:18:21Z", { 1461943101, 0 } },
		{ "2016-04-29T15:18:21.607533796Z", { 1461943101, 607533796 } },
		{ "2016-04-29T17:18:21+02:00", { 1461943101, 0 } },
		{ "2016-04-29T15:18:21", { 1461943101, 0 } },
		{ "2016-04-29T15:18:21.5", { 1461943101, 500000000 } },
		{ "2016-04-29T15:18", { 1461943080, 0 } },
		{ "2016-04-29", { 1461888000, 0 } },
		{ "1960-01-01", { -315619200, 0 } },
		/* So long ago. */
		{ "10m", { 1999999400, 500000000 } },
		{ "1h30m", { 1999994600, 500000000 } },
		{ "600ms", { 1999999999, 900000000 } },
		{ "0s", { 2000000000, 500000000 } },
		{ "2000000h", { 0, 0 } },
	};
	static const char *const bad[] = { "",
					   "yesterday",
					   "-1",
					   "-10m",
					   "1461943101.",
					   ".5",
					   "1461943101.0000000001",
					   "1461943101.-5",
					   "1461943101.x",
					   "9223372036854775807",
					   "99999999999999999999",
					   "10 m",
					   "2016-04-29T",
					   "2016-04-29T15",
					   "2016-13-29",
					   "2016-04-29 15:18",
					   "2016-04-29Z",
					   "99999999999999h",
					   "1000000000000000000000000000000000000000000000000000000000000000s" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct timespec t;

		assert_int_equal(time_parse_when(good[i].word, now, &t, NULL), 0);
		assert_int_equal(t.tv_sec, good[i].time.tv_sec);
		assert_int_equal(t.tv_nsec, good[i].time.tv_nsec);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err err = { 0 };
		struct timespec t;

		assert_int_equal(time_parse_when(bad[i], now, &t, &err), -EINVAL);
		assert_non_null(strstr(err.msg, bad[i]));
		err_clear(&err);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_are_read_as_docker_reads_them),
		cmocka_unit_test(rfc3339_goes_both_ways),
		cmocka_unit_test(other_forms_are_refused),
		cmocka_unit_test(durations_read_as_docker_prints_them),
		cmocka_unit_test(durations_are_read_as_go_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "tests/unit/test.h"

#include "base/cleanup.h"
#include "monitor/restart.h"

#include <errno.h>
#include <string.h>

static void policies_are_dockers(void **state)
{
	static const struct {
		const char *word;
		enum restart_policy policy;
		int64_t max;
	} good[] = {
		{ "", RESTART_NO, 0 },
		{ "no", RESTART_NO, 0 },
		{ "on-failure", RESTART_ON_FAILURE, 0 },
		{ "on-failure:0", RESTART_ON_FAILURE, 0 },
		{ "on-failure:3", RESTART_ON_FAILURE, 3 },
		{ "on-failure:1000000", RESTART_ON_FAILURE, RESTART_COUNT_MAX },
		{ "always", RESTART_ALWAYS, 0 },
		{ "unless-stopped", RESTART_UNLESS_STOPPED, 0 },
	};
	static const char *const bad[] = { "yes",
					   "No",
					   "no ",
					   " always",
					   "always:3",
					   "no:1",
					   "on-failure:",
					   "on-failure:-1",
					   "on-failure:x",
					   "on-failure:3 ",
					   "on-failure:1.5",
					   "on-failure:1000001",
					   "on-failure3",
					   ":3" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		enum restart_policy policy = RESTART_ALWAYS;
		int64_t max = -1;

		assert_int_equal(restart_parse(good[i].word, &policy, &max, NULL), 0);
		assert_int_equal(policy, good[i].policy);
		assert_int_equal(max, good[i].max);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		enum restart_policy policy;
		struct err err = { 0 };
		int64_t max;

		assert_int_equal(restart_parse(bad[i], &policy, &max, &err), -EINVAL);
		assert_non_null(strstr(err.msg, bad[i]));
		err_clear(&err);
	}
}

static void names_read_back(void **state)
{
	(void)state;
	for (int i = RESTART_NO; i <= RESTART_UNLESS_STOPPED; i++) {
		enum restart_policy policy;
		int64_t max;

		assert_int_equal(restart_parse(restart_policy_name((enum restart_policy)i), &policy, &max, NULL), 0);
		assert_int_equal(policy, i);
	}
}

static void policies_decide(void **state)
{
	static const struct {
		enum restart_policy policy;
		int64_t max, restarts;
		int exit_code;
		bool stopped, again;
	} cases[] = {
		{ RESTART_NO, 0, 0, 1, false, false },
		{ RESTART_NO, 0, 0, 0, false, false },
		{ RESTART_ON_FAILURE, 0, 0, 0, false, false },
		{ RESTART_ON_FAILURE, 0, 1000, 1, false, true },
		{ RESTART_ON_FAILURE, 3, 2, 137, false, true },
		{ RESTART_ON_FAILURE, 3, 3, 137, false, false },
		{ RESTART_ON_FAILURE, 0, 0, 1, true, false },
		{ RESTART_ALWAYS, 0, 1000, 0, false, true },
		{ RESTART_ALWAYS, 0, 0, 1, true, false },
		{ RESTART_UNLESS_STOPPED, 0, 5, 0, false, true },
		{ RESTART_UNLESS_STOPPED, 0, 5, 143, true, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct restart_state s = { .policy = cases[i].policy,
					   .max = cases[i].max,
					   .restarts = cases[i].restarts };

		assert_int_equal(restart_decide(&s, cases[i].exit_code, 0, cases[i].stopped), cases[i].again);
		/* Who isn't started again is left as it was. */
		assert_int_equal(s.restarts, cases[i].restarts + cases[i].again);
		assert_int_equal(s.delay_ms, cases[i].again ? RESTART_DELAY_MIN_MS : 0);
	}
}

static void the_delay_doubles_up_to_a_minute(void **state)
{
	static const struct {
		int64_t ran_ms, delay_ms;
	} lives[] = {
		{ 0, 100 },
		{ 0, 200 },
		{ 9999, 400 },
		{ 0, 800 },
		{ 0, 1600 },
		{ 0, 3200 },
		{ 0, 6400 },
		{ 0, 12800 },
		{ 0, 25600 },
		{ 0, 51200 },
		{ 0, 60000 },
		{ 0, 60000 },
		/* A long life begins it anew. */
		{ 10000, 100 },
		{ 0, 200 },
		{ 3600000, 100 },
	};
	struct restart_state s = { .policy = RESTART_ALWAYS };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lives); i++) {
		assert_true(restart_decide(&s, 1, lives[i].ran_ms, false));
		assert_int_equal(s.delay_ms, lives[i].delay_ms);
		assert_int_equal(s.restarts, i + 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(policies_are_dockers),
		cmocka_unit_test(names_read_back),
		cmocka_unit_test(policies_decide),
		cmocka_unit_test(the_delay_doubles_up_to_a_minute),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

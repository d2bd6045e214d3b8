#include "tests/unit/test.h"

#include "base/nearest.h"

#include <string.h>

static const char *nearest_of(const char *typed, bool ignore_case, const char *const *names)
{
	struct nearest n = NEAREST_INIT(typed, strlen(typed));

	n.ignore_case = ignore_case;
	for (; *names; names++)
		nearest_try(&n, *names);
	return n.best;
}

static void the_fewest_slips_win(void **state)
{
	static const char *const names[] = { "run", "rm", "rmi", "images", "image", "network", "builder prune", NULL };
	static const struct {
		const char *typed, *meant;
	} cases[] = {
		{ "rum", "run" },
		{ "imagse", "images" },
		{ "netwrok", "network" },
		{ "netw", "network" },
		{ "xyz", NULL },
		{ "", NULL },
		{ "builder purge", "builder prune" },
		{ "n", NULL },
		{ "imageslist", NULL },
		{ "a-word-much-longer-than-any-name-of-a-command-or-option", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *best = nearest_of(cases[i].typed, false, names);

		if (cases[i].meant)
			assert_string_equal(best, cases[i].meant);
		else
			assert_null(best);
	}
}

static void case_can_be_ignored(void **state)
{
	static const char *const names[] = { "RUN", "COPY", NULL };

	(void)state;
	assert_string_equal(nearest_of("rnu", true, names), "RUN");
	assert_null(nearest_of("rnu", false, names));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_fewest_slips_win),
		cmocka_unit_test(case_can_be_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

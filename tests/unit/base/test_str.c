#include "tests/unit/test.h"

#include "base/cleanup.h"
#include "base/str.h"

static void path_clean_takes_dots_back(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "/", "/" },	      { "", "." },	  { "/a//b/", "/a/b" }, { "/a/./b/../c", "/a/c" },
		{ "/../../x", "/x" }, { "a/../..", "." }, { "../a", "a" },	{ "a/b/..", "a" },
		{ "...", "..." },     { "/a/..", "/" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autofree char *got = path_clean(cases[i].in);

		assert_string_equal(got, cases[i].out);
	}
}

static void path_resolve_prefers_absolute(void **state)
{
	autofree char *a = path_resolve("/base", "x/../y"), *b = path_resolve("/base", "/z/");

	(void)state;
	assert_string_equal(a, "/base/y");
	assert_string_equal(b, "/z");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(path_clean_takes_dots_back),
		cmocka_unit_test(path_resolve_prefers_absolute),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

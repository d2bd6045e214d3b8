#include "tests/unit/test.h"

#include "base/cleanup.h"
#include "codec/dockerignore.h"
#include "codec/pattern.h"

#include <errno.h>
#include <string.h>

static void patterns_match_as_gos_do(void **state)
{
	static const struct {
		const char *pattern, *path;
		bool matches;
	} cases[] = {
		{ "abc", "abc", true },
		{ "*", "abc", true },
		{ "*c", "abc", true },
		{ "a*", "ab/c", false },
		{ "a*/b", "abc/b", true },
		{ "a*b*c*d*e*/f", "axbxcxdxe/f", true },
		{ "a*b*c*d*e*/f", "axbxcxdxexxx/fff", false },
		{ "a*b?c*x", "abxbbxdbxebxczzx", true },
		{ "ab[c]", "abc", true },
		{ "ab[b-d]", "abc", true },
		{ "ab[e-g]", "abc", false },
		{ "ab[^c]", "abc", false },
		{ "ab[^e-g]", "abc", true },
		{ "a\\*b", "a*b", true },
		{ "a\\*b", "ab", false },
		{ "a?b",
		  "a\xe2\x98\xba"
		  "b",
		  true },
		{ "a[^a]b",
		  "a\xe2\x98\xba"
		  "b",
		  true },
		{ "a???b",
		  "a\xe2\x98\xba"
		  "b",
		  false },
		{ "[a-\xce\xb6]*", "\xce\xb1", true },
		{ "*[a-\xce\xb6]", "A", false },
		{ "a?b", "a/b", false },
		{ "a*b", "a/b", false },
		{ "[\\]a]", "]", true },
		{ "[\\-]", "-", true },
		{ "*x", "xxx", true },
		{ "", "", true },
		{ "a?", "a\xff", true },
		{ "**", "a/b", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pattern *p;

		assert_int_equal(pattern_new(cases[i].pattern, 0, &p, NULL), 0);
		if (pattern_matches(p, cases[i].path) != cases[i].matches)
			fail_msg("'%s' and '%s'", cases[i].pattern, cases[i].path);
		pattern_free(p);
	}
}

static void malformed_patterns_are_refused(void **state)
{
	static const char *const cases[] = { "[]a]", "[-]", "[x-]", "[-x]",    "[",    "[^",
					     "[^bc", "a[",  "a\\",  "[a-b-c]", "[a-\\" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pattern *p;

		if (pattern_new(cases[i], 0, &p, NULL) != -EBADMSG)
			fail_msg("'%s' was accepted", cases[i]);
	}
}

static void no_pattern_takes_long(void **state)
{
	char path[4000], pattern[200] = "";
	struct pattern *p;

	(void)state;
	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	for (int i = 0; i < 40; i++)
		strcat(pattern, "a**");
	strcat(pattern, "b");
	assert_int_equal(pattern_new(pattern, PATTERN_DOUBLE_STAR, &p, NULL), 0);
	assert_false(pattern_matches(p, path));
	pattern_free(p);
}

static void paths_are_left_out(void **state)
{
	static const struct {
		const char *file, *path;
		bool excluded;
	} cases[] = {
		{ "", "a", false },
		{ "a", "a", true },
		{ "a", "b/a", false },
		{ "a", "a/b/c", true },
		{ "/a/", "a/b", true },
		{ "./a", "a", true },
		{ "../a", "a", false },
		{ "# a\n", "# a", false },
		{ "  a  ", "a", true },
		{ "*.o", "x.o", true },
		{ "*.o", "d/x.o", false },
		{ "**/*.o", "x.o", true },
		{ "**/*.o", "d/e/x.o", true },
		{ "*/x", "d/x", true },
		{ "*/x", "d/e/x", false },
		{ "d/**", "d/e/f", true },
		{ "d/**", "d", false },
		{ "a/**/b", "a/b", true },
		{ "a/**/b", "a/x/y/b", true },
		{ "a/**/b", "axb", false },
		{ "**", "x/y", true },
		{ "**foo", "xfoo", false },
		{ "*\n!keep", "keep", false },
		{ "*\n!keep", "keep/x", false },
		{ "*\n!keep/x", "keep/y", true },
		{ "*\n!keep/x", "keep/x", false },
		{ "*.md\n!README*.md\nREADME-secret.md", "README.md", false },
		{ "*.md\n!README*.md\nREADME-secret.md", "README-secret.md", true },
		{ "!a\na", "a", true },
		{ "\xef\xbb\xbf"
		  "a",
		  "a", true },
		{ "a\r\nb\r\n", "b", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct dockerignore di = { 0 };

		assert_int_equal(dockerignore_parse(".dockerignore", cases[i].file, strlen(cases[i].file), &di, NULL),
				 0);
		if (dockerignore_excludes(&di, cases[i].path) != cases[i].excluded)
			fail_msg("'%s' and '%s'", cases[i].file, cases[i].path);
		dockerignore_done(&di);
	}
}

static void folders_that_nothing_takes_back_need_no_reading(void **state)
{
	static const char file[] = "*\n!a/b/c*\n!x\n";
	struct dockerignore di = { 0 };

	(void)state;
	assert_int_equal(dockerignore_parse(".dockerignore", file, strlen(file), &di, NULL), 0);
	assert_true(dockerignore_may_include_below(&di, "a"));
	assert_true(dockerignore_may_include_below(&di, "a/b"));
	assert_true(dockerignore_may_include_below(&di, "a/b/d"));
	assert_false(dockerignore_may_include_below(&di, "a/c"));
	assert_false(dockerignore_may_include_below(&di, "ab"));
	dockerignore_done(&di);
}

static void mistakes_name_their_line(void **state)
{
	static const char file[] = "a\n\nb[\n";
	struct dockerignore di = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(dockerignore_parse(".dockerignore", file, strlen(file), &di, &err), -EBADMSG);
	assert_string_equal(err.msg, ".dockerignore:3: pattern 'b[' is malformed");
	dockerignore_done(&di);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_match_as_gos_do),
		cmocka_unit_test(malformed_patterns_are_refused),
		cmocka_unit_test(no_pattern_takes_long),
		cmocka_unit_test(paths_are_left_out),
		cmocka_unit_test(folders_that_nothing_takes_back_need_no_reading),
		cmocka_unit_test(mistakes_name_their_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "tests/unit/test.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/vec.h"
#include "build/expand.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *lookup(void *arg, const char *name)
{
	static const char *const values[][2] = {
		{ "x", "value" }, { "empty", "" },  { "path", "/usr/local/lib" }, { "two", "a b" }, { "f", "a.tar.gz" },
		{ "n1", "one" },  { "1", "first" },
	};

	(void)arg;
	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		if (strcmp(values[i][0], name) == 0)
			return values[i][1];
	return NULL;
}

static const struct expand x = { .escape = '\\', .lookup = lookup };

static void words_become_what_docker_makes_of_them(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "", "" },
		{ "plain", "plain" },
		{ "$x", "value" },
		{ "${x}", "value" },
		{ "a$x.b", "avalue.b" },
		{ "$n1/", "one/" },
		{ "$1", "first" },
		{ "$unset", "" },
		{ "${unset}b", "b" },
		{ "$", "$" },
		{ "a$/b", "a$/b" },
		{ "\\$x", "$x" },
		{ "\\\\$x", "\\value" },
		{ "a\\", "a" },
		{ "'$x'", "$x" },
		{ "'a'b\"c\"", "abc" },
		{ "\"$x y\"", "value y" },
		{ "\"a\\\"b\\$c\\\\d\\n\"", "a\"b$c\\d\\n" },
		{ "\"'$x'\"", "'value'" },
		{ "${x:-d}", "value" },
		{ "${empty:-d}", "d" },
		{ "${empty-d}", "" },
		{ "${unset-d}", "d" },
		{ "${unset:-$x}", "value" },
		{ "${unset:-${unset2:-z}}", "z" },
		{ "${unset:-\"a}\"}", "a}" },
		{ "${x:+d}", "d" },
		{ "${empty:+d}", "" },
		{ "${empty+d}", "d" },
		{ "${unset+d}", "" },
		{ "${x:?no}", "value" },
		{ "${path#/usr}", "/local/lib" },
		{ "${path#*/}", "usr/local/lib" },
		{ "${path##*/}", "lib" },
		{ "${path%/*}", "/usr/local" },
		{ "${path%%/*}", "" },
		{ "${f%.*}", "a.tar" },
		{ "${f%%.*}", "a" },
		{ "${x#?a}", "lue" },
		{ "${x#zzz}", "value" },
		{ "${unset#a}", "" },
		{ "${path/l/L}", "/usr/Local/lib" },
		{ "${path//l/L}", "/usr/LocaL/Lib" },
		{ "${path//\\//-}", "-usr-local-lib" },
		{ "${path//l}", "/usr/oca/ib" },
		{ "${path/l*/$x}", "/usr/value" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autofree char *out = NULL;
		struct err err = { 0 };

		if (expand_word(&x, cases[i].in, &out, NULL, &err) < 0)
			fail_msg("'%s': %s", cases[i].in, err.msg);
		if (strcmp(out, cases[i].out) != 0)
			fail_msg("'%s' became '%s', not '%s'", cases[i].in, out, cases[i].out);
	}
}

static void mistakes_are_told_with_their_place(void **state)
{
	static const struct {
		const char *in, *message;
		size_t at;
	} cases[] = {
		{ "a'b", "the single quote is not closed", 1 },
		{ "a\"b", "the double quote is not closed", 1 },
		{ "${x", "'}' is missing", 3 },
		{ "${", "'}' is missing", 2 },
		{ "${x:-a", "'}' is missing", 6 },
		{ "${x#a", "'}' is missing", 4 },
		{ "${}", "bad substitution: a name must follow '${'", 2 },
		{ "${x=a}", "bad substitution: after the name only } - + ? # % / and :- :+ :? may stand", 3 },
		{ "${unset:?must be set}", "unset: must be set", 21 },
		{ "${unset?}", "unset: is not allowed to be unset", 9 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *out = NULL;
		struct err err = { 0 };
		size_t at = 0;

		assert_int_equal(expand_word(&x, cases[i].in, &out, &at, &err), -EBADMSG);
		assert_string_equal(err.msg, cases[i].message);
		assert_int_equal(at, cases[i].at);
	}
}

static void blanks_part_words(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "a b", "a|b|" }, { "$two", "a|b|" }, { "\"$two\"", "a b|" }, { "x$two", "xa|b|" },
		{ "'' a", "|a|" }, { "$unset", "" },   { "a\\ b", "a b|" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autobuf struct buf all = BUF_INIT(1000);
		autostrv struct strv out = { 0 };

		assert_int_equal(expand_words(&x, cases[i].in, &out, NULL, NULL), 0);
		for (size_t k = 0; k < out.len; k++)
			buf_addf(&all, "%s|", out.items[k]);
		assert_string_equal(buf_str(&all), cases[i].out);
	}
}

static void depth_and_size_are_limited(void **state)
{
	autobuf struct buf deep = BUF_INIT(100000);
	char *out = NULL;

	(void)state;
	for (int i = 0; i < 1000; i++)
		buf_add_str(&deep, "${u:-");
	assert_int_equal(expand_word(&x, buf_str(&deep), &out, NULL, NULL), -E2BIG);
	buf_reset(&deep);
	buf_add_str(&deep, "${x#");
	for (int i = 0; i < 300; i++)
		buf_add_char(&deep, 'a');
	buf_add_char(&deep, '}');
	assert_int_equal(expand_word(&x, buf_str(&deep), &out, NULL, NULL), -E2BIG);
}

static void documents_keep_quotes_and_escapes(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "echo \"$x\" 'y'\n", "echo \"value\" 'y'\n" },
		{ "printf 'a\\n' \\$x \\\\", "printf 'a\\n' $x \\" },
		{ "it's ${unset:-'d'}", "it's 'd'" },
	};
	struct expand document = x;

	(void)state;
	document.document = true;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autofree char *out = NULL;

		assert_int_equal(expand_word(&document, cases[i].in, &out, NULL, NULL), 0);
		assert_string_equal(out, cases[i].out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_become_what_docker_makes_of_them),
		cmocka_unit_test(mistakes_are_told_with_their_place),
		cmocka_unit_test(blanks_part_words),
		cmocka_unit_test(depth_and_size_are_limited),
		cmocka_unit_test(documents_keep_quotes_and_escapes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "tests/unit/test.h"

#include "base/cleanup.h"
#include "codec/detach_keys.h"

#include <errno.h>
#include <string.h>

static void keys_are_dockers(void **state)
{
	static const struct {
		const char *text, *keys;
	} good[] = {
		{ NULL, "\x10\x11" },	  { "ctrl-a", "\x01" }, { "a,b", "ab" },
		{ "ctrl-\\,x", "\x1cx" }, { "DEL", "\x7f" },	{ "", "" },
	};
	static const char *const bad[] = { "ctrl-", "ctrl-1", "ab", "a,", ",", "a,,b", "CTRL-a", "ctrl-P" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct detach_keys k;

		assert_int_equal(detach_keys_parse(good[i].text, &k, NULL), 0);
		assert_int_equal(k.len, strlen(good[i].keys));
		assert_memory_equal(k.keys, good[i].keys, k.len);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct detach_keys k;

		assert_int_equal(detach_keys_parse(bad[i], &k, NULL), -EINVAL);
	}
	assert_int_equal(detach_keys_parse("a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a", &(struct detach_keys){ 0 }, NULL),
			 -E2BIG);
}

static void what_is_no_key_goes_on(void **state)
{
	static const struct {
		const char *keys, *typed, *passed;
		bool detached;
	} cases[] = {
		{ "a,b", "xyz", "xyz", false }, { "a,b", "xabz", "x", true },	     { "a,b", "aab", "a", true },
		{ "a,a,b", "aaab", "a", true }, { "a,b,a,c", "ababac", "ab", true }, { "a,b", "axa", "ax", false },
		{ "", "abc", "abc", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct detach_keys k;
		char passed[64];
		size_t len;

		assert_int_equal(detach_keys_parse(cases[i].keys, &k, NULL), 0);
		assert_int_equal(detach_keys_filter(&k, cases[i].typed, strlen(cases[i].typed), passed, &len),
				 cases[i].detached);
		assert_int_equal(len, strlen(cases[i].passed));
		assert_memory_equal(passed, cases[i].passed, len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_dockers),
		cmocka_unit_test(what_is_no_key_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

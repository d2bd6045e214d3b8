#include "tests/unit/test.h"

#include "base/cleanup.h"
#include "base/err.h"

#include <errno.h>
#include <string.h>

static void context_grows_from_the_outside_in(void **state)
{
	struct err e = { 0 };

	(void)state;
	assert_int_equal(err_errno(&e, ENOENT, "blob %d", 7), -ENOENT);
	assert_int_equal(err_hint(&e, "pull it"), -ENOENT);
	assert_int_equal(err_wrap(&e, "layer %d of %d", 3, 5), -ENOENT);
	err_hint(&e, "a later hint is farther from the cause");
	assert_string_equal(e.msg, "layer 3 of 5: blob 7: No such file or directory");
	assert_string_equal(e.hint, "pull it");
}

static void what_does_not_fit_is_cut_at_the_end(void **state)
{
	struct err e = { 0 };
	char longer[2 * sizeof(e.msg)];

	(void)state;
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	err_set(&e, EIO, "%s", longer);
	assert_int_equal(strlen(e.msg), sizeof(e.msg) - 1);
	err_wrap(&e, "outer");
	assert_int_equal(strncmp(e.msg, "outer: xxx", 10), 0);
	assert_int_equal(strlen(e.msg), sizeof(e.msg) - 1);
	err_wrap(&e, "%s", longer);
	assert_int_equal(strncmp(e.msg, "outer: xxx", 10), 0);
}

static void printing_escapes_what_a_terminal_would_obey(void **state)
{
	struct err e = { 0 };
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	(void)state;
	err_set(&e, EIO, "name '\x1b[31m'");
	err_print(f, &e);
	fclose(f);
	assert_string_equal(text, "cloche: name '\\x1b[31m'\n");
	free(text);
}

static void nobody_has_to_want_the_text(void **state)
{
	(void)state;
	assert_int_equal(err_set(NULL, EPERM, "x"), -EPERM);
	assert_int_equal(err_wrap(NULL, "x"), -EPERM);
	assert_int_equal(err_hint(NULL, "x"), -EPERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(context_grows_from_the_outside_in),
		cmocka_unit_test(what_does_not_fit_is_cut_at_the_end),
		cmocka_unit_test(printing_escapes_what_a_terminal_would_obey),
		cmocka_unit_test(nobody_has_to_want_the_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "tests/unit/test.h"

#include "base/cleanup.h"
#include "intercept/place.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

static void paths_become_ours(void **state)
{
	static const struct {
		int dirfd;
		const char *asked, *path;
		bool is_renamed;
	} cases[] = {
		{ AT_FDCWD, "/etc/passwd", "/etc/passwd" },
		{ AT_FDCWD, "a/../b", "77/cwd/a/../b" },
		{ 5, "name", "77/fd/5/name" },
		{ 5, "/name", "/name" },
		{ AT_FDCWD, "/proc/self/fd/3", "77/fd/3", true },
		{ AT_FDCWD, "/proc/thread-self/fd/12", "77/fd/12", true },
		{ AT_FDCWD, "/dev/fd/3/name", "77/fd/3/name" },
		{ AT_FDCWD, "/dev/stdout", "77/fd/1", true },
		/* What doesn't begin with a link out of /proc stays as it is, and is the container's own. */
		{ AT_FDCWD, "/proc/self/fd/", "/proc/self/fd/" },
		{ AT_FDCWD, "/proc/self/fd/../..", "/proc/self/fd/../.." },
		{ AT_FDCWD, "/proc/self/fd/3x", "/proc/self/fd/3x" },
		{ AT_FDCWD, "/proc/self/../1/root", "/proc/self/../1/root" },
		{ AT_FDCWD, "/proc/self/status", "/proc/self/status" },
		{ AT_FDCWD, "/dev/stdout/", "/dev/stdout/" },
	};
	struct request r = { .tid = 77 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autoplace struct place p;

		assert_int_equal(place_init_string(&p, &r, cases[i].dirfd, cases[i].asked), 0);
		assert_string_equal(p.path, cases[i].path);
		assert_string_equal(p.asked, cases[i].asked);
		assert_int_equal(p.is_renamed, cases[i].is_renamed);
		assert_false(p.is_descriptor);
	}
}

static void what_is_too_long_or_empty_is_refused(void **state)
{
	struct request r = { .tid = 77 };
	autoplace struct place p;
	char name[PATH_MAX + 1];

	(void)state;
	memset(name, 'x', PATH_MAX);
	name[PATH_MAX] = '\0';
	assert_int_equal(place_init_string(&p, &r, AT_FDCWD, name), -ENAMETOOLONG);
	/* It fits as the caller's, but not behind what comes in front. */
	name[PATH_MAX - 1] = '\0';
	assert_int_equal(place_init_string(&p, &r, AT_FDCWD, name), -ENAMETOOLONG);
	assert_int_equal(place_init_string(&p, &r, AT_FDCWD, ""), -ENOENT);
	assert_int_equal(place_init_fd(&p, &r, -3), -EBADF);
	assert_int_equal(place_init_fd(&p, &r, 3), 0);
	assert_string_equal(p.path, "77/fd/3");
	assert_true(p.is_descriptor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_become_ours),
		cmocka_unit_test(what_is_too_long_or_empty_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

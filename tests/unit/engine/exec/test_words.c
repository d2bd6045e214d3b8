#include "tests/unit/test.h"

#include "base/cleanup.h"
#include "engine/exec/cp.h"
#include "engine/exec/enter.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

static void namespaces_have_both_their_names(void **state)
{
	static const struct {
		const char *text;
		uint64_t flags;
	} good[] = {
		{ "net", CLONE_NEWNET },
		{ "network,mnt", CLONE_NEWNET | CLONE_NEWNS },
		{ "mount,uts,ipc", CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC },
		{ "user,pid,cgroup,time", CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWCGROUP | 0x80 },
		{ "all", CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |
				 CLONE_NEWCGROUP | 0x80 },
	};
	static const char *const bad[] = { "", ",", "net,", ",net", "nets", "ne", "net mnt", "NET", "net,,mnt" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		uint64_t flags = 0;

		assert_int_equal(enter_parse_namespaces(good[i].text, &flags, NULL), 0);
		assert_int_equal(flags, good[i].flags);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		uint64_t flags = 0;

		assert_int_equal(enter_parse_namespaces(bad[i], &flags, NULL), -EINVAL);
		assert_int_equal(flags, 0);
	}
}

static void sides_of_cp_are_told_apart(void **state)
{
	static const struct {
		const char *word, *container, *path;
	} good[] = {
		{ "web:/etc", "web", "/etc" },
		{ "web:etc", "web", "etc" },
		{ "web:/a:b", "web", "/a:b" },
		{ "/a:b", NULL, "/a:b" },
		{ "./a:b", NULL, "./a:b" },
		{ "file", NULL, "file" },
		{ "-", NULL, "-" },
	};
	static const char *const bad[] = { "web:", ":/etc", ":", "" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		CLEANUP(cp_side_done) struct cp_side side = { 0 };

		assert_int_equal(cp_side_parse(good[i].word, &side, NULL), 0);
		assert_string_equal(side.path, good[i].path);
		if (good[i].container)
			assert_string_equal(side.container, good[i].container);
		else
			assert_null(side.container);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct cp_side side = { 0 };

		assert_int_equal(cp_side_parse(bad[i], &side, NULL), -EINVAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(namespaces_have_both_their_names),
		cmocka_unit_test(sides_of_cp_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

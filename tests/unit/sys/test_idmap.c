#include "sys/idmap.h"

#include "base/cleanup.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct subid_case {
	const char *text, *name;
	uid_t uid;
	size_t found;
	struct id_range first, last;
};

static const struct subid_case subid_cases[] = {
	{ "ann:100000:65536\n", "ann", 1000, 1, { 1, 100000, 65536 }, { 1, 100000, 65536 } },
	{ "ann:100000:65536", "ann", 1000, 1, { 1, 100000, 65536 }, { 1, 100000, 65536 } },
	{ "bob:1:2\n1000:5000:10\nann:100:20\n", "ann", 1000, 2, { 1, 5000, 10 }, { 11, 100, 20 } },
	{ "1000:5000:10\n", NULL, 1000, 1, { 1, 5000, 10 }, { 1, 5000, 10 } },
	{ "bob:1:2\nanna:1:2\nan:1:2\n", "ann", 1000, 0, { 0 }, { 0 } },
	{ "", "ann", 1000, 0, { 0 }, { 0 } },
	{ "# ann:1:2\n\n:\nann\nann:\nann:1\nann:x:2\nann:1:-2\nann:1:0\nann: 1:2\n", "ann", 1000, 0, { 0 }, { 0 } },
	{ "ann:4294967295:2\n", "ann", 1000, 0, { 0 }, { 0 } },
	{ "ann:1:4294967295\nann:1:1\n", "ann", 1000, 1, { 1, 1, 1 }, { 1, 1, 1 } },
	{ "ann:1:99999999999999999999\n", "ann", 1000, 0, { 0 }, { 0 } },
};

static void subids_are_read_by_name_and_number(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(subid_cases); i++) {
		const struct subid_case *c = &subid_cases[i];
		struct id_range got[4] = { 0 };
		uint32_t inside = 1;
		size_t n = idmap_parse_subids(c->text, c->name, c->uid, &inside, got, ARRAY_SIZE(got));

		assert_int_equal(n, c->found);
		if (n == 0)
			continue;
		assert_memory_equal(&got[0], &c->first, sizeof(c->first));
		assert_memory_equal(&got[n - 1], &c->last, sizeof(c->last));
		assert_int_equal(inside, c->last.inside + c->last.count);
	}
}

static void ranges_end_where_there_is_no_room(void **state)
{
	struct id_range got[2];
	uint32_t inside = 1;

	(void)state;
	assert_int_equal(idmap_parse_subids("a:1:1\na:2:1\na:3:1\n", "a", 7, &inside, got, 2), 2);
	assert_int_equal(got[1].outside, 2);
}

static void ids_are_translated_both_ways(void **state)
{
	static const struct id_range ranges[] = { { 0, 1000, 1 }, { 1, 100000, 65536 } };
	static const struct {
		uint32_t inside;
		int64_t outside;
	} cases[] = { { 0, 1000 }, { 1, 100000 }, { 65536, 165535 }, { 65537, -1 }, { UINT32_MAX, -1 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(idmap_outside(ranges, 2, cases[i].inside), cases[i].outside);
		if (cases[i].outside >= 0)
			assert_int_equal(idmap_inside(ranges, 2, (uint32_t)cases[i].outside), cases[i].inside);
	}
	assert_int_equal(idmap_inside(ranges, 2, 0), -1);
	assert_int_equal(idmap_inside(ranges, 2, 99999), -1);
}

static void map_text_is_the_kernels(void **state)
{
	static const struct id_range ranges[] = { { 0, 1000, 1 }, { 1, 100000, 65536 } };
	struct id_range many[IDMAP_RANGES_MAX];
	char text[IDMAP_TEXT_MAX];

	(void)state;
	assert_int_equal(idmap_text(ranges, 2, text), strlen("0 1000 1\n1 100000 65536\n"));
	assert_string_equal(text, "0 1000 1\n1 100000 65536\n");
	for (size_t i = 0; i < IDMAP_RANGES_MAX; i++)
		many[i] = (struct id_range){ UINT32_MAX, UINT32_MAX, UINT32_MAX };
	assert_true(idmap_text(many, IDMAP_RANGES_MAX, text) < IDMAP_TEXT_MAX);
}

static void the_environment_can_ask_for_one_id(void **state)
{
	struct err err = { 0 };
	struct idmap map;

	(void)state;
	setenv("CLOCHE_IDS", "single", 1);
	assert_int_equal(idmap_detect(&map, &err), 0);
	assert_int_equal(map.mode, ID_MODE_SINGLE);
	assert_int_equal(map.uids_len, 1);
	assert_int_equal(map.uids[0].outside, geteuid());
	setenv("CLOCHE_IDS", "many", 1);
	assert_int_equal(idmap_detect(&map, &err), -EBADMSG);
	assert_non_null(strstr(err.hint, "single"));
	unsetenv("CLOCHE_IDS");
	assert_int_equal(idmap_detect(&map, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(subids_are_read_by_name_and_number),
		cmocka_unit_test(ranges_end_where_there_is_no_room),
		cmocka_unit_test(ids_are_translated_both_ways),
		cmocka_unit_test(map_text_is_the_kernels),
		cmocka_unit_test(the_environment_can_ask_for_one_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "tests/unit/test.h"

#include "engine/container/auto_ids.h"

#include <errno.h>

static void words_are_read(void **state)
{
	struct auto_ids ids;

	(void)state;
	assert_int_equal(auto_ids_parse("", &ids, NULL), 0);
	assert_int_equal(ids.size, 0);
	assert_int_equal(auto_ids_parse(":", &ids, NULL), 0);
	assert_int_equal(auto_ids_parse(":size=70,uidmapping=0:5:10,gidmapping=1:2:3,uidmapping=20:15:1", &ids, NULL),
			 0);
	assert_int_equal(ids.size, 70);
	assert_int_equal(ids.wanted.uids_len, 2);
	assert_int_equal(ids.wanted.uids[1].outside, 15);
	assert_int_equal(ids.wanted.gids[0].count, 3);
}

static void what_means_nothing_is_refused(void **state)
{
	static const char *const words[] = {
		":size=",
		":size=0",
		":size=-1",
		":size=9999999999",
		":what=1",
		":size=1,",
		":uidmapping=",
		":uidmapping=1:2",
		":uidmapping=1:2:0",
		":uidmapping=1:2:3:4",
		":uidmapping=4294967295:0:1",
		":uidmapping=0:4294967290:100",
		":uidmapping=0:5:10,uidmapping=9:100:1", /* the same inside */
		":uidmapping=0:5:10,uidmapping=50:14:1", /* the same outside */
	};
	struct auto_ids ids;

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		assert_true(auto_ids_parse(words[i], &ids, NULL) < 0);
}

static void maps_of_records_are_read(void **state)
{
	static const char *const bad[] = {
		"", "map:", "map:u0:1:2", "map:g0:1:2", "map:u0:1:2,x0:1:2", "map:u0:1,g0:1:2"
	};
	struct idmap map;

	(void)state;
	assert_int_equal(auto_ids_read("map:u0:100000:1024,u1024:5:1,g0:200000:1024", &map, NULL), 0);
	assert_int_equal(map.mode, ID_MODE_RANGE);
	assert_int_equal(map.uids_len, 2);
	assert_int_equal(map.uids[1].outside, 5);
	assert_int_equal(map.gids[0].outside, 200000);
	assert_int_equal(idmap_hide(&map, 1000, 200000), 0);
	assert_int_equal(idmap_outside(map.uids, map.uids_len, IDMAP_HIDDEN), 1000);
	assert_int_equal(map.gids_len, 1); /* it has that one already */
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(auto_ids_read(bad[i], &map, NULL), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_read),
		cmocka_unit_test(what_means_nothing_is_refused),
		cmocka_unit_test(maps_of_records_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "tests/unit/test.h"

#include "base/cleanup.h"
#include "codec/owner.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static void values_come_back(void **state)
{
	static const struct {
		mode_t inode;
		struct owner o;
	} cases[] = {
		{ S_IFREG, { 0, 0 } },
		{ S_IFREG, { 33, 4294967294 } },
		{ S_IFDIR, { 4294967294, 0 } },
		{ S_IFLNK, { 33, 100000 } },
		{ S_IFIFO, { 4294967294, 4294967294 } },
		{ S_IFSOCK, { 5, 6 } },
		{ S_IFSOCK, { 0, 0, S_IFCHR, 1, 3 } },
		{ S_IFSOCK, { 0, 6, S_IFBLK, 4095, 1048575 } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t value[OWNER_VALUE_MAX];
		struct owner back = { 9, 9, 9, 9, 9 };
		int len = owner_encode(&cases[i].o, cases[i].inode, value);

		assert_true(len > 0);
		assert_int_equal(owner_decode(cases[i].inode, value, (size_t)len, &back), 0);
		assert_memory_equal(&back, &cases[i].o, sizeof(back));
	}
}

static void text_is_read_strictly(void **state)
{
	static const char *const bad[] = { "",	   "0",	    "0:",    ":0",	     "0:0 ",	     "00:0",
					   "-1:0", "0:0:0", "0x1:0", "1:4294967295", "1:4294967296", "99999999999:1",
					   "1:1\n" };
	struct owner o = { 7, 7 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(owner_decode(S_IFREG, bad[i], strlen(bad[i]), &o), -EBADMSG);
	assert_int_equal(owner_decode(S_IFREG, "1:2", 4, &o), -EBADMSG);
	assert_int_equal(o.uid, 7);
}

static void real_file_capabilities_are_told_apart(void **state)
{
	/* cap_net_raw=ep as setcap writes it, from inside (revision 2) and from outside (3). */
	static const uint8_t ping2[20] = { 1, 0, 0, 2, 0, 0x20 };
	static const uint8_t ping3[24] = { 1, 0, 0, 3, 0, 0x20, [20] = 0xe9, [21] = 3 };
	struct owner o;

	(void)state;
	assert_int_equal(owner_decode(S_IFLNK, ping2, sizeof(ping2), &o), -ENODATA);
	assert_int_equal(owner_decode(S_IFLNK, ping3, sizeof(ping3), &o), -ENODATA);
	assert_int_equal(owner_decode(S_IFLNK, ping3, 20, &o), -EBADMSG);
	assert_int_equal(owner_decode(S_IFLNK, ping2, 3, &o), -EBADMSG);
}

static void what_no_file_can_have_is_refused(void **state)
{
	static const struct {
		mode_t inode;
		struct owner o;
	} cases[] = {
		{ S_IFREG, { OWNER_NO_ID, 0 } },	  { S_IFLNK, { 0, OWNER_NO_ID } },
		{ S_IFREG, { 0, 0, S_IFCHR, 1, 3 } },	  { S_IFLNK, { 0, 0, S_IFCHR, 1, 3 } },
		{ S_IFSOCK, { 0, 0, S_IFCHR, 4096, 0 } }, { S_IFSOCK, { 0, 0, S_IFBLK, 0, 1048576 } },
		{ S_IFSOCK, { 0, 0, S_IFDIR, 0, 0 } },	  { S_IFSOCK, { 0, 0, 0, 1, 3 } },
	};
	uint8_t value[OWNER_VALUE_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(owner_encode(&cases[i].o, cases[i].inode, value), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_come_back),
		cmocka_unit_test(text_is_read_strictly),
		cmocka_unit_test(real_file_capabilities_are_told_apart),
		cmocka_unit_test(what_no_file_can_have_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

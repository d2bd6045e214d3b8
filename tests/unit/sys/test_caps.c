#include "sys/caps.h"

#include "base/cleanup.h"
#include "tests/unit/test.h"

#include <linux/capability.h>
#include <string.h>

static void names_have_numbers(void **state)
{
	static const struct {
		const char *name;
		int number;
	} cases[] = {
		{ "CAP_CHOWN", CAP_CHOWN },
		{ "chown", CAP_CHOWN },
		{ "cap_sys_admin", CAP_SYS_ADMIN },
		{ "Net_Raw", CAP_NET_RAW },
		{ "CAP_SETFCAP", CAP_SETFCAP },
		{ "CAP_CHECKPOINT_RESTORE", CAP_CHECKPOINT_RESTORE },
		{ "CAP_SYS_RESOURCE", CAP_SYS_RESOURCE },
		{ "CAP_BPF", CAP_BPF },
		{ "CAP_", -1 },
		{ "", -1 },
		{ "CAP_ALL", -1 },
		{ "CAP_CHOWNX", -1 },
		{ "CAP_CAP_CHOWN", -1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(cap_from_name(cases[i].name), cases[i].number);
	for (int i = 0; cap_name(i); i++)
		assert_int_equal(cap_from_name(cap_name(i)), i);
	assert_null(cap_name(-1));
	assert_null(cap_name(64));
	assert_int_equal(cap_all_known(), CAP_BIT(CAP_LAST_CAP + 1) - 1);
}

static void own_sets_can_be_read(void **state)
{
	struct cap_state s;

	(void)state;
	assert_int_equal(caps_get(&s), 0);
	/* What is in effect is permitted, and nothing is ambient that isn't inheritable: capabilities(7). */
	assert_int_equal(s.effective & ~s.permitted, 0);
	assert_int_equal(s.ambient & ~(s.permitted & s.inheritable), 0);
	assert_true(cap_last() >= CAP_AUDIT_READ && cap_last() < 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_have_numbers),
		cmocka_unit_test(own_sets_can_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "tests/unit/test.h"

#include "base/cleanup.h"
#include "engine/run/resources.h"

#include <errno.h>
#include <string.h>

static void processors_are_a_fraction(void **state)
{
	static const struct {
		const char *word;
		int result;
		uint64_t nano;
	} cases[] = {
		{ "1.5", 0, 1500000000 }, { ".5", 0, 500000000 },  { "2", 0, 2000000000 },
		{ "0.01", 0, 10000000 },  { "0.001", -EINVAL, 0 }, { "4.1", -EINVAL, 0 },
		{ "x", -EINVAL, 0 },	  { "1.x", -EINVAL, 0 },   { "", -EINVAL, 0 },
		{ ".", -EINVAL, 0 },	  { "-1", -EINVAL, 0 },	   { "1.0000000001", -EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t nano = 0;

		assert_int_equal(run_parse_cpus(cases[i].word, 4, &nano, NULL), cases[i].result);
		assert_int_equal(nano, cases[i].nano);
	}
}

static void memory_brings_its_swap(void **state)
{
	struct run_limits l = { .memory = "64m" };
	struct oci_resources r = { 0 };

	(void)state;
	assert_int_equal(run_limits_apply(&l, &r, NULL), 0);
	assert_int_equal(r.memory.limit, 64 << 20);
	assert_int_equal(r.memory.swap, 128 << 20);
	/* `update` over what is there: the swap stays, and may not be less than the memory. */
	l.memory = "100m";
	assert_int_equal(run_limits_apply(&l, &r, NULL), 0);
	assert_int_equal(r.memory.swap, 128 << 20);
	l.memory = "200m";
	assert_int_equal(run_limits_apply(&l, &r, NULL), -EINVAL);
	l.memory_swap = "-1";
	assert_int_equal(run_limits_apply(&l, &r, NULL), 0);
	assert_int_equal(r.memory.swap, -1);
	oci_resources_done(&r);
}

static void rules_for_devices_are_dockers(void **state)
{
	static const char *const bad[] = { "c 1:3", "x 1:3 r", "c 1 r", "c 1:3 rx", "c a:3 r", "c 1:3  r", "" };
	struct oci_device_rule rule;

	(void)state;
	assert_int_equal(run_parse_device_rule("c 10:* rm", &rule, NULL), 0);
	assert_true(rule.allow && rule.has_major && !rule.has_minor);
	assert_int_equal(rule.major, 10);
	assert_string_equal(rule.access, "rm");
	free(rule.type);
	free(rule.access);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(run_parse_device_rule(bad[i], &rule, NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(processors_are_a_fraction),
		cmocka_unit_test(memory_brings_its_swap),
		cmocka_unit_test(rules_for_devices_are_dockers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

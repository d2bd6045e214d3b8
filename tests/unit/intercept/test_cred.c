#include "tests/unit/test.h"

#include "base/cleanup.h"
#include "intercept/cred.h"
#include "intercept/intern.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>

#define ALL ((UINT64_C(2) << CAP_LAST_CAP) - 1)

static struct cred root(void)
{
	struct cred c;

	cred_init_root(&c, ALL);
	return c;
}

static struct cred user(uint32_t real, uint32_t effective, uint32_t saved)
{
	struct cred c = root();

	assert_int_equal(cred_setresuid(&c, real, effective, saved), 0);
	return c;
}

/* The table of setuid(2), setreuid(2) and setresuid(2): before, arguments, result and what is then. */
static void ids_change_as_the_manual_says(void **state)
{
	enum { SET, RE, RES };
	const uint32_t keep = CRED_KEEP;
	const struct {
		uint32_t before[3];
		int call;
		uint32_t args[3];
		int result;
		uint32_t after[3];
	} cases[] = {
		{ { 0, 0, 0 }, SET, { 33 }, 0, { 33, 33, 33 } },
		{ { 33, 33, 33 }, SET, { 0 }, -EPERM, { 33, 33, 33 } },
		{ { 33, 33, 0 }, SET, { 0 }, 0, { 33, 0, 0 } },
		{ { 33, 0, 0 }, SET, { keep }, -EINVAL, { 33, 0, 0 } },
		{ { 0, 0, 0 }, RE, { keep, 33 }, 0, { 0, 33, 33 } },
		{ { 0, 0, 0 }, RE, { 33, keep }, 0, { 33, 0, 0 } },
		{ { 33, 44, 55 }, RE, { 44, 33 }, 0, { 44, 33, 33 } },
		{ { 33, 44, 55 }, RE, { 55, keep }, -EPERM, { 33, 44, 55 } },
		{ { 33, 44, 55 }, RE, { keep, 55 }, 0, { 33, 55, 55 } },
		{ { 33, 44, 55 }, RES, { 55, 33, 44 }, 0, { 55, 33, 44 } },
		{ { 33, 44, 55 }, RES, { keep, 66, keep }, -EPERM, { 33, 44, 55 } },
		{ { 0, 0, 0 }, RES, { keep, 4294967294, keep }, 0, { 0, 4294967294, 0 } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct cred c = user(cases[i].before[0], cases[i].before[1], cases[i].before[2]);
		const uint32_t *a = cases[i].args;
		int result = cases[i].call == SET  ? cred_setuid(&c, a[0])
			     : cases[i].call == RE ? cred_setreuid(&c, a[0], a[1])
						   : cred_setresuid(&c, a[0], a[1], a[2]);

		assert_int_equal(result, cases[i].result);
		assert_memory_equal(c.uid, cases[i].after, sizeof(cases[i].after));
		if (result == 0)
			assert_int_equal(c.uid[ID_FS], c.uid[ID_EFFECTIVE]);
	}
}

static void capabilities_follow_the_ids(void **state)
{
	struct cred c = user(33, 33, 33);

	(void)state;
	assert_true(c.permitted == 0 && c.effective == 0 && c.bounding == ALL);

	c = user(0, 33, 0);
	assert_true(c.permitted == ALL && c.effective == 0);
	assert_int_equal(cred_setresuid(&c, CRED_KEEP, 0, CRED_KEEP), 0);
	assert_true(c.effective == ALL);

	c = root();
	assert_int_equal(cred_set_keepcaps(&c, 1), 0);
	assert_int_equal(cred_setuid(&c, 33), 0);
	assert_true(c.permitted == ALL && c.effective == 0);
	cred_exec(&c, &(struct exec_file){ 0 });
	assert_true(c.permitted == 0 && !(c.securebits & SECBIT_KEEP_CAPS));

	c = root();
	cred_setfsuid(&c, 33);
	assert_false(cred_can(&c, CAP_DAC_OVERRIDE));
	assert_true(cred_can(&c, CAP_SETUID));
	cred_setfsuid(&c, 0);
	assert_true(c.effective == ALL);
}

static void exec_of_set_id_programs(void **state)
{
	struct cred c = user(33, 33, 33);

	(void)state;
	cred_exec(&c, &(struct exec_file){ .set_uid = true, .uid = 0 });
	assert_true(c.uid[ID_REAL] == 33 && c.uid[ID_EFFECTIVE] == 0 && c.uid[ID_SAVED] == 0 && c.permitted == ALL);

	c = user(33, 33, 33);
	cred_exec(&c, &(struct exec_file){ .set_gid = true, .gid = 42 });
	assert_true(c.gid[ID_EFFECTIVE] == 42 && c.gid[ID_SAVED] == 42 && c.gid[ID_REAL] == 0 && c.permitted == 0);

	c = user(33, 33, 33);
	cred_exec(&c, &(struct exec_file){ .has_caps = true, .permitted = 1 << CAP_NET_RAW, .effective = true });
	assert_true(c.effective == 1 << CAP_NET_RAW && c.permitted == 1 << CAP_NET_RAW);

	c = user(33, 33, 0);
	cred_exec(&c, &(struct exec_file){ 0 });
	assert_true(c.uid[ID_SAVED] == 33 && c.permitted == 0);
}

static void ambient_capabilities_survive_exec(void **state)
{
	struct cred c = root();
	const struct cred_caps caps = { ALL, ALL, 1 << CAP_NET_BIND_SERVICE };

	(void)state;
	assert_int_equal(cred_set_keepcaps(&c, 1), 0);
	assert_int_equal(cred_setuid(&c, 33), 0);
	assert_int_equal(cred_capset(&c, &caps), 0);
	assert_int_equal(cred_ambient(&c, PR_CAP_AMBIENT_RAISE, CAP_NET_BIND_SERVICE), 0);
	assert_int_equal(cred_ambient(&c, PR_CAP_AMBIENT_RAISE, CAP_CHOWN), -EPERM);
	cred_exec(&c, &(struct exec_file){ 0 });
	assert_true(c.effective == 1 << CAP_NET_BIND_SERVICE);
	assert_int_equal(cred_capset(&c, &caps), -EPERM);
}

static bool mark_seven(void *arg)
{
	(void)arg;
	intern_mark(7);
	return true;
}

static void unused_sets_are_forgotten(void **state)
{
	struct cred c = root();
	const struct cred *interned, *again;
	uint32_t group = 5;

	(void)state;
	assert_int_equal(intern_init(&c), 0);
	assert_int_equal(intern_add(&c, &interned), 0);
	intern_unref(interned);
	c.groups = &group;
	c.groups_len = 1;
	for (uint32_t i = 1; i < INTERN_MAX; i++) {
		c.uid[ID_REAL] = i;
		assert_int_equal(intern_add(&c, &interned), i);
		intern_unref(interned);
	}
	c.uid[ID_REAL] = INTERN_MAX;
	assert_int_equal(intern_add(&c, &interned), -EAGAIN);
	c.uid[ID_REAL] = 9;
	assert_int_equal(intern_add(&c, &interned), 9);
	assert_true(intern_wants_collection());

	/* One collection is not enough; a reference and a mark keep a set. */
	intern_collect(mark_seven, NULL);
	again = intern_get(8);
	assert_non_null(again);
	intern_unref(again);
	intern_collect(mark_seven, NULL);
	assert_null(intern_get(8));
	again = intern_get(7);
	assert_non_null(again);
	assert_int_equal(again->groups[0], 5);
	intern_unref(again);
	assert_ptr_equal(intern_get(9), interned);
	assert_non_null(intern_get(0));
	assert_false(intern_wants_collection());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_change_as_the_manual_says), cmocka_unit_test(capabilities_follow_the_ids),
		cmocka_unit_test(exec_of_set_id_programs),	 cmocka_unit_test(ambient_capabilities_survive_exec),
		cmocka_unit_test(unused_sets_are_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

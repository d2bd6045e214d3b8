/* What filters answer, by an interpreter of their instructions; the kernel's own opinion comes with the integration tests. */
#include "sys/seccomp.h"

#include "base/cleanup.h"
#include "tests/unit/bpf.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <linux/audit.h>
#include <seccomp.h>
#include <stdlib.h>

enum {
	ALLOW = SECCOMP_RET_ALLOW,
	EPERM_ = SECCOMP_RET_ERRNO | EPERM,
	ENOSYS_ = SECCOMP_RET_ERRNO | ENOSYS,
};
#define KILL SECCOMP_RET_KILL_PROCESS

struct compiled {
	struct sock_filter *code;
	size_t len;
};

static uint32_t ask(const struct compiled *c, uint32_t arch, uint32_t nr, uint64_t arg0, uint64_t arg1)
{
	struct seccomp_data data = { .nr = (int)nr, .arch = arch, .args = { arg0, arg1 } };
	struct bpf_machine m = { .code = c->code, .len = c->len };
	uint32_t answer = bpf_run(&m, &data);

	assert_false(m.bad);
	return answer;
}

static void begin(struct seccomp_filter *f, uint32_t default_action, uint32_t arch)
{
	*f = (struct seccomp_filter){ .default_action = default_action, .bad_arch_action = KILL };
	assert_int_equal(seccomp_add_arch(f, arch, NULL), 0);
}

static void add(struct seccomp_filter *f, const char *name, uint32_t action)
{
	assert_true(seccomp_add_rule(f, name, action, NULL, 0, NULL) >= 0);
}

static struct compiled finish(struct seccomp_filter *f)
{
	struct compiled c;

	assert_int_equal(seccomp_compile(f, &c.code, &c.len, NULL), 0);
	seccomp_filter_done(f);
	return c;
}

static uint32_t number(uint32_t arch, const char *name)
{
	return (uint32_t)seccomp_syscall_resolve_name_arch(arch, name);
}

static void names_decide_on_each_architecture(void **state)
{
	static const uint32_t archs[] = { SCMP_ARCH_X86_64, SCMP_ARCH_X86, SCMP_ARCH_AARCH64 };
	struct seccomp_filter f;
	struct compiled c;

	(void)state;
	begin(&f, EPERM_, archs[0]);
	for (size_t i = 1; i < ARRAY_SIZE(archs); i++)
		assert_int_equal(seccomp_add_arch(&f, archs[i], NULL), 0);
	add(&f, "read", ALLOW);
	add(&f, "openat", ALLOW);
	add(&f, "clone3", ENOSYS_);
	assert_int_equal(seccomp_add_rule(&f, "no_such_call", ALLOW, NULL, 0, NULL), 0);
	c = finish(&f);
	for (size_t i = 0; i < ARRAY_SIZE(archs); i++) {
		assert_int_equal(ask(&c, archs[i], number(archs[i], "read"), 0, 0), ALLOW);
		assert_int_equal(ask(&c, archs[i], number(archs[i], "openat"), 0, 0), ALLOW);
		assert_int_equal(ask(&c, archs[i], number(archs[i], "clone3"), 0, 0), ENOSYS_);
		assert_int_equal(ask(&c, archs[i], number(archs[i], "mount"), 0, 0), EPERM_);
		/* Newer than all that the rules name. */
		assert_int_equal(ask(&c, archs[i], 2000, 0, 0), ENOSYS_);
	}
	assert_int_equal(ask(&c, AUDIT_ARCH_S390X, 3, 0, 0), KILL);
	free(c.code);
}

static void x32_is_an_architecture_of_its_own(void **state)
{
	struct seccomp_filter f;
	struct compiled c;

	(void)state;
	begin(&f, EPERM_, SCMP_ARCH_X86_64);
	add(&f, "read", ALLOW);
	c = finish(&f);
	assert_int_equal(ask(&c, SCMP_ARCH_X86_64, 0x40000000, 0, 0), KILL);
	assert_int_equal(ask(&c, SCMP_ARCH_X86_64, 0xffffffff, 0, 0), KILL);
	free(c.code);

	begin(&f, EPERM_, SCMP_ARCH_X86_64);
	assert_int_equal(seccomp_add_arch(&f, SCMP_ARCH_X32, NULL), 0);
	add(&f, "read", ALLOW);
	c = finish(&f);
	assert_int_equal(ask(&c, SCMP_ARCH_X86_64, 0, 0, 0), ALLOW);
	assert_int_equal(ask(&c, SCMP_ARCH_X86_64, 0x40000000, 0, 0), ALLOW);
	assert_int_equal(ask(&c, SCMP_ARCH_X86_64, 0x40000001, 0, 0), ENOSYS_);
	free(c.code);
}

struct cond_case {
	struct seccomp_cond cond;
	uint64_t arg;
	bool holds;
};

#define BIG UINT64_C(0x100000000)

static const struct cond_case cond_cases[] = {
	{ { 0, SECCOMP_OP_EQ, 5, 0 }, 5, true },
	{ { 0, SECCOMP_OP_EQ, 5, 0 }, BIG + 5, false },
	{ { 0, SECCOMP_OP_EQ, BIG + 5, 0 }, BIG + 5, true },
	{ { 0, SECCOMP_OP_NE, 5, 0 }, 5, false },
	{ { 0, SECCOMP_OP_NE, 5, 0 }, BIG + 5, true },
	{ { 0, SECCOMP_OP_LT, 5, 0 }, 4, true },
	{ { 0, SECCOMP_OP_LT, 5, 0 }, 5, false },
	{ { 0, SECCOMP_OP_LT, BIG + 5, 0 }, 9, true },
	{ { 0, SECCOMP_OP_LT, BIG + 5, 0 }, BIG + 5, false },
	{ { 0, SECCOMP_OP_LT, BIG + 5, 0 }, 2 * BIG, false },
	{ { 0, SECCOMP_OP_LE, BIG + 5, 0 }, BIG + 5, true },
	{ { 0, SECCOMP_OP_LE, BIG + 5, 0 }, BIG + 6, false },
	{ { 0, SECCOMP_OP_GT, 5, 0 }, BIG, true },
	{ { 0, SECCOMP_OP_GT, BIG + 5, 0 }, BIG + 5, false },
	{ { 0, SECCOMP_OP_GT, BIG + 5, 0 }, 6, false },
	{ { 0, SECCOMP_OP_GE, BIG + 5, 0 }, BIG + 5, true },
	{ { 0, SECCOMP_OP_GE, BIG + 5, 0 }, BIG + 4, false },
	{ { 0, SECCOMP_OP_GE, 0, 0 }, 0, true },
	{ { 0, SECCOMP_OP_GE, UINT64_MAX, 0 }, UINT64_MAX, true },
	{ { 0, SECCOMP_OP_MASKED_EQ, 0, 0x7e020000 }, 0x11, true },
	{ { 0, SECCOMP_OP_MASKED_EQ, 0, 0x7e020000 }, 0x10000000 | 0x11, false },
	{ { 0, SECCOMP_OP_MASKED_EQ, 0, 0x7e020000 }, BIG, true },
	{ { 0, SECCOMP_OP_MASKED_EQ, 40, 0xffffffff }, BIG * 7 + 40, true },
	{ { 0, SECCOMP_OP_MASKED_EQ, BIG, BIG }, BIG + 3, true },
	{ { 0, SECCOMP_OP_MASKED_EQ, BIG, BIG }, 3, false },
	{ { 0, SECCOMP_OP_MASKED_EQ, 1, 0 }, 1, false },
};

static void arguments_are_compared_with_64_bits(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cond_cases); i++) {
		const struct cond_case *t = &cond_cases[i];
		struct seccomp_cond second = t->cond;
		struct seccomp_filter f;
		struct compiled c;

		second.arg = 1;
		begin(&f, EPERM_, SCMP_ARCH_X86_64);
		assert_int_equal(seccomp_add_rule(&f, "read", ALLOW, &t->cond, 1, NULL), 1);
		assert_int_equal(
			seccomp_add_rule(&f, "write", ALLOW, (struct seccomp_cond[]){ t->cond, second }, 2, NULL), 1);
		add(&f, "close", ALLOW);
		c = finish(&f);
		assert_int_equal(ask(&c, SCMP_ARCH_X86_64, 0, t->arg, 0), t->holds ? ALLOW : EPERM_);
		assert_int_equal(ask(&c, SCMP_ARCH_X86_64, 1, t->arg, t->arg), t->holds ? ALLOW : EPERM_);
		assert_int_equal(ask(&c, SCMP_ARCH_X86_64, 3, 0, 0), ALLOW);
		free(c.code);
	}
}

static void conditional_rules_come_before_the_others(void **state)
{
	const struct seccomp_cond vsock = { 0, SECCOMP_OP_MASKED_EQ, 40, 0xffffffff };
	const struct seccomp_cond one = { 0, SECCOMP_OP_EQ, 1, 0 }, two = { 0, SECCOMP_OP_EQ, 2, 0 };
	struct seccomp_filter f;
	struct compiled c;

	(void)state;
	begin(&f, EPERM_, SCMP_ARCH_X86_64);
	add(&f, "socket", ALLOW);
	assert_int_equal(seccomp_add_rule(&f, "socket", ENOSYS_, &vsock, 1, NULL), 1);
	assert_int_equal(seccomp_add_rule(&f, "personality", ALLOW, &one, 1, NULL), 1);
	assert_int_equal(seccomp_add_rule(&f, "personality", ALLOW, &two, 1, NULL), 1);
	c = finish(&f);
	assert_int_equal(ask(&c, SCMP_ARCH_X86_64, 41, 2, 0), ALLOW);
	assert_int_equal(ask(&c, SCMP_ARCH_X86_64, 41, 40, 0), ENOSYS_);
	assert_int_equal(ask(&c, SCMP_ARCH_X86_64, 135, 1, 0), ALLOW);
	assert_int_equal(ask(&c, SCMP_ARCH_X86_64, 135, 2, 0), ALLOW);
	assert_int_equal(ask(&c, SCMP_ARCH_X86_64, 135, 3, 0), EPERM_);
	free(c.code);
}

/* Every second call allowed: as many ranges as can be, so jumps of all lengths; each must still be right. */
static void large_filters_are_right_everywhere(void **state)
{
	const struct seccomp_cond cond = { 3, SECCOMP_OP_GT, BIG, 0 };
	struct seccomp_filter f;
	struct compiled c;

	(void)state;
	begin(&f, EPERM_, SCMP_ARCH_X86_64);
	for (uint32_t nr = 0; nr < 460; nr += 2) {
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, (int)nr);

		if (name)
			assert_int_equal(seccomp_add_rule(&f, name, ALLOW, &cond, nr % 4 ? 1 : 0, NULL), 1);
		free(name);
	}
	c = finish(&f);
	assert_true(c.len > 500);
	for (uint32_t nr = 0; nr < 400; nr++) {
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, (int)nr);

		assert_int_equal(ask(&c, SCMP_ARCH_X86_64, nr, 0, 0), name && nr % 4 == 0 ? ALLOW : EPERM_);
		free(name);
	}
	free(c.code);
}

static void trees_are_shallow(void **state)
{
	struct seccomp_data data = { .nr = 230, .arch = SCMP_ARCH_X86_64 };
	struct seccomp_filter f;
	struct compiled c;
	struct bpf_machine m;

	(void)state;
	begin(&f, EPERM_, SCMP_ARCH_X86_64);
	for (int nr = 0; nr < 330; nr += 3) {
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, nr);

		add(&f, name, ALLOW);
		free(name);
	}
	c = finish(&f);
	m = (struct bpf_machine){ .code = c.code, .len = c.len };
	bpf_run(&m, &data);
	assert_true(m.executed <= 14);
	free(c.code);
}

static void what_is_too_much_is_refused(void **state)
{
	struct seccomp_cond conds[SECCOMP_ARGS_MAX + 1] = { 0 };
	const struct seccomp_cond bad = { 6, SECCOMP_OP_EQ, 0, 0 };
	struct seccomp_filter f;

	(void)state;
	begin(&f, EPERM_, SCMP_ARCH_X86_64);
	assert_int_equal(seccomp_add_rule(&f, "read", ALLOW, conds, SECCOMP_ARGS_MAX + 1, NULL), -E2BIG);
	assert_int_equal(seccomp_add_rule(&f, "read", ALLOW, &bad, 1, NULL), -EINVAL);
	for (uint32_t i = 1; i < SECCOMP_ARCHS_MAX; i++)
		assert_int_equal(seccomp_add_arch(&f, i, NULL), 0);
	assert_int_equal(seccomp_add_arch(&f, 77, NULL), -E2BIG);
	seccomp_filter_done(&f);
}

static void too_many_instructions_are_refused(void **state)
{
	struct seccomp_cond conds[SECCOMP_ARGS_MAX];
	struct sock_filter *code;
	struct seccomp_filter f;
	size_t len;

	(void)state;
	for (uint8_t i = 0; i < SECCOMP_ARGS_MAX; i++)
		conds[i] = (struct seccomp_cond){ i, SECCOMP_OP_GT, BIG + i, 0 };
	begin(&f, EPERM_, SCMP_ARCH_X86_64);
	for (int i = 0; i < 400; i++)
		assert_int_equal(seccomp_add_rule(&f, "read", ALLOW, conds, SECCOMP_ARGS_MAX, NULL), 1);
	assert_int_equal(seccomp_compile(&f, &code, &len, NULL), -E2BIG);
	seccomp_filter_done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_decide_on_each_architecture),
		cmocka_unit_test(x32_is_an_architecture_of_its_own),
		cmocka_unit_test(arguments_are_compared_with_64_bits),
		cmocka_unit_test(conditional_rules_come_before_the_others),
		cmocka_unit_test(large_filters_are_right_everywhere),
		cmocka_unit_test(trees_are_shallow),
		cmocka_unit_test(what_is_too_much_is_refused),
		cmocka_unit_test(too_many_instructions_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

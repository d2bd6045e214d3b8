#include "runtime/seccomp_default.h"

#include "base/cleanup.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>

enum { NO_CAP = -1 };

struct default_rule {
	int with, without; /* capability numbers, or NO_CAP */
	const char *names; /* with blanks between */
	const char *action;
	uint32_t errno_ret;
	struct {
		const char *op; /* NULL: no condition */
		uint32_t arg;
		uint64_t a, b;
	} cond;
};

#define ALLOW(n) { NO_CAP, NO_CAP, n, "SCMP_ACT_ALLOW", 0, { NULL, 0, 0, 0 } },
#define ALLOW_WITH(c, n) { c, NO_CAP, n, "SCMP_ACT_ALLOW", 0, { NULL, 0, 0, 0 } },
#define ALLOW_ARG(n, arg, op, a, b) { NO_CAP, NO_CAP, n, "SCMP_ACT_ALLOW", 0, { "SCMP_CMP_" #op, arg, a, b } },
#define ALLOW_ARG_WITHOUT(c, n, arg, op, a, b) { NO_CAP, c, n, "SCMP_ACT_ALLOW", 0, { "SCMP_CMP_" #op, arg, a, b } },
#define REFUSE_ARG(e, n, arg, op, a, b) { NO_CAP, NO_CAP, n, "SCMP_ACT_ERRNO", e, { "SCMP_CMP_" #op, arg, a, b } },
#define REFUSE_WITHOUT(c, e, n) { NO_CAP, c, n, "SCMP_ACT_ERRNO", e, { NULL, 0, 0, 0 } },

static const struct default_rule rules[] = {
#include "runtime/seccomp_default.def"
};

static int add_names(struct strv *dst, const char *names)
{
	while (*names) {
		const char *end = strchrnul(names, ' ');

		if (end > names && strv_addn(dst, names, (size_t)(end - names)) < 0)
			return -ENOMEM;
		names = *end ? end + 1 : end;
	}
	return 0;
}

static int add_rule(struct oci_syscalls *dst, const struct default_rule *rule)
{
	struct oci_seccomp_arg arg = { .index = rule->cond.arg, .value = rule->cond.a, .value_two = rule->cond.b };
	struct oci_syscall *s;

	if (oci_syscalls_push(dst, (struct oci_syscall){ 0 }) < 0)
		return -ENOMEM;
	s = &dst->items[dst->len - 1];
	s->has_errno_ret = rule->errno_ret != 0;
	s->errno_ret = rule->errno_ret;
	s->action = strdup(rule->action);
	if (!s->action || add_names(&s->names, rule->names) < 0)
		return -ENOMEM;
	if (!rule->cond.op)
		return 0;
	arg.op = strdup(rule->cond.op);
	if (!arg.op || oci_seccomp_args_push(&s->args, arg) < 0) {
		free(arg.op);
		return -ENOMEM;
	}
	return 0;
}

static bool has_cap(cap_set caps, int number)
{
	return number != NO_CAP && caps & CAP_BIT(number);
}

static int add_archs(struct strv *archs)
{
#if defined(__x86_64__)
	return strv_add(archs, "SCMP_ARCH_X86_64") < 0 ? -ENOMEM : strv_add(archs, "SCMP_ARCH_X86");
#elif defined(__aarch64__)
	return strv_add(archs, "SCMP_ARCH_AARCH64") < 0 ? -ENOMEM : strv_add(archs, "SCMP_ARCH_ARM");
#else
	(void)archs;
	return 0;
#endif
}

int seccomp_default_profile(cap_set caps, struct oci_seccomp *ret, struct err *err)
{
	CLEANUP(oci_seccomp_done) struct oci_seccomp p = { .has_default_errno_ret = true, .default_errno_ret = EPERM };

	p.default_action = strdup("SCMP_ACT_ERRNO");
	if (!p.default_action || add_archs(&p.architectures) < 0)
		return err_oom(err);
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		const struct default_rule *rule = &rules[i];

		if ((rule->with != NO_CAP && !has_cap(caps, rule->with)) || has_cap(caps, rule->without))
			continue;
		if (add_rule(&p.syscalls, rule) < 0)
			return err_oom(err);
	}
	*ret = p;
	p = (struct oci_seccomp){ 0 };
	return 0;
}

/* The OCI model of a seccomp profile as a filter. */
#include "base/cleanup.h"
#include "runtime/profile.h"
#include "runtime/runtime.h"
#include "sys/seccomp.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <string.h>

static const struct {
	const char *name;
	uint32_t action;
} actions[] = {
	{ "SCMP_ACT_KILL", SECCOMP_RET_KILL_THREAD },
	{ "SCMP_ACT_KILL_THREAD", SECCOMP_RET_KILL_THREAD },
	{ "SCMP_ACT_KILL_PROCESS", SECCOMP_RET_KILL_PROCESS },
	{ "SCMP_ACT_TRAP", SECCOMP_RET_TRAP },
	{ "SCMP_ACT_ERRNO", SECCOMP_RET_ERRNO },
	{ "SCMP_ACT_TRACE", SECCOMP_RET_TRACE },
	{ "SCMP_ACT_ALLOW", SECCOMP_RET_ALLOW },
	{ "SCMP_ACT_LOG", SECCOMP_RET_LOG },
	{ "SCMP_ACT_NOTIFY", SECCOMP_RET_USER_NOTIF },
};

static const struct {
	const char *name;
	uint32_t token;
} archs[] = {
	{ "SCMP_ARCH_X86_64", SCMP_ARCH_X86_64 },
	{ "SCMP_ARCH_X86", SCMP_ARCH_X86 },
	{ "SCMP_ARCH_X32", SCMP_ARCH_X32 },
	{ "SCMP_ARCH_AARCH64", SCMP_ARCH_AARCH64 },
	{ "SCMP_ARCH_ARM", SCMP_ARCH_ARM },
	{ "SCMP_ARCH_RISCV64", SCMP_ARCH_RISCV64 },
	{ "SCMP_ARCH_PPC64LE", SCMP_ARCH_PPC64LE },
	{ "SCMP_ARCH_S390X", SCMP_ARCH_S390X },
	{ "SCMP_ARCH_MIPS", SCMP_ARCH_MIPS },
	{ "SCMP_ARCH_MIPS64", SCMP_ARCH_MIPS64 },
	{ "SCMP_ARCH_MIPS64N32", SCMP_ARCH_MIPS64N32 },
	{ "SCMP_ARCH_MIPSEL", SCMP_ARCH_MIPSEL },
	{ "SCMP_ARCH_MIPSEL64", SCMP_ARCH_MIPSEL64 },
	{ "SCMP_ARCH_MIPSEL64N32", SCMP_ARCH_MIPSEL64N32 },
	{ "SCMP_ARCH_PPC", SCMP_ARCH_PPC },
	{ "SCMP_ARCH_PPC64", SCMP_ARCH_PPC64 },
	{ "SCMP_ARCH_S390", SCMP_ARCH_S390 },
	{ "SCMP_ARCH_PARISC", SCMP_ARCH_PARISC },
	{ "SCMP_ARCH_PARISC64", SCMP_ARCH_PARISC64 },
};

/* Known to later versions of libseccomp; no machine that we run on executes their calls. */
static const char *const other_archs[] = { "SCMP_ARCH_LOONGARCH64", "SCMP_ARCH_M68K", "SCMP_ARCH_SH",
					   "SCMP_ARCH_SHEB" };

static const struct {
	const char *name;
	enum seccomp_op op;
} ops[] = {
	{ "SCMP_CMP_NE", SECCOMP_OP_NE },
	{ "SCMP_CMP_LT", SECCOMP_OP_LT },
	{ "SCMP_CMP_LE", SECCOMP_OP_LE },
	{ "SCMP_CMP_EQ", SECCOMP_OP_EQ },
	{ "SCMP_CMP_GE", SECCOMP_OP_GE },
	{ "SCMP_CMP_GT", SECCOMP_OP_GT },
	{ "SCMP_CMP_MASKED_EQ", SECCOMP_OP_MASKED_EQ },
};

const struct profile_flag profile_flags[] = {
	{ "SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG },
	{ "SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW },
	{ "SECCOMP_FILTER_FLAG_TSYNC", 0 }, /* there is one thread */
	{ "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV },
	{ NULL, 0 },
};

void runtime_seccomp_names(enum runtime_seccomp_kind kind, void (*tell)(const char *name, void *arg), void *arg)
{
	for (size_t i = 0; kind == RUNTIME_SECCOMP_ACTIONS && i < ARRAY_SIZE(actions); i++)
		tell(actions[i].name, arg);
	for (size_t i = 0; kind == RUNTIME_SECCOMP_OPERATORS && i < ARRAY_SIZE(ops); i++)
		tell(ops[i].name, arg);
	for (size_t i = 0; kind == RUNTIME_SECCOMP_ARCHS && i < ARRAY_SIZE(archs); i++)
		tell(archs[i].name, arg);
	for (size_t i = 0; kind == RUNTIME_SECCOMP_ARCHS && i < ARRAY_SIZE(other_archs); i++)
		tell(other_archs[i], arg);
	for (size_t i = 0; kind == RUNTIME_SECCOMP_FLAGS && profile_flags[i].name; i++)
		tell(profile_flags[i].name, arg);
	for (size_t i = 0; kind == RUNTIME_SECCOMP_KERNEL_FLAGS && profile_flags[i].name; i++)
		if (seccomp_has_flags(profile_flags[i].flag))
			tell(profile_flags[i].name, arg);
}

static int action_from_name(const char *name, uint32_t errno_ret, uint32_t *ret, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
		uint32_t action = actions[i].action;

		if (strcmp(name, actions[i].name) == 0) {
			bool has_data = action == SECCOMP_RET_ERRNO || action == SECCOMP_RET_TRACE;

			*ret = has_data ? action | (errno_ret & SECCOMP_RET_DATA) : action;
			return 0;
		}
	}
	return err_set(err, EINVAL, "seccomp: there is no action '%s'", name);
}

static int arch_from_name(const char *name, uint32_t *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(archs); i++) {
		if (strcmp(name, archs[i].name) == 0) {
			*ret = archs[i].token;
			return 1;
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(other_archs); i++)
		if (strcmp(name, other_archs[i]) == 0)
			return 0;
	return -ENOENT;
}

static int cond_from_arg(const struct oci_seccomp_arg *arg, struct seccomp_cond *ret, struct err *err)
{
	if (arg->index >= SECCOMP_ARGS_MAX)
		return err_set(err, EINVAL, "seccomp: there is no argument %u", arg->index);
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		bool masked = ops[i].op == SECCOMP_OP_MASKED_EQ;

		if (strcmp(arg->op, ops[i].name) != 0)
			continue;
		/* For the masked comparison `value` is the mask and `valueTwo` what is compared with: config-linux.md. */
		*ret = (struct seccomp_cond){
			.arg = (uint8_t)arg->index,
			.op = ops[i].op,
			.value = masked ? arg->value_two : arg->value,
			.mask = masked ? arg->value : 0,
		};
		return 0;
	}
	return err_set(err, EINVAL, "seccomp: there is no comparison '%s'", arg->op);
}

/*
 * Conditions on different arguments must all hold; where one argument is named twice, each condition is a rule
 * of its own, any of which suffices. So do runc and crun, since libseccomp takes an argument once a rule.
 */
static bool has_repeated_arg(const struct oci_seccomp_args *args)
{
	unsigned seen = 0;

	for (size_t i = 0; i < args->len; i++) {
		if (seen & (1u << args->items[i].index))
			return true;
		seen |= 1u << args->items[i].index;
	}
	return false;
}

static int add_names(struct seccomp_filter *f, const struct oci_syscall *s, uint32_t action,
		     const struct seccomp_cond *conds, size_t len, struct err *err)
{
	for (size_t i = 0; i < s->names.len; i++) {
		int r = seccomp_add_rule(f, s->names.items[i], action, conds, len, err);

		if (r < 0)
			return r;
	}
	return 0;
}

static int add_syscall(struct seccomp_filter *f, const struct oci_syscall *s, uint32_t default_errno, struct err *err)
{
	struct seccomp_cond conds[SECCOMP_ARGS_MAX * 4];
	size_t len = s->args.len;
	uint32_t action = 0;
	int r = action_from_name(s->action, s->has_errno_ret ? s->errno_ret : default_errno, &action, err);

	if (r < 0)
		return r;
	if (s->has_errno_ret && strcmp(s->action, "SCMP_ACT_ERRNO") != 0 && strcmp(s->action, "SCMP_ACT_TRACE") != 0)
		return err_set(err, EINVAL, "seccomp: the action %s takes no errnoRet", s->action);
	if (strcmp(s->action, "SCMP_ACT_NOTIFY") == 0 && strv_contains(&s->names, "sendmsg"))
		return err_set(err, EINVAL,
			       "seccomp: SCMP_ACT_NOTIFY for sendmsg, by which the listener itself is passed on");
	if (len > ARRAY_SIZE(conds))
		return err_set(err, E2BIG, "seccomp: a rule of more than %zu conditions", ARRAY_SIZE(conds));
	for (size_t i = 0; i < len; i++) {
		r = cond_from_arg(&s->args.items[i], &conds[i], err);
		if (r < 0)
			return r;
	}
	if (!has_repeated_arg(&s->args))
		return add_names(f, s, action, conds, len, err);
	for (size_t i = 0; i < len && r >= 0; i++)
		r = add_names(f, s, action, &conds[i], 1, err);
	return r;
}

/* True if this machine may have programs of the architecture TOKEN. */
static bool runs_here(uint32_t token)
{
	static const uint32_t families[][3] = {
		{ SCMP_ARCH_X86_64, SCMP_ARCH_X86, SCMP_ARCH_X32 },
		{ SCMP_ARCH_AARCH64, SCMP_ARCH_ARM },
		{ SCMP_ARCH_S390X, SCMP_ARCH_S390 },
		{ SCMP_ARCH_PPC64, SCMP_ARCH_PPC },
	};
	uint32_t native = seccomp_native_arch();

	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		for (size_t k = 1; families[i][0] == native && k < 3; k++)
			if (families[i][k] == token)
				return true;
	return token == native;
}

static int add_archs(struct seccomp_filter *f, const struct strv *names, struct err *err)
{
	int r = seccomp_add_arch(f, seccomp_native_arch(), err);

	for (size_t i = 0; i < names->len && r == 0; i++) {
		uint32_t token;

		/* Calls of others than this machine can execute stay refused as a whole, and need no rules. */
		int known = arch_from_name(names->items[i], &token);

		if (known < 0)
			return err_set(err, EINVAL, "seccomp: there is no architecture '%s'", names->items[i]);
		if (known > 0 && runs_here(token))
			r = seccomp_add_arch(f, token, err);
	}
	return r;
}

int profile_compile(const struct oci_seccomp *profile, struct sock_filter **ret, size_t *ret_len, struct err *err)
{
	CLEANUP(seccomp_filter_done) struct seccomp_filter f = { .bad_arch_action = SECCOMP_RET_KILL_PROCESS };
	uint32_t default_errno = profile->has_default_errno_ret ? profile->default_errno_ret : EPERM;
	int r;

	if (!profile->default_action)
		return err_set(err, EBADMSG, "seccomp: the profile has no default action");
	if (strcmp(profile->default_action, "SCMP_ACT_NOTIFY") == 0)
		return err_set(err, EINVAL, "seccomp: SCMP_ACT_NOTIFY can't be the default action");
	r = action_from_name(profile->default_action, default_errno, &f.default_action, err);
	if (r == 0)
		r = add_archs(&f, &profile->architectures, err);
	for (size_t i = 0; i < profile->syscalls.len && r >= 0; i++)
		r = add_syscall(&f, &profile->syscalls.items[i], EPERM, err);
	return r < 0 ? r : seccomp_compile(&f, ret, ret_len, err);
}

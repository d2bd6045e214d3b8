#include "sys/allow.h"

#include "base/cleanup.h"

#include <assert.h>
#include <errno.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static const uint32_t basics[] = {
	/* bytes */
	SYS_read,
	SYS_write,
	SYS_close,
	SYS_sendmsg,
	SYS_recvmsg,
	SYS_ppoll,
#ifdef SYS_poll
	SYS_poll,
#endif
	/* memory */
	SYS_mmap,
	SYS_munmap,
	SYS_mremap,
	SYS_mprotect,
	SYS_madvise,
	SYS_brk,
	SYS_futex,
	/* time, signals, the end */
	SYS_clock_gettime,
	SYS_clock_nanosleep,
	SYS_getrandom,
	SYS_getpid,
	SYS_gettid,
	SYS_rt_sigprocmask,
	SYS_rt_sigaction,
	SYS_rt_sigreturn,
	SYS_restart_syscall,
	SYS_exit,
	SYS_exit_group,
#ifdef SANITIZED
	SYS_sigaltstack,
	SYS_personality,
	SYS_readlink,
	SYS_sched_yield,
#endif
};

static const uint32_t of_threads[] = {
	SYS_set_robust_list,
	SYS_rseq,
	SYS_sched_yield,
	SYS_sched_getaffinity,
};

void allow_rule(struct allow *a, const struct seccomp_rule *rule)
{
	assert(a->len < ALLOW_RULES_MAX);
	a->rules[a->len++] = *rule;
}

void allow_calls(struct allow *a, const uint32_t *numbers, size_t len)
{
	for (size_t i = 0; i < len; i++)
		allow_rule(a, &(struct seccomp_rule){ .number = (int)numbers[i], .action = SECCOMP_RET_ALLOW });
}

void allow_call_if(struct allow *a, uint32_t number, uint8_t arg, uint64_t value, uint64_t mask)
{
	const struct seccomp_rule rule = {
		.number = (int)number,
		.action = SECCOMP_RET_ALLOW,
		.conds = { { arg, SECCOMP_OP_MASKED_EQ, value, mask } },
		.conds_len = 1,
	};

	allow_rule(a, &rule);
}

void allow_basics(struct allow *a)
{
	allow_calls(a, basics, ARRAY_SIZE(basics));
	allow_call_if(a, SYS_tgkill, 0, (uint64_t)getpid(), UINT64_MAX); /* abort() */
}

void allow_threads(struct allow *a)
{
	const uint64_t flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;

	allow_calls(a, of_threads, ARRAY_SIZE(of_threads));
	allow_call_if(a, SYS_clone, 0, flags, flags);
	/* Its flags lie in memory, where no filter sees them; without it the C library uses clone. */
	allow_rule(a, &(struct seccomp_rule){ .number = SYS_clone3, .action = SECCOMP_RET_ERRNO | ENOSYS });
}

int allow_install(const struct allow *a, struct err *err)
{
	struct allow copy = *a;
	struct seccomp_filter f = {
		.default_action = SECCOMP_RET_ERRNO | EPERM,
		.bad_arch_action = SECCOMP_RET_KILL_PROCESS,
		.archs = { { .token = seccomp_native_arch(), .rules = copy.rules, .len = copy.len, .cap = copy.len } },
		.archs_len = 1,
	};
	autofree struct sock_filter *filter = NULL;
	size_t len;
	int r = seccomp_compile(&f, &filter, &len, err);

	if (r < 0)
		return r;
	r = seccomp_install(filter, len, 0);
	return r < 0 ? err_errno(err, -r, "install the seccomp filter") : 0;
}

void limit_lower(int resource, uint64_t most)
{
	struct rlimit l;

	if (getrlimit((__rlimit_resource_t)resource, &l) < 0)
		return;
	l.rlim_cur = l.rlim_max = l.rlim_max < most ? l.rlim_max : most;
	(void)setrlimit((__rlimit_resource_t)resource, &l);
}

void limit_memory(uint64_t most)
{
#ifdef SANITIZED
	(void)most;
#else
	limit_lower(RLIMIT_DATA, most);
#endif
}

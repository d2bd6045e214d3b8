/*
 * Seccomp filters: a compiler from rules to BPF.
 *
 * For each architecture the system call numbers become ranges with the same answer, and the ranges a
 * balanced tree of comparisons: a call is decided in about seven instructions. That matters when the filter is
 * loaded too, since the kernel then runs it once for every system call number to find those that are always
 * allowed (seccomp_cache_prepare, since 5.11).
 *
 * Names become numbers by libseccomp's tables. Numbers that an architecture lacks are skipped; where the default
 * is an error, calls with numbers above all that rules name give ENOSYS.
 */
#pragma once

#include "base/err.h"

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum seccomp_op {
	SECCOMP_OP_NE,
	SECCOMP_OP_LT,
	SECCOMP_OP_LE,
	SECCOMP_OP_EQ,
	SECCOMP_OP_GE,
	SECCOMP_OP_GT,
	SECCOMP_OP_MASKED_EQ
};

enum { SECCOMP_ARGS_MAX = 6, SECCOMP_ARCHS_MAX = 8, SECCOMP_RULES_MAX = 16384 };

struct seccomp_cond {
	uint8_t arg; /* 0 to 5 */
	enum seccomp_op op;
	uint64_t value; /* what is compared with; for MASKED_EQ the value after the mask */
	uint64_t mask;	/* MASKED_EQ only */
};

/* ACTION is SECCOMP_RET_* with its data, if all conditions hold. */
struct seccomp_rule {
	int number; /* of the call, in the numbering of the architecture that the rule stands in */
	uint32_t action;
	uint32_t order; /* set by seccomp_add_rule */
	struct seccomp_cond conds[SECCOMP_ARGS_MAX];
	size_t conds_len;
};

/* The rules of one architecture. For one number, conditional rules come first, in their order. */
struct seccomp_arch {
	uint32_t token; /* SCMP_ARCH_*: AUDIT_ARCH_* but for x32 */
	struct seccomp_rule *rules;
	size_t len, cap;
};

struct seccomp_filter {
	uint32_t default_action;
	uint32_t bad_arch_action; /* for architectures that are not listed */
	struct seccomp_arch archs[SECCOMP_ARCHS_MAX];
	size_t archs_len;
};

/* Adds an architecture by its token; -E2BIG, -EINVAL. Listing one twice is fine. */
int seccomp_add_arch(struct seccomp_filter *f, uint32_t token, struct err *err);
/* The token of the machine we run on. */
uint32_t seccomp_native_arch(void);
/*
 * Adds a rule for the call NAME in every architecture that has it. Unknown names are skipped (a profile names
 * calls of newer kernels). Returns 1 if some architecture has it, 0 if none, or a negative errno.
 */
int seccomp_add_rule(struct seccomp_filter *f, const char *name, uint32_t action, const struct seccomp_cond *conds,
		     size_t conds_len, struct err *err);
/* Compiles; the caller owns *RET (free). At most 4096 instructions, the kernel's limit: -E2BIG beyond. */
int seccomp_compile(const struct seccomp_filter *f, struct sock_filter **ret, size_t *ret_len, struct err *err);
void seccomp_filter_done(struct seccomp_filter *f);

/* Whether this kernel has all these SECCOMP_FILTER_FLAG_*. */
bool seccomp_has_flags(unsigned flags);
/* Installs it on this thread. FLAGS are SECCOMP_FILTER_FLAG_*. Async-signal-safe. 0, the listener, or a negative errno. */
int seccomp_install(const struct sock_filter *filter, size_t len, unsigned flags);

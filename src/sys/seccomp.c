/*
 * The program is emitted from its end to its beginning, so that the target of every jump is known when the
 * jump is written. A label is the position of an instruction in that reversed order.
 *
 *     load arch; one comparison an architecture; bad architecture
 *     for each: load number; tree of "number >= start of range"; at a leaf a return, or the tests of arguments
 *
 * x32 calls come with x86-64's architecture and bit 30 set in the number (seccomp(2)), so both share a tree.
 */
#include "sys/seccomp.h"

#include "base/cleanup.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { X32_BIT = 0x40000000, PROGRAM_MAX = 4096 };

/* --- the model --- */

uint32_t seccomp_native_arch(void)
{
	return seccomp_arch_native();
}

int seccomp_add_arch(struct seccomp_filter *f, uint32_t token, struct err *err)
{
	for (size_t i = 0; i < f->archs_len; i++)
		if (f->archs[i].token == token)
			return 0;
	if (f->archs_len == SECCOMP_ARCHS_MAX)
		return err_set(err, E2BIG, "seccomp: more than %d architectures", SECCOMP_ARCHS_MAX);
	f->archs[f->archs_len++] = (struct seccomp_arch){ .token = token };
	return 0;
}

/*
 * On i386 libseccomp gives the calls behind socketcall(2) and ipc(2) numbers of its own below zero, though
 * since Linux 4.3 and 5.1 they exist as calls too: linux/arch/x86/entry/syscalls/syscall_32.tbl.
 */
static int i386_direct_number(const char *name)
{
	static const struct {
		const char *name;
		int number;
	} calls[] = {
		{ "socket", 359 },	{ "socketpair", 360 },	{ "bind", 361 },       { "connect", 362 },
		{ "listen", 363 },	{ "accept4", 364 },	{ "getsockopt", 365 }, { "setsockopt", 366 },
		{ "getsockname", 367 }, { "getpeername", 368 }, { "sendto", 369 },     { "sendmsg", 370 },
		{ "recvfrom", 371 },	{ "recvmsg", 372 },	{ "shutdown", 373 },   { "semget", 393 },
		{ "semctl", 394 },	{ "shmget", 395 },	{ "shmctl", 396 },     { "shmat", 397 },
		{ "shmdt", 398 },	{ "msgget", 399 },	{ "msgsnd", 400 },     { "msgrcv", 401 },
		{ "msgctl", 402 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		if (strcmp(calls[i].name, name) == 0)
			return calls[i].number;
	return -1;
}

/*
 * Calls that came after libseccomp 2.5.4. From 424 on, numbers are the same on all architectures; x32 has its bit
 * besides: linux/scripts/syscall.tbl.
 */
static int recent_number(uint32_t token, const char *name)
{
	static const char *const from_450[] = {
		"set_mempolicy_home_node",
		"cachestat",
		"fchmodat2",
		"map_shadow_stack",
		"futex_wake",
		"futex_wait",
		"futex_requeue",
		"statmount",
		"listmount",
		"lsm_get_self_attr",
		"lsm_set_self_attr",
		"lsm_list_modules",
		"mseal",
		"setxattrat",
		"getxattrat",
		"listxattrat",
		"removexattrat",
		"open_tree_attr",
		"file_getattr",
		"file_setattr",
	};

	for (size_t i = 0; i < ARRAY_SIZE(from_450); i++)
		if (strcmp(from_450[i], name) == 0)
			return (int)(450 + i) | (token == SCMP_ARCH_X32 ? X32_BIT : 0);
	/* One that was fitted in elsewhere; x86-64 alone has it. */
	return token == SCMP_ARCH_X86_64 && strcmp(name, "uretprobe") == 0 ? 335 : -1;
}

static int number_of(uint32_t token, const char *name)
{
	int nr = seccomp_syscall_resolve_name_arch(token, name);

	if (nr < 0)
		nr = recent_number(token, name);
	if (nr < 0 && token == SCMP_ARCH_X86)
		nr = i386_direct_number(name);
	return nr;
}

static int push_rule(struct seccomp_arch *a, const struct seccomp_rule *rule, struct err *err)
{
	if (a->len == a->cap) {
		size_t cap = a->cap ? a->cap * 2 : 512;
		struct seccomp_rule *rules = reallocarray(a->rules, cap, sizeof(*rules));

		if (!rules)
			return err_oom(err);
		a->rules = rules;
		a->cap = cap;
	}
	a->rules[a->len] = *rule;
	a->rules[a->len].order = (uint32_t)a->len;
	a->len++;
	return 0;
}

int seccomp_add_rule(struct seccomp_filter *f, const char *name, uint32_t action, const struct seccomp_cond *conds,
		     size_t conds_len, struct err *err)
{
	struct seccomp_rule rule = { .action = action, .conds_len = conds_len };
	int found = 0, r;

	if (conds_len > SECCOMP_ARGS_MAX)
		return err_set(err, E2BIG, "seccomp: '%s': more than %d conditions", name, SECCOMP_ARGS_MAX);
	for (size_t i = 0; i < conds_len; i++) {
		if (conds[i].arg >= SECCOMP_ARGS_MAX)
			return err_set(err, EINVAL, "seccomp: '%s': argument %u", name, conds[i].arg);
		rule.conds[i] = conds[i];
	}
	for (size_t i = 0; i < f->archs_len; i++) {
		rule.number = number_of(f->archs[i].token, name);
		if (rule.number < 0)
			continue;
		if (f->archs[i].len >= SECCOMP_RULES_MAX)
			return err_set(err, E2BIG, "seccomp: more than %d rules", SECCOMP_RULES_MAX);
		r = push_rule(&f->archs[i], &rule, err);
		if (r < 0)
			return r;
		found = 1;
	}
	return found;
}

void seccomp_filter_done(struct seccomp_filter *f)
{
	for (size_t i = 0; i < f->archs_len; i++)
		free(f->archs[i].rules);
	*f = (struct seccomp_filter){ 0 };
}

/* --- emission, backwards --- */

struct program {
	struct sock_filter code[PROGRAM_MAX]; /* reversed */
	int len;
	bool full;
};

static int emit(struct program *p, uint16_t op, uint8_t jt, uint8_t jf, uint32_t k)
{
	if (p->len == PROGRAM_MAX) {
		p->full = true;
		return PROGRAM_MAX - 1;
	}
	p->code[p->len] = (struct sock_filter){ op, jt, jf, k };
	return p->len++;
}

static int emit_load(struct program *p, size_t offset)
{
	return emit(p, BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)offset);
}

/* A label that an instruction emitted within the next two can reach with its eight bits. */
static int near_label(struct program *p, int label)
{
	if (p->len - label < 250)
		return label;
	return emit(p, BPF_JMP | BPF_JA, 0, 0, (uint32_t)(p->len - label - 1));
}

static int emit_jump(struct program *p, uint16_t op, uint32_t k, int yes, int no)
{
	yes = near_label(p, yes);
	no = near_label(p, no);
	return emit(p, BPF_JMP | op | BPF_K, (uint8_t)(p->len - yes - 1), (uint8_t)(p->len - no - 1), k);
}

/* A return of ACTION that is near; the same one serves many leaves. */
static int emit_return(struct program *p, uint32_t action)
{
	for (int at = p->len - 1; at >= 0 && p->len - at < 200; at--)
		if (p->code[at].code == (BPF_RET | BPF_K) && p->code[at].k == action)
			return at;
	return emit(p, BPF_RET | BPF_K, 0, 0, action);
}

static size_t arg_offset(unsigned arg, bool high)
{
	bool big_endian = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;

	return offsetof(struct seccomp_data, args) + arg * 8 + (high != big_endian ? 4 : 0);
}

/* All 64 bits under MASK equal VALUE. */
static int emit_masked(struct program *p, unsigned arg, uint64_t mask, uint64_t value, int yes, int no)
{
	for (int high = 0; high < 2; high++) {
		uint32_t m = (uint32_t)(mask >> (32 * high)), v = (uint32_t)(value >> (32 * high));

		if (m == 0 && v == 0)
			continue;
		yes = emit_jump(p, BPF_JEQ, v, yes, no);
		if (m != UINT32_MAX)
			emit(p, BPF_ALU | BPF_AND | BPF_K, 0, 0, m);
		yes = emit_load(p, arg_offset(arg, high));
	}
	return yes;
}

/* Unsigned 64-bit "argument OP value", OP being BPF_JGT or BPF_JGE. */
static int emit_order(struct program *p, unsigned arg, uint16_t op, uint64_t value, int yes, int no)
{
	uint32_t high = (uint32_t)(value >> 32);
	int low_part, equal;

	emit_jump(p, op, (uint32_t)value, yes, no);
	low_part = emit_load(p, arg_offset(arg, false));
	equal = emit_jump(p, BPF_JEQ, high, low_part, no);
	emit_jump(p, BPF_JGT, high, yes, equal);
	return emit_load(p, arg_offset(arg, true));
}

static int emit_cond(struct program *p, const struct seccomp_cond *c, int yes, int no)
{
	switch (c->op) {
	case SECCOMP_OP_EQ:
		return emit_masked(p, c->arg, UINT64_MAX, c->value, yes, no);
	case SECCOMP_OP_NE:
		return emit_masked(p, c->arg, UINT64_MAX, c->value, no, yes);
	case SECCOMP_OP_MASKED_EQ:
		return emit_masked(p, c->arg, c->mask, c->value, yes, no);
	case SECCOMP_OP_GT:
		return emit_order(p, c->arg, BPF_JGT, c->value, yes, no);
	case SECCOMP_OP_GE:
		return emit_order(p, c->arg, BPF_JGE, c->value, yes, no);
	case SECCOMP_OP_LT:
		return emit_order(p, c->arg, BPF_JGE, c->value, no, yes);
	case SECCOMP_OP_LE:
		return emit_order(p, c->arg, BPF_JGT, c->value, no, yes);
	}
	return no;
}

/* --- ranges --- */

/* Calls from `start` to the next range's start have one answer. */
struct range {
	uint32_t start;
	uint32_t action;		  /* unless a conditional rule holds */
	const struct seccomp_rule *rules; /* conditional ones, in their order */
	size_t rules_len;
};

struct ranges {
	struct range *items;
	size_t len, cap;
};

static int push_range(struct ranges *rs, const struct range *r)
{
	struct range *last = rs->len > 0 ? &rs->items[rs->len - 1] : NULL;

	if (last && last->start == r->start)
		rs->len--;
	last = rs->len > 0 ? &rs->items[rs->len - 1] : NULL;
	if (last && last->rules_len == 0 && r->rules_len == 0 && last->action == r->action)
		return 0;
	if (rs->len == rs->cap) {
		size_t cap = rs->cap ? rs->cap * 2 : 256;
		struct range *items = reallocarray(rs->items, cap, sizeof(*items));

		if (!items)
			return -ENOMEM;
		rs->items = items;
		rs->cap = cap;
	}
	rs->items[rs->len++] = *r;
	return 0;
}

/* By number; conditional rules first; else in the order in which they were added. */
static int compare_rules(const void *a, const void *b)
{
	const struct seccomp_rule *x = a, *y = b;

	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	if ((x->conds_len == 0) != (y->conds_len == 0))
		return x->conds_len == 0 ? 1 : -1;
	return x->order < y->order ? -1 : 1;
}

/* The range of the rules with one number, RULES[0..LEN). */
static struct range answer_of(const struct seccomp_rule *rules, size_t len, uint32_t default_action)
{
	struct range r = { .start = (uint32_t)rules[0].number, .action = default_action, .rules = rules };

	while (r.rules_len < len && rules[r.rules_len].conds_len > 0)
		r.rules_len++;
	if (r.rules_len < len)
		r.action = rules[r.rules_len].action;
	/* Conditions at the end that change nothing. */
	while (r.rules_len > 0 && rules[r.rules_len - 1].action == r.action)
		r.rules_len--;
	return r;
}

/*
 * Calls beyond all that the rules name are newer than the profile: ENOSYS makes programs fall back to older ones,
 * where EPERM would make them fail.
 */
static int add_newer(const struct seccomp_filter *f, const struct seccomp_arch *a, struct ranges *rs)
{
	struct range newer = { .action = SECCOMP_RET_ERRNO | ENOSYS };

	if ((f->default_action & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_ERRNO || a->len == 0)
		return 0;
	newer.start = (uint32_t)a->rules[a->len - 1].number + 1;
	return push_range(rs, &newer);
}

static int add_ranges(const struct seccomp_filter *f, struct seccomp_arch *a, struct ranges *rs)
{
	int r = 0;

	if (a->len > 0)
		qsort(a->rules, a->len, sizeof(*a->rules), compare_rules);
	for (size_t i = 0, n; i < a->len && r == 0; i += n) {
		struct range answer, after;

		for (n = 1; i + n < a->len && a->rules[i + n].number == a->rules[i].number;)
			n++;
		answer = answer_of(&a->rules[i], n, f->default_action);
		after = (struct range){ .start = answer.start + 1, .action = f->default_action };
		r = push_range(rs, &answer);
		if (r == 0)
			r = push_range(rs, &after);
	}
	return r == 0 ? add_newer(f, a, rs) : r;
}

static int emit_leaf(struct program *p, const struct range *r)
{
	int next = emit_return(p, r->action);

	for (size_t i = r->rules_len; i-- > 0;) {
		const struct seccomp_rule *rule = &r->rules[i];
		int yes = emit_return(p, rule->action);

		for (size_t c = rule->conds_len; c-- > 0;)
			yes = emit_cond(p, &rule->conds[c], yes, next);
		next = yes;
	}
	return next;
}

/* The tree of RS[FROM..TO), at least one range; the number is in the accumulator. Returns its label. */
static int emit_tree(struct program *p, const struct ranges *rs, size_t from, size_t to)
{
	size_t middle = from + (to - from) / 2;
	int right, left;

	if (to - from == 1)
		return emit_leaf(p, &rs->items[from]);
	right = emit_tree(p, rs, middle, to);
	left = emit_tree(p, rs, from, middle);
	return emit_jump(p, BPF_JGE, rs->items[middle].start, right, left);
}

/* --- one architecture, then all --- */

static struct seccomp_arch *find_arch(struct seccomp_filter *f, uint32_t token)
{
	for (size_t i = 0; i < f->archs_len; i++)
		if (f->archs[i].token == token)
			return &f->archs[i];
	return NULL;
}

static int emit_arch(struct program *p, struct seccomp_filter *f, uint32_t audit_arch)
{
	struct seccomp_arch *plain = find_arch(f, audit_arch), *x32 = NULL;
	struct ranges rs = { 0 };
	struct range first = { .start = 0, .action = plain ? f->default_action : f->bad_arch_action };
	int r = push_range(&rs, &first);

	if (r == 0 && plain)
		r = add_ranges(f, plain, &rs);
	if (r == 0 && audit_arch == SCMP_ARCH_X86_64) {
		struct range second = { .start = X32_BIT };

		x32 = find_arch(f, SCMP_ARCH_X32);
		second.action = x32 ? f->default_action : f->bad_arch_action;
		r = push_range(&rs, &second);
		if (r == 0 && x32)
			r = add_ranges(f, x32, &rs);
	}
	if (r == 0) {
		/* A tree that ends in a shared return has no code of its own to fall into: the jump makes it so. */
		int label = emit_tree(p, &rs, 0, rs.len);

		if (label != p->len - 1)
			emit(p, BPF_JMP | BPF_JA, 0, 0, (uint32_t)(p->len - label - 1));
		r = emit_load(p, offsetof(struct seccomp_data, nr));
	}
	free(rs.items);
	return r;
}

static int emit_all(struct program *p, struct seccomp_filter *f)
{
	int label = emit_return(p, f->bad_arch_action);

	for (size_t i = f->archs_len; i-- > 0;) {
		uint32_t token = f->archs[i].token;
		int section;

		if (token == SCMP_ARCH_X32 && find_arch(f, SCMP_ARCH_X86_64))
			continue;
		if (token == SCMP_ARCH_X32)
			token = SCMP_ARCH_X86_64;
		section = emit_arch(p, f, token);
		if (section < 0)
			return section;
		label = emit_jump(p, BPF_JEQ, token, section, label);
	}
	emit_load(p, offsetof(struct seccomp_data, arch));
	return 0;
}

int seccomp_compile(const struct seccomp_filter *f, struct sock_filter **ret, size_t *ret_len, struct err *err)
{
	autofree struct program *p = calloc(1, sizeof(*p));
	struct seccomp_filter sorted = *f; /* only the order within its arrays changes */
	struct sock_filter *code;

	if (!p || emit_all(p, &sorted) < 0)
		return err_oom(err);
	if (p->full)
		return err_set(err, E2BIG, "seccomp: more than %d instructions", PROGRAM_MAX);
	code = calloc((size_t)p->len, sizeof(*code));
	if (!code)
		return err_oom(err);
	for (int i = 0; i < p->len; i++)
		code[i] = p->code[p->len - 1 - i];
	*ret = code;
	*ret_len = (size_t)p->len;
	return 0;
}

bool seccomp_has_flags(unsigned flags)
{
	/* One that is about listeners is refused without. */
	if (flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)
		flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
	/* Flags are looked at before the filter, which is nowhere. */
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, NULL) < 0 && errno == EFAULT;
}

int seccomp_install(const struct sock_filter *filter, size_t len, unsigned flags)
{
	struct sock_fprog prog = { .len = (unsigned short)len, .filter = (struct sock_filter *)filter };
	long r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);

	return r < 0 ? -errno : (int)r;
}

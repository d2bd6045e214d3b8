#include "intercept/filter.h"

#include "base/cleanup.h"
#include "base/vec.h"

#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <linux/stat.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>

#include "intercept/calls.h"

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#else
#define NATIVE_ARCH 0
#endif

/*
 * The upper half of addresses in the stack of a first thread, where the program's arguments are: below the end of what a process may
 * have by at most 16 GiB (x86-64) or 1 GiB (aarch64), by which it is moved at random, and above all that is mapped.
 */
#if defined(__aarch64__)
#define STACK_HIGH 0xffffU
#else
#define STACK_HIGH 0x7ffcU
#endif

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif

/* The C library's sys/msg.h has them, which here is a header of ours. */
enum { MSG_STAT = 11, MSG_STAT_ANY = 13 };

enum {
	ANSWER_NOSYS = SECCOMP_RET_ERRNO | ENOSYS,
	X32_BIT = 0x40000000,
	KERNEL_O_LARGEFILE = 0100000, /* glibc's is 0 on 64-bit machines, but musl sets it */
	KERNEL_O_TMPFILE = 020000000, /* without O_DIRECTORY, which glibc's has in it */
};

DEFINE_VEC(program, struct sock_filter)

/* What happens to a call: ALLOW, HAND_OVER or NOSYS, or HAND_OVER under CONDITION + an intercept_cond. */
enum { ALLOW, HAND_OVER, NOSYS, CONDITION };

struct rule {
	uint32_t nr;
	int what;
};
DEFINE_VEC(rules, struct rule)

/* From the call number START up to the next segment's start. */
struct segment {
	uint32_t start;
	int what;
};
DEFINE_VEC(segments, struct segment)

#define ARG(i) ((uint32_t)offsetof(struct seccomp_data, args) + (uint32_t)(i)*8) /* its low half: little endian */

static int emit(struct program *p, uint16_t code, uint32_t k, uint8_t jt, uint8_t jf)
{
	return program_push(p, (struct sock_filter){ code, jt, jf, k });
}

static int emit_return(struct program *p, uint32_t action)
{
	return emit(p, BPF_RET | BPF_K, action, 0, 0);
}

static int emit_load(struct program *p, uint32_t offset)
{
	return emit(p, BPF_LD | BPF_W | BPF_ABS, offset, 0, 0);
}

/* Hands over where TEST (BPF_JEQ, BPF_JSET) of the loaded word with K holds; goes on where not. */
static int emit_hand_over_if(struct program *p, uint16_t test, uint32_t k)
{
	int r = emit(p, BPF_JMP | test | BPF_K, k, 0, 1);

	return r < 0 ? r : emit_return(p, SECCOMP_RET_USER_NOTIF);
}

/*
 * What the address of a name says of it: in the stack of a first thread it is an argument of the program, or put together there;
 * at a multiple of 16 it comes from malloc (from Go's or Python's allocator: of 8), and a literal, which lies where the one before it
 * ended, is at another in most cases.
 */
enum name_rule {
	IN_STACK,	  /* hand over only what is in the stack */
	IN_STACK_OR_MADE, /* … or at a multiple of 4 */
	NOT_FROM_MALLOC,  /* all but what is at a multiple of 16 and not in the stack */
};

/* If the loaded flags are FLAGS, decides by the address in argument NAME; else goes on with the flags still loaded. */
static int emit_by_name(struct program *p, uint32_t flags, unsigned name, enum name_rule rule)
{
	size_t at = p->len;
	int r = emit(p, BPF_JMP | BPF_JEQ | BPF_K, flags, 0, 0);

	if (r == 0)
		r = emit_load(p, ARG(name) + 4);
	if (r == 0)
		r = emit_hand_over_if(p, BPF_JGE, STACK_HIGH);
	if (r == 0 && rule != IN_STACK)
		r = emit_load(p, ARG(name));
	if (r == 0 && rule == NOT_FROM_MALLOC)
		r = emit_hand_over_if(p, BPF_JSET, 15);
	if (r == 0 && rule == IN_STACK_OR_MADE)
		r = emit(p, BPF_ALU | BPF_AND | BPF_K, 3, 0, 0);
	if (r == 0 && rule == IN_STACK_OR_MADE)
		r = emit_hand_over_if(p, BPF_JEQ, 0);
	if (r == 0)
		r = emit_return(p, SECCOMP_RET_ALLOW);
	if (r == 0)
		p->items[at].jf = (uint8_t)(p->len - at - 1);
	return r;
}

/*
 * Level 2 looks at opens for writing, for the sake of devices that are stand-ins, and at those by which /proc/PID/status is read:
 * without flags (cat, ps), with O_CLOEXEC (Python, fopen "e"), and with O_NOCTTY (grep). Three are so frequent otherwise that
 * they are told apart by where the name is: dpkg opens each new file twice more by O_WRONLY alone, to have it written to disk; the C
 * library opens /etc/passwd and the linker its cache with O_CLOEXEC; a compiler tries hundreds of headers with O_NOCTTY.
 */
static int emit_open_shown(struct program *p, unsigned flags_arg)
{
	unsigned name = flags_arg - 1;
	int r = emit(p, BPF_ALU | BPF_AND | BPF_K, ~(uint32_t)KERNEL_O_LARGEFILE, 0, 0);

	if (r == 0)
		r = emit_by_name(p, O_WRONLY, name, NOT_FROM_MALLOC);
	if (r == 0)
		r = emit_hand_over_if(p, BPF_JSET, O_ACCMODE);
	if (r == 0)
		r = emit_by_name(p, O_CLOEXEC, name, IN_STACK_OR_MADE);
	if (r == 0)
		r = emit(p, BPF_ALU | BPF_AND | BPF_K, ~(uint32_t)O_CLOEXEC, 0, 0);
	if (r == 0)
		r = emit_hand_over_if(p, BPF_JEQ, 0);
	if (r == 0)
		r = emit_by_name(p, O_NOCTTY, name, IN_STACK);
	return r < 0 ? r : emit_return(p, SECCOMP_RET_ALLOW);
}

static int emit_open(struct program *p, unsigned flags_arg, enum intercept_level level)
{
	int r;

	if (level >= INTERCEPT_ACCESS)
		return emit_return(p, SECCOMP_RET_USER_NOTIF);
	r = emit_load(p, ARG(flags_arg));
	if (r == 0)
		r = emit_hand_over_if(p, BPF_JSET, O_CREAT | KERNEL_O_TMPFILE);
	if (r == 0 && level >= INTERCEPT_READ)
		return emit_open_shown(p, flags_arg);
	return r < 0 ? r : emit_return(p, SECCOMP_RET_ALLOW);
}

static int emit_one_of(struct program *p, unsigned arg, const uint32_t *values, size_t len)
{
	int r = emit_load(p, ARG(arg));

	for (size_t i = 0; r == 0 && i < len; i++)
		r = emit_hand_over_if(p, BPF_JEQ, values[i]);
	return r < 0 ? r : emit_return(p, SECCOMP_RET_ALLOW);
}

/* Hands over if the argument has any of these BITS. */
static int emit_any_of(struct program *p, unsigned arg, uint32_t bits)
{
	int r = emit_load(p, ARG(arg));

	if (r == 0)
		r = emit_hand_over_if(p, BPF_JSET, bits);
	return r < 0 ? r : emit_return(p, SECCOMP_RET_ALLOW);
}

static int emit_condition(struct program *p, enum intercept_cond cond, enum intercept_level level)
{
	static const uint32_t options[] = { PR_GET_KEEPCAPS,   PR_SET_KEEPCAPS, PR_GET_SECUREBITS,
					    PR_SET_SECUREBITS, PR_CAPBSET_DROP, PR_CAP_AMBIENT };
	static const uint32_t peer[] = { SO_PEERCRED, SO_PEERGROUPS };
	static const uint32_t locks[] = { RLIMIT_LOCKS };
	/* Not MSG_OWN_FLAGS of sys/msg.h, by which the listener itself is handed over. */
	static const uint32_t sent[] = { MSG_NOSIGNAL, MSG_NOSIGNAL | MSG_DONTWAIT };
	static const uint32_t shm[] = { IPC_SET, IPC_STAT, SHM_STAT, SHM_STAT_ANY };
	static const uint32_t sem[] = { IPC_SET, IPC_STAT, SEM_STAT, SEM_STAT_ANY };
	static const uint32_t msg[] = { IPC_SET, IPC_STAT, MSG_STAT, MSG_STAT_ANY };

	switch (cond) {
	case COND_OPEN:
		return emit_open(p, 1, level);
	case COND_OPENAT:
		return emit_open(p, 2, level);
	case COND_PRCTL:
		return emit_one_of(p, 0, options, ARRAY_SIZE(options));
	case COND_LIMIT_LOCKS:
		return emit_one_of(p, 0, locks, 1);
	case COND_PRLIMIT_LOCKS:
		return emit_one_of(p, 1, locks, 1);
	case COND_PEERCRED:
		return emit_one_of(p, 2, peer, ARRAY_SIZE(peer));
	case COND_UNSHARE:
		return emit_any_of(p, 0, CLONE_NEWNS | CLONE_NEWUSER);
	case COND_SHMCTL:
		return emit_one_of(p, 1, shm, ARRAY_SIZE(shm));
	case COND_SEMCTL:
		return emit_one_of(p, 2, sem, ARRAY_SIZE(sem));
	case COND_MSGCTL:
		return emit_one_of(p, 1, msg, ARRAY_SIZE(msg));
	case COND_SENDMSG:
		return emit_one_of(p, 2, sent, ARRAY_SIZE(sent));
	case COND_STATX:
		return emit_any_of(p, 3, STATX_TYPE | STATX_MODE | STATX_UID | STATX_GID);
	case COND_ALWAYS:
		break;
	}
	return emit_return(p, SECCOMP_RET_USER_NOTIF);
}

static int emit_leaf(struct program *p, int what, enum intercept_level level)
{
	switch (what) {
	case ALLOW:
		return emit_return(p, SECCOMP_RET_ALLOW);
	case HAND_OVER:
		return emit_return(p, SECCOMP_RET_USER_NOTIF);
	case NOSYS:
		return emit_return(p, ANSWER_NOSYS);
	default:
		return emit_condition(p, (enum intercept_cond)(what - CONDITION), level);
	}
}

/* A tree that decides between the segments FROM up to TO (exclusive) by the loaded number. */
static int emit_tree(struct program *p, const struct segments *s, size_t from, size_t to, enum intercept_level level)
{
	size_t mid = from + (to - from) / 2, at, left;
	int r;

	if (to - from == 1)
		return emit_leaf(p, s->items[from].what, level);
	/* Right of the middle: over the left half, by a long jump, since conditional ones reach 255 only. */
	at = p->len;
	r = emit(p, BPF_JMP | BPF_JGE | BPF_K, s->items[mid].start, 0, 1);
	if (r == 0)
		r = emit(p, BPF_JMP | BPF_JA, 0, 0, 0);
	if (r == 0)
		r = emit_tree(p, s, from, mid, level);
	if (r < 0)
		return r;
	left = p->len - at - 2;
	p->items[at + 1].k = (uint32_t)left;
	return emit_tree(p, s, mid, to, level);
}

static int compare_rules(const void *a, const void *b)
{
	const struct rule *x = a, *y = b;

	return x->nr < y->nr ? -1 : x->nr > y->nr;
}

static int add_segment(struct segments *s, uint32_t start, int what)
{
	struct segment *last = s->len > 0 ? &s->items[s->len - 1] : NULL;

	if (last && last->start == start) {
		last->what = what;
		return 0;
	}
	if (last && last->what == what && what < CONDITION)
		return 0;
	return segments_push(s, (struct segment){ start, what });
}

/* Emits the decision for all calls by RULES, which are sorted here; what they don't name is allowed. */
static int emit_rules(struct program *p, struct rules *rules, enum intercept_level level)
{
	struct segments s = { 0 };
	int r = segments_push(&s, (struct segment){ 0, ALLOW });

	qsort(rules->items, rules->len, sizeof(struct rule), compare_rules);
	for (size_t i = 0; r == 0 && i < rules->len; i++) {
		const struct rule *rule = &rules->items[i];
		bool is_next_ours = i + 1 < rules->len && rules->items[i + 1].nr == rule->nr + 1;

		r = add_segment(&s, rule->nr, rule->what);
		if (r == 0 && !is_next_ours)
			r = add_segment(&s, rule->nr + 1, ALLOW);
	}
	if (r == 0)
		r = emit_load(p, offsetof(struct seccomp_data, nr));
	if (r == 0)
		r = emit_tree(p, &s, 0, s.len, level);
	free(s.items);
	return r;
}

static int emit_native(struct program *p, enum intercept_level level)
{
	static const struct {
		uint32_t nr;
		int level;
		enum intercept_cond cond;
	} calls[] = {
#define ROW(name, from_level, condition, handler) { __NR_##name, from_level, condition },
		INTERCEPT_CALLS(ROW)
#undef ROW
	};
	struct rules rules = { 0 };
	int r = rules_push(&rules, (struct rule){ __NR_io_uring_setup, NOSYS });

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(calls); i++) {
		int what = calls[i].cond == COND_ALWAYS ? HAND_OVER : CONDITION + (int)calls[i].cond;

		if (calls[i].level <= (int)level)
			r = rules_push(&rules, (struct rule){ calls[i].nr, what });
	}
	if (r == 0)
		r = emit_rules(p, &rules, level);
	free(rules.items);
	return r;
}

#ifdef __x86_64__
/* The numbers of the same families in the 32-bit table (arch/x86/entry/syscalls/syscall_32.tbl). */
static const struct {
	uint16_t first, last, level;
} calls_i386[] = {
	{ 8, 8, LEVEL_WRITE },	   /* creat */
	{ 11, 11, LEVEL_WRITE },   /* execve */
	{ 14, 14, LEVEL_WRITE },   /* mknod */
	{ 16, 16, LEVEL_WRITE },   /* lchown16 */
	{ 18, 18, LEVEL_READ },	   /* oldstat */
	{ 23, 24, LEVEL_WRITE },   /* setuid16, getuid16 */
	{ 28, 28, LEVEL_READ },	   /* oldfstat */
	{ 39, 39, LEVEL_WRITE },   /* mkdir */
	{ 46, 47, LEVEL_WRITE },   /* setgid16, getgid16 */
	{ 49, 50, LEVEL_WRITE },   /* geteuid16, getegid16 */
	{ 60, 61, LEVEL_WRITE },   /* umask, chroot */
	{ 70, 71, LEVEL_WRITE },   /* setreuid16, setregid16 */
	{ 80, 81, LEVEL_WRITE },   /* getgroups16, setgroups16 */
	{ 83, 84, LEVEL_WRITE },   /* symlink, oldlstat */
	{ 95, 95, LEVEL_WRITE },   /* fchown16 */
	{ 106, 108, LEVEL_READ },  /* stat, lstat, fstat */
	{ 138, 139, LEVEL_WRITE }, /* setfsuid16, setfsgid16 */
	{ 164, 165, LEVEL_WRITE }, /* setresuid16, getresuid16 */
	{ 170, 171, LEVEL_WRITE }, /* setresgid16, getresgid16 */
	{ 182, 182, LEVEL_WRITE }, /* chown16 */
	{ 184, 185, LEVEL_WRITE }, /* capget, capset */
	{ 195, 197, LEVEL_READ },  /* stat64, lstat64, fstat64 */
	{ 198, 216, LEVEL_WRITE }, /* lchown, get and set of ids, chown, setfsuid, setfsgid */
	{ 226, 237, LEVEL_READ },  /* the calls on attributes */
	{ 296, 298, LEVEL_WRITE }, /* mkdirat, mknodat, fchownat */
	{ 300, 300, LEVEL_READ },  /* fstatat64 */
	{ 304, 304, LEVEL_WRITE }, /* symlinkat */
	{ 358, 358, LEVEL_WRITE }, /* execveat */
	{ 361, 361, LEVEL_WRITE }, /* bind */
	{ 383, 383, LEVEL_READ },  /* statx */
	{ 425, 425, LEVEL_WRITE }, /* io_uring_setup */
	{ 437, 437, LEVEL_WRITE }, /* openat2 */
	{ 463, 466, LEVEL_READ },  /* setxattrat, getxattrat, listxattrat, removexattrat */
};

/* 32-bit programs: the families give ENOSYS. Creating opens pass, so that such programs run at all; what they make is root's. */
static int emit_foreign(struct program *p, enum intercept_level level)
{
	struct rules rules = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(calls_i386); i++)
		for (uint32_t nr = calls_i386[i].first; r == 0 && nr <= calls_i386[i].last; nr++)
			if (calls_i386[i].level <= level)
				r = rules_push(&rules, (struct rule){ nr, NOSYS });
	if (r == 0)
		r = emit_rules(p, &rules, level);
	free(rules.items);
	return r;
}

/* x32 shares the architecture's token and is told by a bit in the number. */
static int emit_refuse_x32(struct program *p)
{
	int r = emit_load(p, offsetof(struct seccomp_data, nr));

	if (r == 0)
		r = emit(p, BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1);
	return r < 0 ? r : emit_return(p, ANSWER_NOSYS);
}
#else
static int emit_foreign(struct program *p, enum intercept_level level)
{
	(void)level;
	return emit_return(p, ANSWER_NOSYS);
}

static int emit_refuse_x32(struct program *p)
{
	(void)p;
	return 0;
}
#endif

static int emit_all(struct program *p, enum intercept_level level)
{
	size_t jump;
	int r = emit_load(p, offsetof(struct seccomp_data, arch));

	if (r == 0)
		r = emit(p, BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCH, 1, 0);
	jump = p->len;
	if (r == 0)
		r = emit(p, BPF_JMP | BPF_JA, 0, 0, 0);
	if (r == 0)
		r = emit_refuse_x32(p);
	if (r == 0)
		r = emit_native(p, level);
	if (r < 0)
		return r;
	p->items[jump].k = (uint32_t)(p->len - jump - 1);
	return emit_foreign(p, level);
}

int intercept_filter_build(enum intercept_level level, struct sock_filter **ret, size_t *ret_len, struct err *err)
{
	struct program p = { 0 };

	if (NATIVE_ARCH == 0) {
		err_set(err, ENOSYS, "the emulation of ids does not know this architecture");
		return err_hint(err, "give this user a range of ids in /etc/subuid and /etc/subgid");
	}
	if (emit_all(&p, level) < 0) {
		free(p.items);
		return err_oom(err);
	}
	*ret = p.items;
	*ret_len = p.len;
	return 0;
}

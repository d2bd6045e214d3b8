#include "tests/unit/test.h"

#include "base/cleanup.h"
#include "intercept/filter.h"

#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <linux/stat.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>

enum { ALLOW = SECCOMP_RET_ALLOW, NOTIFY = SECCOMP_RET_USER_NOTIF, NOSYS = SECCOMP_RET_ERRNO | ENOSYS };

/* The subset of classic BPF that seccomp filters may use, as the kernel's documentation defines it. */
static uint32_t interpret(const struct sock_filter *f, size_t len, const struct seccomp_data *d)
{
	uint32_t a = 0;

	for (size_t pc = 0; pc < len; pc++) {
		const struct sock_filter *i = &f[pc];

		switch (i->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			assert_true(i->k % 4 == 0 && i->k < sizeof(*d));
			memcpy(&a, (const char *)d + i->k, 4);
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= i->k;
			break;
		case BPF_JMP | BPF_JA:
			pc += i->k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			pc += a == i->k ? i->jt : i->jf;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			pc += a >= i->k ? i->jt : i->jf;
			break;
		case BPF_JMP | BPF_JSET | BPF_K:
			pc += a & i->k ? i->jt : i->jf;
			break;
		case BPF_RET | BPF_K:
			return i->k;
		default:
			fail_msg("instruction %#x", i->code);
		}
	}
	fail_msg("fell off the end");
	return 0;
}

#ifdef __aarch64__
#define STACK_NAME UINT64_C(0xffffd1234567)
#define STACK_BEGIN UINT64_C(0xffff00000000)
#else
#define STACK_NAME UINT64_C(0x7ffd12345678)
#define STACK_BEGIN UINT64_C(0x7ffc00000000)
#endif
#define HEAP_NAME UINT64_C(0x7f3456789abc)
#define MALLOC_NAME UINT64_C(0x563412345670)
#define LITERAL_NAME UINT64_C(0x563412345671)

struct expectation {
	int nr;
	uint64_t args[4];
	uint32_t at_level[4]; /* [1], [2], [3] */
};

static const struct expectation native[] = {
	{ __NR_read, { 0 }, { 0, ALLOW, ALLOW, ALLOW } },
	{ __NR_getpid, { 0 }, { 0, ALLOW, ALLOW, ALLOW } },
	{ __NR_getuid, { 0 }, { 0, NOTIFY, NOTIFY, NOTIFY } },
	{ __NR_chown, { 0 }, { 0, NOTIFY, NOTIFY, NOTIFY } },
	{ __NR_stat, { 0 }, { 0, ALLOW, NOTIFY, NOTIFY } },
	{ __NR_statx, { 0, 0, 0, STATX_BASIC_STATS }, { 0, ALLOW, NOTIFY, NOTIFY } },
	{ __NR_statx, { 0, 0, 0, STATX_UID }, { 0, ALLOW, NOTIFY, NOTIFY } },
	{ __NR_statx, { 0, 0, 0, STATX_SIZE | STATX_MTIME }, { 0, ALLOW, ALLOW, ALLOW } },
	{ 464, { 0 }, { 0, ALLOW, NOTIFY, NOTIFY } },
	{ 467, { 0 }, { 0, ALLOW, ALLOW, ALLOW } },
	{ 0x3fffffff, { 0 }, { 0, ALLOW, ALLOW, ALLOW } },
	{ __NR_unlink, { 0 }, { 0, ALLOW, ALLOW, NOTIFY } },
	{ __NR_open, { 0, O_CREAT | O_WRONLY }, { 0, NOTIFY, NOTIFY, NOTIFY } },
	{ __NR_open, { 0, O_RDONLY | O_CLOEXEC }, { 0, ALLOW, NOTIFY, NOTIFY } },
	{ __NR_open, { 0, O_RDONLY | O_CLOEXEC | O_DIRECTORY | O_NONBLOCK }, { 0, ALLOW, ALLOW, NOTIFY } },
	{ __NR_openat, { 0, 0, O_RDONLY }, { 0, ALLOW, NOTIFY, NOTIFY } },
	{ __NR_openat, { 0, 0, 0100000 }, { 0, ALLOW, NOTIFY, NOTIFY } },
	{ __NR_openat, { 0, 0, O_RDWR }, { 0, ALLOW, NOTIFY, NOTIFY } },
	{ __NR_openat, { 0, HEAP_NAME, O_RDONLY | O_NOCTTY }, { 0, ALLOW, ALLOW, NOTIFY } },
	{ __NR_openat, { 0, STACK_NAME, O_RDONLY | O_NOCTTY }, { 0, ALLOW, NOTIFY, NOTIFY } },
	{ __NR_open, { STACK_NAME, O_RDONLY | O_NOCTTY | O_CLOEXEC }, { 0, ALLOW, NOTIFY, NOTIFY } },
	{ __NR_open, { STACK_NAME, O_RDONLY | O_NOCTTY | O_NOFOLLOW }, { 0, ALLOW, ALLOW, NOTIFY } },
	/* by O_WRONLY alone: not what malloc gave */
	{ __NR_openat, { 0, MALLOC_NAME, O_WRONLY }, { 0, ALLOW, ALLOW, NOTIFY } },
	{ __NR_open, { MALLOC_NAME, O_WRONLY | 0100000 }, { 0, ALLOW, ALLOW, NOTIFY } },
	{ __NR_openat, { 0, LITERAL_NAME, O_WRONLY }, { 0, ALLOW, NOTIFY, NOTIFY } },
	{ __NR_openat, { 0, MALLOC_NAME + 8, O_WRONLY }, { 0, ALLOW, NOTIFY, NOTIFY } },
	{ __NR_openat, { 0, MALLOC_NAME + 16, O_WRONLY }, { 0, ALLOW, ALLOW, NOTIFY } },
	{ __NR_openat, { 0, STACK_NAME & ~UINT64_C(15), O_WRONLY }, { 0, ALLOW, NOTIFY, NOTIFY } },
	{ __NR_openat, { 0, MALLOC_NAME, O_WRONLY | O_CLOEXEC }, { 0, ALLOW, NOTIFY, NOTIFY } },
	{ __NR_openat, { 0, MALLOC_NAME, O_WRONLY | O_TRUNC }, { 0, ALLOW, NOTIFY, NOTIFY } },
	{ __NR_openat, { 0, MALLOC_NAME, O_RDWR }, { 0, ALLOW, NOTIFY, NOTIFY } },
	{ __NR_openat, { 0, MALLOC_NAME, O_ACCMODE }, { 0, ALLOW, NOTIFY, NOTIFY } },
	{ __NR_openat, { 0, MALLOC_NAME, O_WRONLY | O_CREAT }, { 0, NOTIFY, NOTIFY, NOTIFY } },
	/* by O_CLOEXEC alone: no literals */
	{ __NR_openat, { 0, LITERAL_NAME, O_CLOEXEC }, { 0, ALLOW, ALLOW, NOTIFY } },
	{ __NR_open, { LITERAL_NAME, O_CLOEXEC | 0100000 }, { 0, ALLOW, ALLOW, NOTIFY } },
	{ __NR_openat, { 0, MALLOC_NAME + 2, O_CLOEXEC }, { 0, ALLOW, ALLOW, NOTIFY } },
	{ __NR_openat, { 0, MALLOC_NAME + 4, O_CLOEXEC }, { 0, ALLOW, NOTIFY, NOTIFY } },
	{ __NR_openat, { 0, MALLOC_NAME, O_CLOEXEC }, { 0, ALLOW, NOTIFY, NOTIFY } },
	{ __NR_openat, { 0, STACK_NAME | 1, O_CLOEXEC }, { 0, ALLOW, NOTIFY, NOTIFY } },
	{ __NR_openat, { 0, LITERAL_NAME, O_RDONLY }, { 0, ALLOW, NOTIFY, NOTIFY } },
	{ __NR_openat, { 0, STACK_BEGIN - 1, O_CLOEXEC }, { 0, ALLOW, ALLOW, NOTIFY } },
	{ __NR_openat, { 0, STACK_BEGIN + 1, O_CLOEXEC }, { 0, ALLOW, NOTIFY, NOTIFY } },
	{ __NR_openat, { 0, STACK_BEGIN - 16, O_WRONLY }, { 0, ALLOW, ALLOW, NOTIFY } },
	{ __NR_openat, { 0, STACK_BEGIN, O_WRONLY }, { 0, ALLOW, NOTIFY, NOTIFY } },
	{ __NR_openat, { 0, 0, O_PATH | O_DIRECTORY }, { 0, ALLOW, ALLOW, NOTIFY } },
	{ __NR_openat, { 0, 0, O_TMPFILE | O_RDWR }, { 0, NOTIFY, NOTIFY, NOTIFY } },
	{ __NR_prctl, { PR_SET_NAME }, { 0, ALLOW, ALLOW, ALLOW } },
	{ __NR_prctl, { PR_SET_KEEPCAPS }, { 0, NOTIFY, NOTIFY, NOTIFY } },
	{ __NR_prctl, { PR_CAP_AMBIENT }, { 0, NOTIFY, NOTIFY, NOTIFY } },
	{ __NR_prlimit64, { 0, RLIMIT_NOFILE }, { 0, ALLOW, ALLOW, ALLOW } },
	{ __NR_prlimit64, { 0, RLIMIT_LOCKS }, { 0, NOTIFY, NOTIFY, NOTIFY } },
	{ __NR_getrlimit, { RLIMIT_LOCKS }, { 0, NOTIFY, NOTIFY, NOTIFY } },
	{ __NR_unshare, { CLONE_NEWNET }, { 0, ALLOW, ALLOW, ALLOW } },
	{ __NR_unshare, { CLONE_NEWNS | CLONE_FS }, { 0, NOTIFY, NOTIFY, NOTIFY } },
	{ __NR_getsockopt, { 3, SOL_SOCKET, SO_ERROR }, { 0, ALLOW, ALLOW, ALLOW } },
	{ __NR_getsockopt, { 3, SOL_SOCKET, SO_PEERCRED }, { 0, NOTIFY, NOTIFY, NOTIFY } },
	{ __NR_sendmsg, { 1, 0, MSG_DONTWAIT }, { 0, ALLOW, ALLOW, ALLOW } },
	{ __NR_sendmsg, { 1, 0, MSG_DONTWAIT | MSG_NOSIGNAL }, { 0, NOTIFY, NOTIFY, NOTIFY } },
	{ __NR_sendmsg, { 1, 0, MSG_NOSIGNAL | MSG_EOR }, { 0, ALLOW, ALLOW, ALLOW } },
	{ __NR_semctl, { 1, 0, SETVAL }, { 0, ALLOW, ALLOW, ALLOW } },
	{ __NR_semctl, { 1, 0, IPC_SET }, { 0, NOTIFY, NOTIFY, NOTIFY } },
	{ __NR_shmctl, { 1, IPC_STAT }, { 0, NOTIFY, NOTIFY, NOTIFY } },
	{ __NR_shmctl, { 1, IPC_RMID }, { 0, ALLOW, ALLOW, ALLOW } },
	{ __NR_io_uring_setup, { 0 }, { 0, NOSYS, NOSYS, NOSYS } },
	{ 0x40000000 | __NR_getuid, { 0 }, { 0, NOSYS, NOSYS, NOSYS } },
	{ -1, { 0 }, { 0, NOSYS, NOSYS, NOSYS } },
};

static const struct expectation foreign[] = {
	{ 3 /* read */, { 0 }, { 0, ALLOW, ALLOW, ALLOW } },
	{ 199 /* getuid32 */, { 0 }, { 0, NOSYS, NOSYS, NOSYS } },
	{ 212 /* chown32 */, { 0 }, { 0, NOSYS, NOSYS, NOSYS } },
	{ 195 /* stat64 */, { 0 }, { 0, ALLOW, NOSYS, NOSYS } },
	{ 217 /* pivot_root */, { 0 }, { 0, ALLOW, ALLOW, ALLOW } },
	{ 425, { 0 }, { 0, NOSYS, NOSYS, NOSYS } },
	{ 467, { 0 }, { 0, ALLOW, ALLOW, ALLOW } },
};

static void check(const struct expectation *e, size_t len, uint32_t arch)
{
	for (int level = 1; level <= 3; level++) {
		autofree struct sock_filter *f = NULL;
		size_t f_len = 0;

		assert_int_equal(intercept_filter_build((enum intercept_level)level, &f, &f_len, NULL), 0);
		assert_in_range(f_len, 10, BPF_MAXINSNS);
		for (size_t i = 0; i < len; i++) {
			struct seccomp_data d = { .nr = e[i].nr, .arch = arch };
			uint32_t action;

			memcpy(d.args, e[i].args, sizeof(e[i].args));
			action = interpret(f, f_len, &d);
			if (action != e[i].at_level[level])
				fail_msg("level %d, arch %#x, call %d (row %zu): %#x", level, arch, e[i].nr, i, action);
		}
	}
}

static void calls_are_decided_by_level(void **state)
{
	(void)state;
	check(native, ARRAY_SIZE(native), AUDIT_ARCH_X86_64);
}

static void foreign_conventions_are_refused(void **state)
{
	(void)state;
	check(foreign, ARRAY_SIZE(foreign), AUDIT_ARCH_I386);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_are_decided_by_level),
		cmocka_unit_test(foreign_conventions_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * The program that stands between us and the user's: it executes it, and so our own executable is never what
 * /proc/self/exe means in a container (CVE-2019-5736). With 'i' it stays as pid 1, reaps what is orphaned
 * there and passes signals on.
 *
 *     init e5 PROGRAM ARG…      execute; descriptor 5 takes the report of a failure
 *     init i5 PROGRAM ARG…      stay as pid 1
 *
 * No libc: it is a few KB that are copied into a memory file at each start.
 */
#include <asm/unistd.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/signal.h>
#include <linux/wait.h>
#include <stddef.h>
#include <stdint.h>

#define TIOCSPGRP_REQUEST 0x5410

enum { PATH_SIZE = 4096, REPORT_EXEC_FAILED = 1 /* START_EXEC_FAILED of runtime/start.h */ };
enum { EXIT_NOT_EXECUTABLE = 126, EXIT_NOT_FOUND = 127, EXIT_OURS = 125 };

/* --- system calls --- */

#if defined(__x86_64__)
static long call5(long n, long a, long b, long c, long d, long e)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory");
	return ret;
}
#elif defined(__aarch64__)
static long call5(long n, long a, long b, long c, long d, long e)
{
	register long x8 __asm__("x8") = n;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;

	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
	return x0;
}
#else
#error "init: system calls for this machine are not written yet"
#endif

#define CALL1(n, a) call5(n, (long)(a), 0, 0, 0, 0)
#define CALL3(n, a, b, c) call5(n, (long)(a), (long)(b), (long)(c), 0, 0)
#define CALL4(n, a, b, c, d) call5(n, (long)(a), (long)(b), (long)(c), (long)(d), 0)

static _Noreturn void leave(int code)
{
	for (;;)
		CALL1(__NR_exit_group, code);
}

/* --- executing --- */

struct report {
	uint32_t kind;
	int32_t code;
};

static size_t length(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

static int has_slash(const char *s)
{
	for (; *s; s++)
		if (*s == '/')
			return 1;
	return 0;
}

static const char *path_of(char **env)
{
	for (; *env; env++) {
		const char *e = *env;

		if (e[0] == 'P' && e[1] == 'A' && e[2] == 'T' && e[3] == 'H' && e[4] == '=')
			return e + 5;
	}
	return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

/* "FOLDER/NAME"; an empty folder is the working folder, as everywhere. 0 if it does not fit. */
static int join(char dst[PATH_SIZE], const char *folder, size_t folder_len, const char *name)
{
	size_t name_len = length(name), at = 0;

	if (folder_len + name_len + 2 > PATH_SIZE)
		return 0;
	for (size_t i = 0; i < folder_len; i++)
		dst[at++] = folder[i];
	if (folder_len > 0)
		dst[at++] = '/';
	for (size_t i = 0; i <= name_len; i++)
		dst[at++] = name[i];
	return 1;
}

/*
 * Asks first whether the file is there: most folders of PATH don't have it, and an execve may be one that an interceptor
 * answers, which is many times as slow.
 */
static long try_file(const char *file, char **argv, char **env)
{
	long r = CALL4(__NR_faccessat, AT_FDCWD, file, 0, 0);

	return r == -ENOENT || r == -ENOTDIR ? r : CALL3(__NR_execve, file, argv, env);
}

/* Tries each folder of PATH; a file that exists but can't be executed is what is reported in the end. */
static long execute_from_path(char **argv, char **env)
{
	char file[PATH_SIZE];
	const char *at = path_of(env);
	long result = -ENOENT;

	for (;;) {
		const char *end = at;
		long r;

		while (*end && *end != ':')
			end++;
		r = join(file, at, (size_t)(end - at), argv[0]) ? try_file(file, argv, env) : -ENAMETOOLONG;
		if (r != -ENOENT && r != -ENOTDIR && r != -EACCES)
			return r;
		if (r == -EACCES)
			result = r;
		if (!*end)
			return result;
		at = end + 1;
	}
}

static _Noreturn void execute(int report_fd, char **argv, char **env)
{
	struct report report = { .kind = REPORT_EXEC_FAILED };
	long r = has_slash(argv[0]) ? CALL3(__NR_execve, argv[0], argv, env) : execute_from_path(argv, env);

	report.code = (int32_t)-r;
	CALL3(__NR_write, report_fd, &report, sizeof(report));
	leave(r == -ENOENT || r == -ENOTDIR ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE);
}

/* --- staying as pid 1 --- */

/* The kernel's own struct, as rt_sigprocmask takes it. */
typedef uint64_t mask;
enum { MASK_BLOCK = 0, MASK_SET = 2 };

static void set_mask(int how, mask wanted, mask *before)
{
	CALL4(__NR_rt_sigprocmask, how, &wanted, before, sizeof(mask));
}

static long fork_child(void)
{
	return call5(__NR_clone, SIGCHLD, 0, 0, 0, 0);
}

/* Reaps all that has ended; the exit code if the main child is among them, else -1. */
static int reap(long child)
{
	int code = -1;

	for (;;) {
		int status = 0;
		long pid = CALL4(__NR_wait4, -1, &status, WNOHANG, 0);

		if (pid <= 0)
			return code;
		if (pid == child)
			code = status & 0x7f ? 128 + (status & 0x7f) : (status >> 8) & 0xff;
	}
}

static _Noreturn void supervise(long child)
{
	/* All but what a fault of our own raises. */
	const mask wanted = ~(mask)0;

	for (;;) {
		long sig = CALL4(__NR_rt_sigtimedwait, &wanted, 0, 0, sizeof(mask));
		int code;

		if (sig <= 0)
			continue;
		if (sig == SIGCHLD) {
			code = reap(child);
			if (code >= 0)
				leave(code);
			continue;
		}
		CALL3(__NR_kill, child, sig, 0);
	}
}

/* The child leads its own process group, in front on the terminal, if there is one. */
static _Noreturn void run_child(int report_fd, mask before, char **argv, char **env)
{
	int group = (int)CALL1(__NR_getpid, 0);

	CALL3(__NR_setpgid, 0, 0, 0);
	CALL3(__NR_ioctl, 0, TIOCSPGRP_REQUEST, &group);
	set_mask(MASK_SET, before, NULL);
	execute(report_fd, argv, env);
}

static _Noreturn void stay(int report_fd, char **argv, char **env)
{
	mask before = 0;
	long child;

	set_mask(MASK_BLOCK, ~(mask)0, &before);
	child = fork_child();
	if (child < 0)
		leave(EXIT_OURS);
	if (child == 0)
		run_child(report_fd, before, argv, env);
	CALL1(__NR_close, report_fd);
	supervise(child);
}

/* --- start --- */

__attribute__((used)) _Noreturn void init_main(long *stack)
{
	long argc = stack[0];
	char **argv = (char **)(stack + 1), **env = argv + argc + 1;
	int report_fd = 0;

	if (argc < 3)
		leave(EXIT_OURS);
	for (const char *digit = argv[1] + 1; *digit; digit++)
		report_fd = report_fd * 10 + (*digit - '0');
	CALL3(__NR_fcntl, report_fd, F_SETFD, FD_CLOEXEC);
	if (argv[1][0] == 'i')
		stay(report_fd, argv + 2, env);
	execute(report_fd, argv + 2, env);
}

#if defined(__x86_64__)
__asm__(".globl _start\n_start:\n\txor %ebp, %ebp\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall init_main\n");
#elif defined(__aarch64__)
__asm__(".globl _start\n_start:\n\tmov x29, #0\n\tmov x0, sp\n\tbl init_main\n");
#endif

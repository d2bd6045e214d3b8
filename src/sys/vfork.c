#include "sys/vfork.h"

#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

enum { STACK_SIZE = 256 * 1024, GUARD_SIZE = 64 * 1024 };

struct call {
	void (*fn)(void *arg);
	void *arg;
};

static int run(void *arg)
{
	struct call *call = arg;

	call->fn(call->arg);
	_exit(127);
}

bool vfork_shares_memory(void)
{
	return !SANITIZED;
}

/* By clone(2): it knows nothing of flags above the lowest 32, and has the signal where CLONE_NEWTIME is. */
static pid_t clone_old(uint64_t flags, struct call *call, char *top, pid_t *ret_pid)
{
	if (flags >> 32 || flags & CSIGNAL) {
		errno = ENOSYS;
		return -1;
	}
	return clone(run, top, (int)flags | SIGCHLD, call, ret_pid);
}

#if defined(__x86_64__)
/* The child begins on its own stack, so it can't return from here: it calls run(CALL). */
static long clone3_call(struct clone_args *args, struct call *call)
{
	long result = SYS_clone3;

	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "xor %%ebp, %%ebp\n\t"
			 "mov %[call], %%rdi\n\t"
			 "call *%[run]\n\t"
			 "hlt\n"
			 "1:"
			 : "+a"(result)
			 : "D"(args), "S"(sizeof(*args)), [call] "r"(call), [run] "r"(run)
			 : "rcx", "r11", "memory");
	return result;
}
#elif defined(__aarch64__)
static long clone3_call(struct clone_args *args, struct call *call)
{
	register long x0 __asm__("x0") = (long)args;
	register long x1 __asm__("x1") = sizeof(*args);
	register long x8 __asm__("x8") = SYS_clone3;

	__asm__ volatile("svc #0\n\t"
			 "cbnz x0, 1f\n\t"
			 "mov x29, xzr\n\t"
			 "mov x0, %[call]\n\t"
			 "blr %[run]\n\t"
			 "brk #0\n"
			 "1:"
			 : "+r"(x0)
			 : "r"(x1), "r"(x8), [call] "r"(call), [run] "r"(run)
			 : "x30", "memory", "cc");
	return x0;
}
#else
static long clone3_call(struct clone_args *args, struct call *call)
{
	(void)args;
	(void)call;
	return -ENOSYS;
}
#endif

static pid_t clone_on(char *stack, uint64_t flags, struct call *call, pid_t *ret_pid)
{
	struct clone_args args = { .flags = flags,
				   .parent_tid = (uintptr_t)ret_pid,
				   .exit_signal = SIGCHLD,
				   .stack = (uintptr_t)stack,
				   .stack_size = STACK_SIZE };
	long r = clone3_call(&args, call);

	/* Filters of container tools refuse clone3, since they cannot see its flags. */
	if (r == -ENOSYS)
		return clone_old(flags, call, stack + STACK_SIZE, ret_pid);
	if (r >= 0)
		return (pid_t)r;
	errno = (int)-r;
	return -1;
}

/* What lies below the guard is ours as well, but a step over a whole guard is none that the compiler makes. */
static char *make_stack(void)
{
	char *p = mmap(NULL, GUARD_SIZE + STACK_SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	if (mprotect(p, GUARD_SIZE, PROT_NONE) == 0)
		return p + GUARD_SIZE;
	munmap(p, GUARD_SIZE + STACK_SIZE);
	return NULL;
}

static void block_signals(sigset_t *before)
{
	sigset_t all;

	/* No handler of ours may run in the child. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, before);
}

static pid_t call_and_sleep(uint64_t flags, struct call *call, pid_t *ret_pid)
{
	char *stack = make_stack();
	sigset_t before;
	pid_t pid;
	int code;

	if (!stack)
		return -1;
	block_signals(&before);
	pid = clone_on(stack, flags | CLONE_VM | CLONE_VFORK | CLONE_PARENT_SETTID, call, ret_pid);
	code = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	munmap(stack - GUARD_SIZE, GUARD_SIZE + STACK_SIZE);
	errno = code;
	return pid;
}

static pid_t fork_call(uint64_t flags, struct call *call, pid_t *ret_pid)
{
	struct clone_args args = { .flags = flags, .exit_signal = SIGCHLD };
	sigset_t before;
	long pid;
	int code;

	block_signals(&before);
	pid = syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0)
		_exit(run(call));
	code = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	errno = code;
	*ret_pid = (pid_t)pid;
	return (pid_t)pid;
}

pid_t vfork_call(uint64_t flags, void (*fn)(void *arg), void *arg, pid_t *ret_pid)
{
	struct call call = { fn, arg };

	return SANITIZED ? fork_call(flags, &call, ret_pid) : call_and_sleep(flags, &call, ret_pid);
}

void vfork_and_leave(void (*fn)(void *arg), void *arg, int code)
{
	static struct call call;
	static pid_t pid;
	sigset_t before;
	char *stack;

	call = (struct call){ fn, arg };
	if (SANITIZED) {
		fork_call(0, &call, &pid);
		_exit(code);
	}
	stack = make_stack();
	if (!stack)
		_exit(code);
	block_signals(&before);
	/* Not even errno may be written to from here on. */
	clone_on(stack, CLONE_VM | CLONE_PARENT_SETTID, &call, &pid);
	_exit(code);
}

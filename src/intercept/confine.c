#include "intercept/confine.h"

#include "base/cleanup.h"

#include <asm/unistd.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The sanitizers' library makes a few calls more. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED
#endif
#endif

/*
 * What the handlers, the C library's threads and memory, and an orderly end need. Not among it: starting a
 * program or another process, tracing, signals to others, sockets and connections, mounts, namespaces.
 */
static const int allowed[] = {
	/* notifications, and the callers' memory and descriptors */
	__NR_ioctl,
	__NR_process_vm_readv,
	__NR_process_vm_writev,
	__NR_pidfd_open,
	__NR_pidfd_getfd,
	__NR_prlimit64,
	/* looking at files */
	__NR_openat,
	__NR_close,
	__NR_read,
	__NR_readlinkat,
	__NR_getdents64,
	__NR_lseek,
	__NR_fstat,
	__NR_newfstatat,
	__NR_statx,
	__NR_statfs,
	__NR_fstatfs,
	__NR_getxattr,
	__NR_lgetxattr,
	__NR_listxattr,
	__NR_llistxattr,
	/* changing and making them */
	__NR_setxattr,
	__NR_lsetxattr,
	__NR_removexattr,
	__NR_lremovexattr,
	__NR_fchownat,
	__NR_fchmodat,
	__NR_mkdirat,
	__NR_mknodat,
	__NR_symlinkat,
	__NR_unlinkat,
	__NR_write,
	__NR_memfd_create,
	__NR_bind,
	__NR_getsockopt,
	/* System V IPC */
	__NR_shmget,
	__NR_shmctl,
	__NR_semget,
	__NR_semctl,
	__NR_msgget,
	__NR_msgctl,
	/* from where */
	__NR_chroot,
	__NR_chdir,
	__NR_fchdir,
	__NR_umask,
	__NR_unshare,
	/* the C library */
	__NR_futex,
	__NR_mmap,
	__NR_munmap,
	__NR_mprotect,
	__NR_mremap,
	__NR_madvise,
	__NR_brk,
	__NR_clone,
	__NR_set_robust_list,
	__NR_rseq,
	__NR_rt_sigprocmask,
	__NR_rt_sigaction,
	__NR_rt_sigreturn,
	__NR_getpid,
	__NR_gettid,
	__NR_tgkill,
	__NR_sched_getaffinity,
	__NR_sched_yield,
	__NR_getrandom,
	__NR_clock_gettime,
	__NR_exit,
	__NR_exit_group,
	__NR_ppoll,
	__NR_accept4,
	__NR_recvmsg,
	__NR_sendmsg,
	__NR_fcntl,
	/* until there is a container: confine_joined takes them away, but for joining IPC namespaces */
	__NR_setns,
	__NR_seccomp,
	__NR_eventfd2,
	__NR_sched_getattr,
	__NR_sched_setattr,
#ifdef SANITIZED
	__NR_sigaltstack,
	__NR_readlink,
#endif
#ifdef __NR_open
	__NR_open,
	__NR_stat,
	__NR_lstat,
	__NR_readlink,
	__NR_chmod,
	__NR_poll,
#endif
};

#if defined(__x86_64__)
#define OUR_ARCH AUDIT_ARCH_X86_64
#else
#define OUR_ARCH AUDIT_ARCH_AARCH64
#endif

enum {
	ALLOWED = sizeof(allowed) / sizeof(allowed[0]),
	HEAD = 10,
	FILTER_LEN = HEAD + ALLOWED + 2,
	REFUSE = SECCOMP_RET_ERRNO | EPERM,
};

#define STMT(code, k) ((struct sock_filter)BPF_STMT(code, k))
#define JUMP(code, k, t, f) ((struct sock_filter)BPF_JUMP(code, k, t, f))

/* A foreign call convention ends us; clone makes threads only; clone3 hides its flags, so the C library has to use clone. */
static void build(struct sock_filter f[static FILTER_LEN])
{
	size_t n = 0;

	f[n++] = STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
	f[n++] = JUMP(BPF_JMP | BPF_JEQ | BPF_K, OUR_ARCH, 1, 0);
	f[n++] = STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	f[n++] = STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	f[n++] = JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_clone3, 0, 1);
	f[n++] = STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
	f[n++] = JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_clone, 0, 3);
	f[n++] = STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args));
	f[n++] = JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, ALLOWED + 2, 0);
	f[n++] = STMT(BPF_RET | BPF_K, REFUSE);
	for (size_t i = 0; i < ALLOWED; i++)
		f[n++] = JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)allowed[i], (uint8_t)(ALLOWED - i), 0);
	f[n++] = STMT(BPF_RET | BPF_K, REFUSE);
	f[n++] = STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
}

int confine_self(struct err *err)
{
	struct sock_filter filter[FILTER_LEN];
	struct sock_fprog program = { FILTER_LEN, filter };

	build(filter);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_errno(err, errno, "give up new privileges");
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
		return err_errno(err, errno, "confine the supervisor");
	return 0;
}

int confine_joined(struct err *err)
{
	static const uint32_t until_joined[] = { __NR_seccomp, __NR_eventfd2, __NR_sched_getattr, __NR_sched_setattr };
	enum { CALLS = sizeof(until_joined) / sizeof(until_joined[0]) };
	struct sock_filter filter[CALLS + 6];
	struct sock_fprog program = { CALLS + 6, filter };
	size_t n = 0;

	filter[n++] = STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	filter[n++] = JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_setns, 0, 2);
	filter[n++] = STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) + sizeof(uint64_t));
	filter[n++] = JUMP(BPF_JMP | BPF_JEQ | BPF_K, CLONE_NEWIPC, CALLS, CALLS + 1);
	for (size_t i = 0; i < CALLS; i++)
		filter[n++] = JUMP(BPF_JMP | BPF_JEQ | BPF_K, until_joined[i], (uint8_t)(CALLS - i), 0);
	filter[n++] = STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	filter[n++] = STMT(BPF_RET | BPF_K, REFUSE);
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
		return err_errno(err, errno, "confine the supervisor");
	return 0;
}

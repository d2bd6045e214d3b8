#include "layer/confine.h"

#include "base/cleanup.h"
#include "sys/seccomp.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/fs.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	/* A folder for each level of a tree, and then some. */
	FILES_MAX = 4096,
	/* Working memory is bounded by design; names of folders and hard links grow with the archive. */
	DATA_MAX_MB = 1024,
};

#if defined(__x86_64__)
#define AUDIT_ARCH_HERE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define AUDIT_ARCH_HERE AUDIT_ARCH_AARCH64
#else
#error "state the audit architecture of this machine (linux/audit.h)"
#endif

/*
 * What the jobs, the C library and the compressors' allocators call. Not here, on purpose: execve, socket,
 * connect, ptrace, process_vm_*, kill, mount, unshare, setns, bpf, io_uring, keyctl, prctl, open by handle.
 */
static const uint32_t allowed[] = {
	/* bytes */
	SYS_read,
	SYS_write,
	SYS_pread64,
	SYS_pwrite64,
	SYS_readv,
	SYS_writev,
	SYS_lseek,
	SYS_ftruncate,
	SYS_fallocate,
	SYS_copy_file_range,
	SYS_sendfile,
	SYS_splice,
	SYS_fadvise64,
	SYS_fsync,
	SYS_fdatasync,
	SYS_sync_file_range,
	SYS_syncfs,

	/* files */
	SYS_openat,
	SYS_openat2,
	SYS_close,
	SYS_fstat,
	SYS_newfstatat,
	SYS_statx,
	SYS_getdents64,
	SYS_readlinkat,
	SYS_faccessat,
	SYS_mkdirat,
	SYS_mknodat,
	SYS_symlinkat,
	SYS_linkat,
	SYS_unlinkat,
	SYS_renameat,
	SYS_renameat2,
	SYS_fchmod,
	SYS_fchmodat,
	SYS_fchown,
	SYS_fchownat,
	SYS_utimensat,
	SYS_fchdir,
	SYS_umask,
	SYS_fcntl,
	SYS_dup,
	SYS_fstatfs,
	SYS_setxattr,
	SYS_lsetxattr,
	SYS_fsetxattr,
	SYS_getxattr,
	SYS_lgetxattr,
	SYS_fgetxattr,
	SYS_listxattr,
	SYS_llistxattr,
	SYS_flistxattr,
	SYS_removexattr,
	SYS_lremovexattr,
	SYS_fremovexattr,
	/* messages on the socket that is there already */
	SYS_sendmsg,
	SYS_recvmsg,
	SYS_sendto,
	SYS_recvfrom,
	SYS_ppoll,
	SYS_eventfd2,
	/* memory, threads, time, the end */
	SYS_mmap,
	SYS_munmap,
	SYS_mremap,
	SYS_mprotect,
	SYS_madvise,
	SYS_brk,
	SYS_futex,
	SYS_set_robust_list,
	SYS_rseq,
	SYS_gettid,
	SYS_getpid,
	SYS_getrandom,
	SYS_clock_gettime,
	SYS_clock_nanosleep,
	SYS_sched_yield,
	SYS_sched_getaffinity,
	SYS_rt_sigprocmask,
	SYS_rt_sigaction,
	SYS_rt_sigreturn,
	SYS_restart_syscall,

	SYS_exit,
	SYS_exit_group,
#ifdef SYS_poll
	SYS_poll,
#endif
#ifdef __SANITIZE_ADDRESS__ /* what the sanitizer's own threads and reports need */
	SYS_sigaltstack,
	SYS_personality,
	SYS_readlink,
#endif
};

/*
 * Refused calls give EPERM and not the process's death: the C library of another version may try a call
 * that it can do without, and an error of the job says more than a signal.
 */
static int install_filter(struct err *err)
{
	/* A thread of this process, and nothing else, may be started. */
	const uint64_t thread_flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;
	struct seccomp_rule rules[ARRAY_SIZE(allowed) + 4] = { 0 };
	struct seccomp_filter f = {
		.default_action = SECCOMP_RET_ERRNO | EPERM,
		.bad_arch_action = SECCOMP_RET_KILL_PROCESS,
		.archs = { { .token = AUDIT_ARCH_HERE, .rules = rules } },
		.archs_len = 1,
	};
	struct sock_filter *filter = NULL;
	size_t n = 0, len;
	int r;

	for (; n < ARRAY_SIZE(allowed); n++)
		rules[n] = (struct seccomp_rule){ .number = (int)allowed[n], .action = SECCOMP_RET_ALLOW };
	rules[n++] = (struct seccomp_rule){
		.number = SYS_clone,
		.action = SECCOMP_RET_ALLOW,
		.conds = { { 0, SECCOMP_OP_MASKED_EQ, thread_flags, thread_flags } },
		.conds_len = 1,
	};
	rules[n++] = (struct seccomp_rule){
		.number = SYS_ioctl, /* not what a terminal, which standard error may be, understands */
		.action = SECCOMP_RET_ALLOW,
		.conds = { { 1, SECCOMP_OP_EQ, FICLONE, 0 } },
		.conds_len = 1,
	};
	rules[n++] = (struct seccomp_rule){
		.number = SYS_tgkill, /* abort() */
		.action = SECCOMP_RET_ALLOW,
		.conds = { { 0, SECCOMP_OP_EQ, (uint64_t)getpid(), 0 } },
		.conds_len = 1,
	};
	/* Its flags lie in memory, where no filter sees them; without it the C library uses clone. */
	rules[n++] = (struct seccomp_rule){ .number = SYS_clone3, .action = SECCOMP_RET_ERRNO | ENOSYS };
	f.archs[0].len = f.archs[0].cap = n;
	r = seccomp_compile(&f, &filter, &len, err);
	if (r < 0)
		return r;
	r = seccomp_install(filter, len, 0);
	free(filter);
	return r < 0 ? err_errno(err, -r, "install the seccomp filter") : 0;
}

static void limit(int resource, rlim_t most)
{
	struct rlimit l;

	if (getrlimit((__rlimit_resource_t)resource, &l) < 0)
		return;
	l.rlim_cur = l.rlim_max = l.rlim_max < most ? l.rlim_max : most;
	(void)setrlimit((__rlimit_resource_t)resource, &l);
}

static int change_root(int root_fd, struct err *err)
{
	if (root_fd < 0)
		return 0;
	if (fchdir(root_fd) < 0)
		return err_errno(err, errno, "enter the folder");
	/* An ordinary user outside of a namespace has no right to it. */
	if (chroot(".") < 0 && errno != EPERM)
		return err_errno(err, errno, "make the folder the root");
	return 0;
}

int confine(int root_fd, const struct landlock_tree *trees, size_t len, struct err *err)
{
	int version, r = change_root(root_fd, err);

	if (r < 0)
		return r;

	limit(RLIMIT_NOFILE, FILES_MAX);
#ifndef __SANITIZE_ADDRESS__ /* its shadow memory is larger than any sensible limit */
	limit(RLIMIT_DATA, (rlim_t)DATA_MAX_MB << 20);
#endif
	limit(RLIMIT_CORE, 0);
	version = landlock_confine(trees, len, err);
	if (version < 0)
		return version;
	r = install_filter(err);
	return r < 0 ? r : version;
}

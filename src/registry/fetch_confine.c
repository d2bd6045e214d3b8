#include "registry/fetch_confine.h"

#include "base/cleanup.h"
#include "sys/landlock.h"
#include "sys/seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { FILES_MAX = 256, DATA_MAX_MB = 256 };

/*
 * What libcurl, OpenSSL and the C library call on sockets that are connected already. Not here, on purpose: socket,
 * bind, execve, ptrace, process_vm_*, kill, open by handle, prctl, io_uring, and all that changes files by name.
 */
static const uint32_t allowed[] = {
	/* bytes */
	SYS_read,
	SYS_write,
	SYS_readv,
	SYS_writev,
	SYS_pread64,
	SYS_lseek,
	SYS_sendto,
	SYS_sendmsg,
	SYS_recvfrom,
	SYS_recvmsg,
	SYS_shutdown,
	SYS_getsockopt,
	SYS_setsockopt,
	SYS_getsockname,
	SYS_getpeername,
	SYS_ppoll,
	SYS_eventfd2,
	SYS_pipe2,
	SYS_close,
	SYS_fcntl,
	SYS_fstat,
	SYS_newfstatat,
	SYS_statx,
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
	SYS_getuid,
	SYS_geteuid,
	SYS_getgid,
	SYS_getegid,
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

static struct seccomp_rule only_if(int number, uint8_t arg, enum seccomp_op op, uint64_t value, uint64_t mask)
{
	return (struct seccomp_rule){
		.number = number,
		.action = SECCOMP_RET_ALLOW,
		.conds = { { arg, op, value, mask } },
		.conds_len = 1,
	};
}

static int install_filter(bool may_open, struct err *err)
{
	const uint64_t thread_flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;
	struct seccomp_rule rules[ARRAY_SIZE(allowed) + 8] = { 0 };
	struct seccomp_filter f = {
		.default_action = SECCOMP_RET_ERRNO | EPERM,
		.bad_arch_action = SECCOMP_RET_KILL_PROCESS,
		.archs = { { .token = seccomp_native_arch(), .rules = rules } },
		.archs_len = 1,
	};
	struct sock_filter *filter = NULL;
	size_t n = 0, len;
	int r;

	for (; n < ARRAY_SIZE(allowed); n++)
		rules[n] = (struct seccomp_rule){ .number = (int)allowed[n], .action = SECCOMP_RET_ALLOW };
	/* A thread of this process, and nothing else, may be started; a pair of sockets, and no other, be made. */
	rules[n++] = only_if(SYS_clone, 0, SECCOMP_OP_MASKED_EQ, thread_flags, thread_flags);
	rules[n++] = only_if(SYS_socketpair, 0, SECCOMP_OP_EQ, AF_UNIX, 0);
	rules[n++] = only_if(SYS_ioctl, 1, SECCOMP_OP_EQ, FIONBIO, 0);
	rules[n++] = only_if(SYS_tgkill, 0, SECCOMP_OP_EQ, (uint64_t)getpid(), 0); /* abort() */
	if (may_open)
		rules[n++] = (struct seccomp_rule){ .number = SYS_openat, .action = SECCOMP_RET_ALLOW };
	/*
	 * libcurl 7.88 connects a socket once more though it was told that it is connected. The call does nothing, and says
	 * that it did.
	 */
	rules[n++] = (struct seccomp_rule){ .number = SYS_connect, .action = SECCOMP_RET_ERRNO | 0 };
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

int fetch_confine(const char *readable, struct err *err)
{
	struct landlock_tree tree = { .fd = -1, .is_file = true };
	int version;

	if (readable) {
		tree.fd = open(readable, O_PATH | O_CLOEXEC);
		if (tree.fd < 0)
			return err_errno(err, errno, "open '%s'", readable);
	}
	limit(RLIMIT_NOFILE, FILES_MAX);
#ifndef __SANITIZE_ADDRESS__ /* its shadow memory is larger than any sensible limit */
	limit(RLIMIT_DATA, (rlim_t)DATA_MAX_MB << 20);
#endif
	limit(RLIMIT_CORE, 0);
	version = landlock_confine(&tree, readable ? 1 : 0, err);
	if (tree.fd >= 0)
		close(tree.fd);
	if (version < 0)
		return version;
	return install_filter(version > 0 && readable, err);
}

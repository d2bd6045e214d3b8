#include "layer/confine.h"

#include "base/cleanup.h"
#include "sys/allow.h"

#include <errno.h>
#include <linux/fs.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	/* A folder for each level of a tree, and then some. */
	FILES_MAX = 4096,
	/* Working memory is bounded by design; names of folders and hard links grow with the archive. */
	DATA_MAX_MB = 1024,
};

/*
 * What the jobs, the C library and the compressors' allocators call. Not here, on purpose: execve, socket,
 * connect, ptrace, process_vm_*, kill, mount, unshare, setns, bpf, io_uring, keyctl, prctl, open by handle.
 */
static const uint32_t allowed[] = {
	/* bytes */
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
	/* the rest of messages, and waiting */
	SYS_sendto,
	SYS_recvfrom,
	SYS_eventfd2,
	SYS_signalfd4,
};

static int install_filter(struct err *err)
{
	struct allow a = { 0 };

	allow_basics(&a);
	allow_threads(&a);
	allow_calls(&a, allowed, ARRAY_SIZE(allowed));
	/* Not what a terminal, which standard error may be, understands. */
	allow_call_if(&a, SYS_ioctl, 1, FICLONE, UINT64_MAX);
	/* Limits are read, not set. */
	allow_call_if(&a, SYS_prlimit64, 2, 0, UINT64_MAX);
	return allow_install(&a, err);
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

int confine(int root_fd, const struct landlock_tree *trees, size_t len, bool many_files, struct err *err)
{
	int version, r = change_root(root_fd, err);

	if (r < 0)
		return r;
	limit_lower(RLIMIT_NOFILE, many_files ? UINT64_MAX : FILES_MAX);
	limit_memory((uint64_t)DATA_MAX_MB << 20);
	limit_lower(RLIMIT_CORE, 0);
	version = landlock_confine(trees, len, err);
	if (version < 0)
		return version;
	r = install_filter(err);
	return r < 0 ? r : version;
}

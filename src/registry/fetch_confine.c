#include "registry/fetch_confine.h"

#include "base/cleanup.h"
#include "sys/allow.h"
#include "sys/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
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
	SYS_readv,	SYS_writev,	SYS_pread64,	 SYS_lseek,	  SYS_sendto,	SYS_recvfrom, SYS_shutdown,
	SYS_getsockopt, SYS_setsockopt, SYS_getsockname, SYS_getpeername, SYS_eventfd2, SYS_pipe2,    SYS_fcntl,
	SYS_fstat,	SYS_newfstatat, SYS_statx,	 SYS_getuid,	  SYS_geteuid,	SYS_getgid,   SYS_getegid,
};

static int install_filter(bool may_open, struct err *err)
{
	static const uint32_t open_file = SYS_openat;
	struct allow a = { 0 };

	allow_basics(&a);
	allow_threads(&a);
	allow_calls(&a, allowed, ARRAY_SIZE(allowed));
	allow_call_if(&a, SYS_socketpair, 0, AF_UNIX, UINT64_MAX);
	allow_call_if(&a, SYS_ioctl, 1, FIONBIO, UINT64_MAX);
	if (may_open)
		allow_calls(&a, &open_file, 1);
	/*
	 * libcurl 7.88 connects a socket once more though it was told that it is connected. The call does nothing, and says
	 * that it did.
	 */
	allow_rule(&a, &(struct seccomp_rule){ .number = SYS_connect, .action = SECCOMP_RET_ERRNO | 0 });
	return allow_install(&a, err);
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
	limit_lower(RLIMIT_NOFILE, FILES_MAX);
	limit_memory((uint64_t)DATA_MAX_MB << 20);
	limit_lower(RLIMIT_CORE, 0);
	version = landlock_confine(&tree, readable ? 1 : 0, err);
	if (tree.fd >= 0)
		close(tree.fd);
	if (version < 0)
		return version;
	return install_filter(version > 0 && readable, err);
}

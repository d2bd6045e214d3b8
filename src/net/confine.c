#include "net/confine.h"

#include "base/cleanup.h"
#include "sys/caps.h"
#include "sys/landlock.h"
#include "sys/seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
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

/* Memory that thousands of connections' buffers take, with room to spare. */
enum { DATA_MAX_MB = 1024 };

/* --- namespaces --- */

uint64_t isolate_stack_flags(void)
{
	return CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
}

static void write_file(const char *path, const char *text)
{
	autoclose int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd >= 0)
		(void)!write(fd, text, strlen(text));
}

/* Files need an owner: we stay who we are. */
static void map_self(uid_t uid, gid_t gid)
{
	char text[64];

	write_file("/proc/self/setgroups", "deny");
	snprintf(text, sizeof(text), "%u %u 1\n", uid, uid);
	write_file("/proc/self/uid_map", text);
	snprintf(text, sizeof(text), "%u %u 1\n", gid, gid);
	write_file("/proc/self/gid_map", text);
}

static int enter_empty_root(void)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", "/proc", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=64k,nr_inodes=16,mode=700") < 0)
		return -1;
	if (chdir("/proc") < 0 || syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0)
		return -1;
	return chdir("/");
}

static uid_t uid_before;
static gid_t gid_before;

__attribute__((constructor)) static void remember_ids(void)
{
	uid_before = geteuid();
	gid_before = getegid();
}

int isolate_stack(void)
{
	map_self(uid_before, gid_before);
	return enter_empty_root();
}

/* --- system calls --- */

static const uint32_t common[] = {
	/* what is there already */
	SYS_read,
	SYS_write,
	SYS_close,
	SYS_sendmsg,
	SYS_recvmsg,
	SYS_ppoll,
	/* memory, time, the end */
	SYS_mmap,
	SYS_munmap,
	SYS_mremap,
	SYS_mprotect,
	SYS_madvise,
	SYS_brk,
	SYS_futex,
	SYS_clock_gettime,
	SYS_clock_nanosleep,
	SYS_getrandom,
	SYS_getpid,
	SYS_gettid,
	SYS_rt_sigprocmask,
	SYS_rt_sigaction,
	SYS_rt_sigreturn,
	SYS_restart_syscall,
	SYS_exit,
	SYS_exit_group,
	/* sockets: which ones is said below */
	SYS_connect,
	SYS_bind,
	SYS_getsockopt,
	SYS_setsockopt,
	SYS_getsockname,
#ifdef SYS_poll
	SYS_poll,
#endif
#ifdef SYS_time
	SYS_time,
#endif
	SYS_gettimeofday,
#ifdef SANITIZED
	SYS_sigaltstack,
	SYS_readlink,
	SYS_sched_yield,
#endif
};

static const uint32_t stack_only[] = {
	SYS_sendto,	SYS_recvfrom, SYS_getpeername, SYS_accept4, SYS_shutdown, SYS_epoll_pwait,
	SYS_epoll_ctl,	SYS_readv,    SYS_writev,      SYS_pipe2,   SYS_splice,
#ifdef SYS_epoll_wait
	SYS_epoll_wait,
#endif
};

static const uint32_t keeper_only[] = {
	SYS_fstat,
	SYS_newfstatat,
};

enum { RULES_MAX = 80 };

struct rules {
	struct seccomp_rule items[RULES_MAX];
	size_t len;
};

static void allow(struct rules *r, uint32_t number)
{
	r->items[r->len++] = (struct seccomp_rule){ .number = (int)number, .action = SECCOMP_RET_ALLOW };
}

static void allow_if(struct rules *r, uint32_t number, uint8_t arg, uint64_t value, uint64_t mask)
{
	r->items[r->len++] = (struct seccomp_rule){
		.number = (int)number,
		.action = SECCOMP_RET_ALLOW,
		.conds = { { arg, SECCOMP_OP_MASKED_EQ, value, mask } },
		.conds_len = 1,
	};
}

/* PROTOCOL is 0 for the usual one: other numbers are SCTP, MPTCP, UDP-Lite, SMC. */
static void allow_sockets(struct rules *r, int family, int type, int protocol)
{
	const uint64_t type_bits = 0xf; /* without SOCK_NONBLOCK and SOCK_CLOEXEC */

	r->items[r->len++] = (struct seccomp_rule){
		.number = SYS_socket,
		.action = SECCOMP_RET_ALLOW,
		.conds = { { 0, SECCOMP_OP_EQ, (uint64_t)family, 0 },
			   { 1, SECCOMP_OP_MASKED_EQ, (uint64_t)type, type_bits },
			   { 2, SECCOMP_OP_MASKED_EQ, (uint64_t)protocol, UINT32_MAX } },
		.conds_len = 3,
	};
}

static void allow_abort(struct rules *r)
{
	allow_if(r, SYS_tgkill, 0, (uint64_t)getpid(), UINT64_MAX);
}

/*
 * Refused calls give EPERM and not the process's death: the C library of another version may try a call that it can do
 * without.
 */
static int install(struct rules *r, struct err *err)
{
	struct seccomp_filter f = { .default_action = SECCOMP_RET_ERRNO | EPERM,
				    .bad_arch_action = SECCOMP_RET_KILL_PROCESS };
	autofree struct sock_filter *filter = NULL;
	size_t len;
	int result;

	f.archs[0].token = seccomp_native_arch();
	f.archs[0].rules = r->items;
	f.archs[0].len = f.archs[0].cap = r->len;
	f.archs_len = 1;
	result = seccomp_compile(&f, &filter, &len, err);
	if (result < 0)
		return result;
	result = seccomp_install(filter, len, 0);
	return result < 0 ? err_errno(err, -result, "install the seccomp filter") : 0;
}

static void limit(int resource, rlim_t most)
{
	struct rlimit l;

	if (getrlimit((__rlimit_resource_t)resource, &l) < 0)
		return;
	l.rlim_cur = l.rlim_max = l.rlim_max < most ? l.rlim_max : most;
	(void)setrlimit((__rlimit_resource_t)resource, &l);
}

static void set_limits(void)
{
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_NPROC, 0);
#ifndef SANITIZED
	limit(RLIMIT_DATA, (rlim_t)DATA_MAX_MB << 20);
#endif
}

int confine_stack(bool own_root, struct err *err)
{
	static const int families[] = { AF_INET, AF_INET6 };
	struct rules r = { 0 };
	int version;

	set_limits();
	limit(RLIMIT_FSIZE, 0);
	caps_limit_bounding(0);
	caps_set(&(struct cap_state){ 0 });
	version = landlock_confine_files(NULL, 0, err);
	if (version < 0)
		return version;
	for (size_t i = 0; i < ARRAY_SIZE(common); i++)
		allow(&r, common[i]);
	for (size_t i = 0; i < ARRAY_SIZE(stack_only); i++)
		allow(&r, stack_only[i]);
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		allow_sockets(&r, families[i], SOCK_STREAM, 0);
		allow_sockets(&r, families[i], SOCK_DGRAM, 0);
	}
	allow_sockets(&r, AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
	allow_sockets(&r, AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6);
	/* Landlock lets everybody connect to sockets in the file system: none of the host's may be within reach. */
	if (own_root) {
		allow_sockets(&r, AF_UNIX, SOCK_STREAM, 0); /* to our own name service */
		/* The number of an interface, for name servers with a scope. */
		allow_sockets(&r, AF_UNIX, SOCK_DGRAM, 0);
	}
	allow_if(&r, SYS_ioctl, 1, SIOCGIFINDEX, UINT32_MAX);
	allow_if(&r, SYS_ioctl, 1, FIONREAD, UINT32_MAX);
	allow_if(&r, SYS_ioctl, 1, FIONBIO, UINT32_MAX);
	allow_if(&r, SYS_fcntl, 1, F_GETFL, UINT32_MAX);
	allow_if(&r, SYS_fcntl, 1, F_SETFL, UINT32_MAX);
	allow_if(&r, SYS_fcntl, 1, F_SETFD, UINT32_MAX);
	allow_if(&r, SYS_fcntl, 1, F_GETFD, UINT32_MAX);
	allow_abort(&r);
	return install(&r, err);
}

int confine_keeper(struct err *err)
{
	static const int cap_net_admin = 12, cap_net_raw = 13;
	const cap_set kept = CAP_BIT(cap_net_admin) | CAP_BIT(cap_net_raw);
	autoclose int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct landlock_tree tree = { root, false };
	struct rules r = { 0 };
	int version;

	if (root < 0)
		return err_errno(err, errno, "open the root folder");
	set_limits();
	caps_limit_bounding(kept);
	caps_set(&(struct cap_state){ .effective = kept, .permitted = kept });
	version = landlock_confine_files(&tree, 1, err);
	if (version < 0)
		return version;
	for (size_t i = 0; i < ARRAY_SIZE(common); i++)
		allow(&r, common[i]);
	for (size_t i = 0; i < ARRAY_SIZE(keeper_only); i++)
		allow(&r, keeper_only[i]);
	allow_sockets(&r, AF_INET, SOCK_STREAM, 0);
	allow_sockets(&r, AF_INET6, SOCK_STREAM, 0);
	/* resolv.conf: to read, never to make or change. */
	allow_if(&r, SYS_openat, 2, O_RDONLY, O_ACCMODE | O_CREAT | O_TRUNC);
	allow_abort(&r);
	return install(&r, err);
}

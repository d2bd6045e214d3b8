#include "net/confine.h"

#include "base/cleanup.h"
#include "sys/allow.h"
#include "sys/caps.h"
#include "sys/landlock.h"

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
	/* sockets: which ones is said below */
	SYS_connect,	  SYS_bind, SYS_getsockopt, SYS_setsockopt, SYS_getsockname,
#ifdef SYS_time
	SYS_time,
#endif
	SYS_gettimeofday,
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

/* PROTOCOL is 0 for the usual one: other numbers are SCTP, MPTCP, UDP-Lite, SMC. */
static void allow_sockets(struct allow *a, int family, int type, int protocol)
{
	const uint64_t type_bits = 0xf; /* without SOCK_NONBLOCK and SOCK_CLOEXEC */
	const struct seccomp_rule rule = {
		.number = SYS_socket,
		.action = SECCOMP_RET_ALLOW,
		.conds = { { 0, SECCOMP_OP_EQ, (uint64_t)family, 0 },
			   { 1, SECCOMP_OP_MASKED_EQ, (uint64_t)type, type_bits },
			   { 2, SECCOMP_OP_MASKED_EQ, (uint64_t)protocol, UINT32_MAX } },
		.conds_len = 3,
	};

	allow_rule(a, &rule);
}

static void set_limits(void)
{
	limit_lower(RLIMIT_CORE, 0);
	limit_lower(RLIMIT_NPROC, 0);
	limit_memory((uint64_t)DATA_MAX_MB << 20);
}

int confine_stack(bool own_root, struct err *err)
{
	static const int families[] = { AF_INET, AF_INET6 };
	struct allow a = { 0 };
	int version;

	set_limits();
	limit_lower(RLIMIT_FSIZE, 0);
	caps_limit_bounding(0);
	caps_set(&(struct cap_state){ 0 });
	version = landlock_confine_files(NULL, 0, err);
	if (version < 0)
		return version;
	allow_basics(&a);
	allow_calls(&a, common, ARRAY_SIZE(common));
	allow_calls(&a, stack_only, ARRAY_SIZE(stack_only));
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		allow_sockets(&a, families[i], SOCK_STREAM, 0);
		allow_sockets(&a, families[i], SOCK_DGRAM, 0);
	}
	allow_sockets(&a, AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
	allow_sockets(&a, AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6);
	/* Landlock lets everybody connect to sockets in the file system: none of the host's may be within reach. */
	if (own_root) {
		allow_sockets(&a, AF_UNIX, SOCK_STREAM, 0); /* to our own name service */
		/* The number of an interface, for name servers with a scope. */
		allow_sockets(&a, AF_UNIX, SOCK_DGRAM, 0);
	}
	allow_call_if(&a, SYS_ioctl, 1, SIOCGIFINDEX, UINT32_MAX);
	allow_call_if(&a, SYS_ioctl, 1, FIONREAD, UINT32_MAX);
	allow_call_if(&a, SYS_ioctl, 1, FIONBIO, UINT32_MAX);
	allow_call_if(&a, SYS_fcntl, 1, F_GETFL, UINT32_MAX);
	allow_call_if(&a, SYS_fcntl, 1, F_SETFL, UINT32_MAX);
	allow_call_if(&a, SYS_fcntl, 1, F_SETFD, UINT32_MAX);
	allow_call_if(&a, SYS_fcntl, 1, F_GETFD, UINT32_MAX);
	return allow_install(&a, err);
}

int confine_keeper(struct err *err)
{
	static const int cap_net_admin = 12, cap_net_raw = 13;
	const cap_set kept = CAP_BIT(cap_net_admin) | CAP_BIT(cap_net_raw);
	autoclose int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct landlock_tree tree = { root, false };
	struct allow a = { 0 };
	int version;

	if (root < 0)
		return err_errno(err, errno, "open the root folder");
	set_limits();
	caps_limit_bounding(kept);
	caps_set(&(struct cap_state){ .effective = kept, .permitted = kept });
	version = landlock_confine_files(&tree, 1, err);
	if (version < 0)
		return version;
	allow_basics(&a);
	allow_calls(&a, common, ARRAY_SIZE(common));
	allow_calls(&a, keeper_only, ARRAY_SIZE(keeper_only));
	allow_sockets(&a, AF_INET, SOCK_STREAM, 0);
	allow_sockets(&a, AF_INET6, SOCK_STREAM, 0);
	/* resolv.conf: to read, never to make or change. */
	allow_call_if(&a, SYS_openat, 2, O_RDONLY, O_ACCMODE | O_CREAT | O_TRUNC);
	return allow_install(&a, err);
}

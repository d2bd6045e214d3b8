/*
 * What the network helper's two halves can't do once they are confined, tried from inside, each attempt in a child of its
 * own; and that what they need works still.
 */
#include "tests/unit/test.h"

#include "base/cleanup.h"
#include "net/confine.h"
#include "sys/landlock.h"
#include "sys/msg.h"
#include "sys/spawn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a child reports instead of an errno. */
enum { NOT_CONFINED = 200, NO_NAMESPACE };

static char dir[] = "/tmp/cloche-net-confine-XXXXXX";
static char file_there[64], file_new[64], socket_path[64], abstract_name[64];
static pid_t test_pid;
static int netns = -1, epoll = -1, tcp_listener = -1, udp_socket = -1, unix_listener = -1, abstract_listener = -1,
	   names = -1;
static struct sockaddr_in tcp_address, udp_address;
static int pair[2] = { -1, -1 };

static int negative(long r)
{
	return r < 0 ? errno : 0;
}

/* --- files; each returns the errno that it met, 0 if it got through --- */

static int try_passwd(void)
{
	return negative(open("/etc/passwd", O_RDONLY));
}

static int try_home(void)
{
	return negative(open(getenv("HOME") ? getenv("HOME") : "/", O_RDONLY | O_DIRECTORY));
}

static int try_open_otherwise(void)
{
	uint64_t how[3] = { O_RDONLY };

	return negative(syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", how, sizeof(how)));
}

static int try_write(void)
{
	return negative(open(file_there, O_WRONLY));
}

static int try_write_and_read(void)
{
	return negative(open(file_there, O_RDWR));
}

static int try_truncate(void)
{
	return negative(open(file_there, O_RDONLY | O_TRUNC));
}

static int try_create(void)
{
	return negative(open(file_new, O_RDONLY | O_CREAT, 0600));
}

static int try_unnamed(void)
{
	return negative(open(dir, O_WRONLY | O_TMPFILE, 0600));
}

static int try_mkdir(void)
{
	return negative(mkdirat(AT_FDCWD, file_new, 0700));
}

static int try_unlink(void)
{
	return negative(unlinkat(AT_FDCWD, file_there, 0));
}

static int try_rename(void)
{
	return negative(renameat(AT_FDCWD, file_there, AT_FDCWD, file_new));
}

static int try_chmod(void)
{
	return negative(fchmodat(AT_FDCWD, file_there, 0644, 0));
}

static int try_list(void)
{
	char entries[512];

	return negative(syscall(SYS_getdents64, netns, entries, sizeof(entries)));
}

static int try_memory_file(void)
{
	return negative(syscall(SYS_memfd_create, "evil", 0));
}

/* --- programs and processes --- */

static int try_exec(void)
{
	char *const argv[] = { (char *)(uintptr_t) "true", NULL };

	return negative(execve("/bin/true", argv, NULL));
}

static int try_exec_by_descriptor(void)
{
	char *const argv[] = { (char *)(uintptr_t) "true", NULL };

	return negative(syscall(SYS_execveat, AT_FDCWD, "/bin/true", argv, NULL, 0));
}

static int ended_child(long pid)
{
	if (pid == 0)
		_exit(0);
	return negative(pid);
}

static int try_fork(void)
{
	return ended_child(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
}

static int try_clone3(void)
{
	int pidfd;

	return ended_child(spawn_clone(0, &pidfd));
}

static int try_ptrace(void)
{
	return negative(ptrace(PTRACE_TRACEME, 0, 0, 0));
}

static int try_foreign_memory(void)
{
	char byte;
	struct iovec here = { &byte, 1 }, there = { &test_pid, 1 };

	return negative(syscall(SYS_process_vm_readv, test_pid, &here, 1, &there, 1, 0));
}

static int try_kill(void)
{
	return negative(kill(test_pid, 0));
}

static int try_kill_by_thread(void)
{
	return negative(syscall(SYS_tgkill, test_pid, test_pid, 0));
}

static int try_pidfd(void)
{
	return negative(syscall(SYS_pidfd_open, test_pid, 0));
}

static int try_foreign_limit(void)
{
	struct rlimit l;

	return negative(prlimit(test_pid, RLIMIT_NOFILE, NULL, &l));
}

static int try_signal_by_descriptor(void)
{
	return negative(fcntl(pair[0], F_SETOWN, test_pid));
}

/* --- the system --- */

static int try_mount(void)
{
	return negative(mount("none", dir, "tmpfs", 0, NULL));
}

static int try_new_mount(void)
{
	return negative(syscall(SYS_fsopen, "tmpfs", 0));
}

static int try_unmount(void)
{
	return negative(umount2(dir, MNT_DETACH));
}

static int try_chroot(void)
{
	return negative(chroot(dir));
}

static int try_unshare(void)
{
	return negative(syscall(SYS_unshare, CLONE_NEWUSER));
}

static int try_setns(void)
{
	return negative(setns(netns, CLONE_NEWNET));
}

static int try_setuid(void)
{
	return negative(setuid(getuid()));
}

static int try_prctl(void)
{
	return negative(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

static int try_bpf(void)
{
	return negative(syscall(SYS_bpf, 0, NULL, 0));
}

static int try_io_uring(void)
{
	return negative(syscall(SYS_io_uring_setup, 1, NULL));
}

static int try_keyring(void)
{
	return negative(syscall(SYS_keyctl, 0, -1, 1));
}

static int try_type_into_the_terminal(void)
{
	return negative(ioctl(STDERR_FILENO, TIOCSTI, "x"));
}

/* --- sockets --- */

/* 0 only if nothing at all was refused; else EPERM if all was, and EEXIST if some was. */
static int none_of(const int kinds[][3], size_t len)
{
	size_t refused = 0;

	for (size_t i = 0; i < len; i++)
		refused += socket(kinds[i][0], kinds[i][1] | SOCK_CLOEXEC, kinds[i][2]) < 0 && errno == EPERM;
	return refused == len ? EPERM : refused ? EEXIST : 0;
}

static int try_other_sockets(void)
{
	static const int kinds[][3] = {
		{ AF_NETLINK, SOCK_RAW, 0 },
		{ AF_PACKET, SOCK_RAW, 0 },
		{ AF_PACKET, SOCK_DGRAM, 0 },
		{ AF_VSOCK, SOCK_STREAM, 0 },
		{ AF_ALG, SOCK_SEQPACKET, 0 },
		{ AF_INET, SOCK_RAW, IPPROTO_ICMP },
		{ AF_INET, SOCK_RAW, IPPROTO_RAW },
		{ AF_INET6, SOCK_RAW, IPPROTO_ICMPV6 },
		{ AF_INET, SOCK_SEQPACKET, IPPROTO_SCTP },
		{ AF_INET, SOCK_STREAM, IPPROTO_SCTP },
		{ AF_INET, SOCK_STREAM, 262 /* MPTCP */ },
		{ AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE },
		{ AF_INET6, SOCK_DGRAM, IPPROTO_ICMP },
		{ AF_UNIX, SOCK_SEQPACKET, 0 },
	};

	return none_of(kinds, ARRAY_SIZE(kinds));
}

static int try_unix_sockets(void)
{
	static const int kinds[][3] = { { AF_UNIX, SOCK_STREAM, 0 }, { AF_UNIX, SOCK_DGRAM, 0 } };

	return none_of(kinds, ARRAY_SIZE(kinds));
}

static int try_datagram_sockets(void)
{
	static const int kinds[][3] = { { AF_INET, SOCK_DGRAM, 0 },
					{ AF_INET6, SOCK_DGRAM, 0 },
					{ AF_INET, SOCK_DGRAM, IPPROTO_ICMP } };

	return none_of(kinds, ARRAY_SIZE(kinds));
}

static int try_socketpair(void)
{
	int fds[2];

	return negative(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
}

static int try_listen(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return fd < 0 ? NOT_CONFINED : negative(listen(fd, 1));
}

static int try_mark(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), mark = 1;

	return fd < 0 ? NOT_CONFINED : negative(setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)));
}

static int connect_unix(const char *name, bool is_abstract)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(a.sun_path + is_abstract, name, strlen(name));
	return fd < 0 ? errno
		      : negative(connect(fd, (const struct sockaddr *)&a,
					 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + is_abstract +
						     strlen(name) + !is_abstract)));
}

static int try_foreign_unix(void)
{
	return connect_unix(socket_path, false);
}

static int try_foreign_abstract(void)
{
	return connect_unix(abstract_name, true);
}

/* --- what works still --- */

static int need_tcp(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), error = 0;
	struct pollfd wait = { .fd = fd, .events = POLLOUT };
	socklen_t len = sizeof(error);

	if (fd < 0 ||
	    (connect(fd, (const struct sockaddr *)&tcp_address, sizeof(tcp_address)) < 0 && errno != EINPROGRESS))
		return errno;
	if (poll(&wait, 1, 5000) != 1)
		return ETIMEDOUT;
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 ? errno : error;
}

static int need_tcp6(void)
{
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	return fd < 0 && errno != EAFNOSUPPORT ? errno : 0;
}

static int need_message(void)
{
	return -msg_send(pair[1], "x", 1, &tcp_listener, 1, NULL);
}

static int need_accept(void)
{
	int r = need_tcp();

	return r ? r : negative(accept4(tcp_listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC));
}

static int need_udp(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), waiting;
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	char byte;

	if (fd < 0 || bind(fd, (const struct sockaddr *)&a, sizeof(a)) < 0 || ioctl(fd, FIONREAD, &waiting) < 0)
		return errno;
	if (sendto(fd, "x", 1, 0, (const struct sockaddr *)&udp_address, sizeof(udp_address)) != 1)
		return errno;
	return negative(recvfrom(udp_socket, &byte, 1, 0, NULL, NULL));
}

/* EACCES: the administrator lets this group of users have none (ping_group_range). */
static int need_echo(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_ICMP);

	return fd < 0 && errno != EACCES ? errno : 0;
}

static int need_splice(void)
{
	int from[2], to[2];

	if (pipe2(from, O_NONBLOCK | O_CLOEXEC) < 0 || pipe2(to, O_NONBLOCK | O_CLOEXEC) < 0 ||
	    write(from[1], "x", 1) != 1)
		return errno;
	return negative(splice(from[0], NULL, to[1], NULL, 1, SPLICE_F_NONBLOCK));
}

static int need_epoll(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct epoll_event e = { .events = EPOLLOUT };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) < 0)
		return errno;
	return epoll_wait(epoll, &e, 1, 5000) == 1 ? 0 : ETIMEDOUT;
}

static int need_own_names(void)
{
	int r = connect_unix(STACK_NAMES_SOCKET, false);

	return r ? r : negative(accept4(names, NULL, NULL, SOCK_CLOEXEC));
}

static int need_number_of_interface(void)
{
	return if_nametoindex("lo") ? 0 : errno;
}

/* resolv.conf, wherever it is. */
static int need_reading(void)
{
	int fd = open(file_there, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	char byte;

	if (fd < 0 || fstat(fd, &st) < 0)
		return errno;
	return negative(read(fd, &byte, 1));
}

/* --- the tables --- */

struct attempt {
	const char *what;
	int (*attempt)(void);
	int expected;
};

static const struct attempt both[] = {
	{ "open a file by another call", try_open_otherwise, EPERM },
	{ "open a file to write", try_write, EPERM },
	{ "open a file to read and write", try_write_and_read, EPERM },
	{ "empty a file", try_truncate, EPERM },
	{ "make a file", try_create, EPERM },
	{ "make a file without a name", try_unnamed, EPERM },
	{ "make a folder", try_mkdir, EPERM },
	{ "remove a file", try_unlink, EPERM },
	{ "rename a file", try_rename, EPERM },
	{ "change a file's mode", try_chmod, EPERM },
	{ "list a folder", try_list, EPERM },
	{ "make a file in memory", try_memory_file, EPERM },
	{ "run a program", try_exec, EPERM },
	{ "run a program by another call", try_exec_by_descriptor, EPERM },
	{ "fork", try_fork, EPERM },
	{ "fork by another call", try_clone3, EPERM },
	{ "ptrace", try_ptrace, EPERM },
	{ "read another's memory", try_foreign_memory, EPERM },
	{ "signal the parent", try_kill, EPERM },
	{ "signal the parent's thread", try_kill_by_thread, EPERM },
	{ "open the parent", try_pidfd, EPERM },
	{ "read the parent's limits", try_foreign_limit, EPERM },
	{ "have the kernel signal the parent", try_signal_by_descriptor, EPERM },
	{ "mount", try_mount, EPERM },
	{ "mount by another call", try_new_mount, EPERM },
	{ "unmount", try_unmount, EPERM },
	{ "chroot", try_chroot, EPERM },
	{ "make a namespace", try_unshare, EPERM },
	{ "join a namespace", try_setns, EPERM },
	{ "change ids", try_setuid, EPERM },
	{ "prctl", try_prctl, EPERM },
	{ "bpf", try_bpf, EPERM },
	{ "set up io_uring", try_io_uring, EPERM },
	{ "join a keyring", try_keyring, EPERM },
	{ "type into the terminal", try_type_into_the_terminal, EPERM },
	{ "make sockets of other kinds", try_other_sockets, EPERM },
	{ "make a pair of sockets", try_socketpair, EPERM },
	{ "listen", try_listen, EPERM },
	{ "connect by TCP", need_tcp, 0 },
	{ "make a socket of IPv6", need_tcp6, 0 },
	{ "send a message with a descriptor", need_message, 0 },
};

static const struct attempt stacks[] = {
	{ "open /etc/passwd", try_passwd, EPERM },
	{ "open the home folder", try_home, EPERM },
	{ "mark a connection", try_mark, EPERM },
	{ "accept a connection", need_accept, 0 },
	{ "send and receive a datagram", need_udp, 0 },
	{ "make a socket of ICMP", need_echo, 0 },
	{ "splice", need_splice, 0 },
	{ "epoll", need_epoll, 0 },
};

static const struct attempt isolated_stacks[] = {
	{ "connect to a socket of the host", try_foreign_unix, ENOENT },
	{ "connect to the own name service", need_own_names, 0 },
	{ "find an interface's number", need_number_of_interface, 0 },
};

static const struct attempt bare_stacks[] = {
	{ "make a Unix socket", try_unix_sockets, EPERM },
};

static const struct attempt keepers[] = {
	{ "make a Unix socket", try_unix_sockets, EPERM },
	{ "make a datagram socket", try_datagram_sockets, EPERM },
	{ "read resolv.conf", need_reading, 0 },
};

/* --- three kinds of confinement --- */

static int listen_unix(const char *name, bool is_abstract)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t len = offsetof(struct sockaddr_un, sun_path) + is_abstract + strlen(name) + !is_abstract;

	memcpy(a.sun_path + is_abstract, name, strlen(name));
	if (fd < 0 || bind(fd, (const struct sockaddr *)&a, (socklen_t)len) < 0 || listen(fd, 8) < 0)
		return -1;
	return fd;
}

static bool become_isolated_stack(void)
{
	if (isolate_stack() < 0)
		_exit(NO_NAMESPACE);
	names = listen_unix(STACK_NAMES_SOCKET, false);
	return names >= 0 && confine_stack(true, NULL) >= 0;
}

static bool become_bare_stack(void)
{
	return confine_stack(false, NULL) >= 0;
}

static bool become_keeper(void)
{
	return confine_keeper(NULL) >= 0;
}

struct kind {
	const char *name;
	bool (*become)(void);
	bool isolated;
};

static const struct kind isolated_stack = { "stack", become_isolated_stack, true };
static const struct kind bare_stack = { "stack without namespaces", become_bare_stack, false };
static const struct kind keeper = { "keeper", become_keeper, false };

/* The errno of the attempt; NOT_CONFINED, NO_NAMESPACE. */
static int attempt_as(const struct kind *k, int (*attempt)(void))
{
	int status, pidfd = -1;
	pid_t pid = spawn_clone(k->isolated ? isolate_stack_flags() : 0, &pidfd);

	if (pid < 0 && k->isolated)
		return NO_NAMESPACE;
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(k->become() ? attempt() : NOT_CONFINED);
	close(pidfd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void check(const struct kind *k, const struct attempt *attempts, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		int got = attempt_as(k, attempts[i].attempt);

		/* The filter says of calls newer than all that it allows that the kernel doesn't have them. */
		if (got != attempts[i].expected && !(got == ENOSYS && attempts[i].expected == EPERM))
			fail_msg("%s: %s: got errno %d (%s), expected %d", k->name, attempts[i].what, got,
				 strerror(got), attempts[i].expected);
	}
}

static void the_stack_can_do_nothing_else(void **state)
{
	(void)state;
	if (attempt_as(&isolated_stack, need_tcp) == NO_NAMESPACE)
		skip();
	check(&isolated_stack, both, ARRAY_SIZE(both));
	check(&isolated_stack, stacks, ARRAY_SIZE(stacks));
	check(&isolated_stack, isolated_stacks, ARRAY_SIZE(isolated_stacks));
	/* Abstract sockets belong to the network's namespace, which is the host's: Landlock keeps them away since version 6. */
	if (landlock_version() >= 6)
		assert_int_equal(attempt_as(&isolated_stack, try_foreign_abstract), EPERM);
}

/* Where no user namespace can be made. */
static void the_stack_without_namespaces_can_do_nothing_else(void **state)
{
	(void)state;
	check(&bare_stack, both, ARRAY_SIZE(both));
	check(&bare_stack, stacks, ARRAY_SIZE(stacks));
	check(&bare_stack, bare_stacks, ARRAY_SIZE(bare_stacks));
}

static void the_keeper_can_do_nothing_else(void **state)
{
	(void)state;
	check(&keeper, both, ARRAY_SIZE(both));
	check(&keeper, keepers, ARRAY_SIZE(keepers));
	/* Connections under the clients' addresses need the right that it keeps, if it had it. */
	assert_int_equal(attempt_as(&keeper, try_mark), try_mark());
}

/* --- what they meet --- */

static int bound_socket(int type, struct sockaddr_in *ret)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(*ret);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)ret, &len), 0);
	return fd;
}

static int set_up(void **state)
{
	autoclose int file = -1;

	(void)state;
	test_pid = getpid();
	if (!mkdtemp(dir))
		return -1;
	snprintf(file_there, sizeof(file_there), "%s/there", dir);
	snprintf(file_new, sizeof(file_new), "%s/new", dir);
	snprintf(socket_path, sizeof(socket_path), "%s/socket", dir);
	snprintf(abstract_name, sizeof(abstract_name), "cloche-net-confine-%d", (int)test_pid);
	file = open(file_there, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	unix_listener = listen_unix(socket_path, false);
	abstract_listener = listen_unix(abstract_name, true);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (file < 0 || netns < 0 || epoll < 0 || unix_listener < 0 || abstract_listener < 0 ||
	    msg_pair(pair, NULL) < 0)
		return -1;
	tcp_listener = bound_socket(SOCK_STREAM, &tcp_address);
	udp_socket = bound_socket(SOCK_DGRAM, &udp_address);
	return listen(tcp_listener, 512);
}

static int tear_down(void **state)
{
	(void)state;
	unlink(socket_path);
	return unlink(file_there) < 0 || rmdir(dir) < 0 ? -1 : 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_stack_can_do_nothing_else),
		cmocka_unit_test(the_stack_without_namespaces_can_do_nothing_else),
		cmocka_unit_test(the_keeper_can_do_nothing_else),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

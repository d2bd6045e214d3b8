/*
 * idrun [-l LEVEL] [-n] ROOT PROGRAM [ARG…]: runs a program in the folder ROOT as root of a new user namespace
 * with one id mapped, with the ids emulated (-n: without). A bare container for developing and testing
 * src/intercept by itself: own user, mount, pid and IPC namespace, /proc, the host's /dev, no seccomp profile.
 */
#include "base/cleanup.h"
#include "base/str.h"
#include "intercept/supervisor.h"
#include "sys/msg.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

struct task {
	const char *root;
	char **argv;
	struct sock_filter *filter;
	size_t filter_len;
	uid_t uid;
	gid_t gid;
	int sock;
};

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "idrun: %s: %s\n", what, strerror(errno));
	_exit(125);
}

static void write_text(const char *path, const char *text)
{
	autoclose int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(path);
}

static void map_ids(const struct task *t)
{
	autofree char *uids = str_format("0 %u 1", t->uid), *gids = str_format("0 %u 1", t->gid);

	write_text("/proc/self/setgroups", "deny");
	write_text("/proc/self/uid_map", uids);
	write_text("/proc/self/gid_map", gids);
}

static void change_root(const char *root)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount(root, root, NULL, MS_BIND | MS_REC, NULL) < 0 || chdir(root) < 0)
		die("bind root");
	if (mount("proc", "proc", "proc", 0, NULL) < 0 || mount("/dev", "dev", NULL, MS_BIND | MS_REC, NULL) < 0)
		die("mount");
	if (syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		die("pivot_root");
}

static void install_filter(const struct task *t)
{
	struct sock_fprog prog = { (unsigned short)t->filter_len, t->filter };
	autoclose int listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, INTERCEPT_FILTER_FLAGS, &prog);

	if (listener < 0 || msg_send(t->sock, "x", 1, &listener, 1, NULL) < 0)
		die("seccomp");
}

static int run(void *arg)
{
	static char *const env[] = {
		(char *)(uintptr_t) "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		(char *)(uintptr_t) "HOME=/root", (char *)(uintptr_t) "TERM=dumb",
		(char *)(uintptr_t) "DEBIAN_FRONTEND=noninteractive", NULL
	};
	const struct task *t = arg;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	map_ids(t);
	change_root(t->root);
	umask(022);
	if (t->filter)
		install_filter(t);
	/* close_range: nothing leaks into the program. */
	syscall(SYS_close_range, 3, ~0U, 0);
	execvpe(t->argv[0], t->argv, env);
	die(t->argv[0]);
}

static pid_t start(struct task *t)
{
	static char stack[256 * 1024] __attribute__((aligned(16)));

	return clone(run, stack + sizeof(stack), CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | SIGCHLD,
		     t);
}

static int supervise(pid_t init, int sock, enum intercept_level level, struct process *ret, struct err *err)
{
	struct intercept_options options = { .level = level };
	autobuf struct buf b = BUF_INIT(16);
	autoclose int listener = -1;
	int fd, n = msg_receive(sock, &b, &fd, 1, err);

	if (n < 0)
		return n;
	listener = fd;
	return intercept_start(&options, listener, init, ret, err);
}

/* The exit code of pid 1; if the supervisor ends first, the container is killed. */
static int wait_for(pid_t init, struct process *supervisor)
{
	struct pollfd p[2] = { { .fd = (int)syscall(SYS_pidfd_open, init, 0), .events = POLLIN },
			       { .fd = supervisor->pidfd, .events = POLLIN } };
	int status;

	while (poll(p, 2, -1) < 0 && errno == EINTR)
		;
	if (!(p[0].revents & POLLIN)) {
		fprintf(stderr, "idrun: the supervisor ended early\n");
		kill(init, SIGKILL);
	}
	waitpid(init, &status, 0);
	if (supervisor->pidfd >= 0)
		process_wait(supervisor, NULL, NULL);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
	struct process supervisor = PROCESS_INIT;
	enum intercept_level level = INTERCEPT_READ;
	struct task t = { .uid = getuid(), .gid = getgid() };
	struct err err = { 0 };
	bool emulate = true;
	int opt, pair[2];
	pid_t init;

	while ((opt = getopt(argc, argv, "+l:n")) != -1) {
		if (opt == 'l')
			level = (enum intercept_level)atoi(optarg);
		else if (opt == 'n')
			emulate = false;
		else
			return 2;
	}
	if (argc - optind < 2 || msg_pair(pair, NULL) < 0)
		return 2;
	t.root = argv[optind];
	t.argv = argv + optind + 1;
	t.sock = pair[1];
	if (emulate && intercept_filter_build(level, &t.filter, &t.filter_len, &err) < 0)
		return err_print(stderr, &err), 125;
	init = start(&t);
	if (init < 0)
		die("clone");
	close(pair[1]);
	if (emulate && supervise(init, pair[0], level, &supervisor, &err) < 0) {
		err_print(stderr, &err);
		kill(init, SIGKILL);
		return 125;
	}
	free(t.filter);
	return wait_for(init, &supervisor);
}

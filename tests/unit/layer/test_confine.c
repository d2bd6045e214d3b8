/* What a confined helper can't do, tried from inside: each attempt in a child of its own. */
#include "tests/unit/test.h"

#include "layer/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static char allowed_dir[] = "/tmp/cloche-confine-XXXXXX";
static int has_landlock;

static int negative(long r)
{
	return r < 0 ? errno : 0;
}

/* Each returns the errno that it met, 0 if it got through. */
static int try_passwd(void)
{
	return negative(open("/etc/passwd", O_RDONLY));
}

static int try_home(void)
{
	return negative(open("/root", O_RDONLY | O_DIRECTORY));
}

static int try_write_tmp(void)
{
	return negative(open("/tmp/cloche-confine-evil", O_WRONLY | O_CREAT, 0600));
}

static int try_mkdir(void)
{
	return negative(mkdirat(AT_FDCWD, "/tmp/cloche-confine-evil", 0700));
}

static int try_socket(void)
{
	return negative(socket(AF_INET, SOCK_STREAM, 0));
}

static int try_unix_socket(void)
{
	return negative(socket(AF_UNIX, SOCK_STREAM, 0));
}

static int try_exec(void)
{
	char *const argv[] = { (char *)"true", NULL };

	return negative(execve("/bin/true", argv, NULL));
}

static int try_fork(void)
{
	long pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	return negative(pid);
}

static int try_ptrace(void)
{
	return negative(ptrace(PTRACE_TRACEME, 0, 0, 0));
}

static int try_kill(void)
{
	return negative(kill(getppid(), 0));
}

static int try_kill_by_thread(void)
{
	return negative(syscall(SYS_tgkill, getppid(), getppid(), 0));
}

static int try_type_into_the_terminal(void)
{
	return negative(ioctl(STDERR_FILENO, TIOCSTI, "x"));
}

/* Landlock knows nothing of these. */
static int try_chmod_outside(void)
{
	return negative(fchmodat(AT_FDCWD, "/etc/passwd", 0644, 0));
}

static int try_chown_outside(void)
{
	return negative(fchownat(AT_FDCWD, "../../../../../etc/passwd", 0, 0, 0));
}

static int try_attribute_outside(void)
{
	return negative(setxattr("/etc/passwd", "user.evil", "x", 1, 0));
}

static int try_mount(void)
{
	return negative(mount("none", allowed_dir, "tmpfs", 0, NULL));
}

static int try_unshare(void)
{
	return negative(syscall(SYS_unshare, 0x10000000));
}

static int try_chroot(void)
{
	return negative(chroot(allowed_dir));
}

static int try_io_uring(void)
{
	return negative(syscall(SYS_io_uring_setup, 1, NULL));
}

static int try_setuid(void)
{
	return negative(setuid(1));
}

/* What the jobs need works still. */
static int try_allowed_dir(void)
{
	int fd = openat(AT_FDCWD, allowed_dir, O_RDONLY | O_DIRECTORY);
	int file = openat(fd, "new", O_WRONLY | O_CREAT, 0600);

	if (file < 0 || write(file, "x", 1) != 1 || unlinkat(fd, "new", 0) < 0)
		return errno;
	return 0;
}

static void *nothing(void *arg)
{
	return arg;
}

static int try_thread(void)
{
	pthread_t t;
	int r = pthread_create(&t, NULL, nothing, NULL);

	return r ? r : pthread_join(t, NULL);
}

static const struct {
	const char *what;
	int (*attempt)(void);
	int expected;
	int needs_landlock;
} attempts[] = {
	{ "open /etc/passwd", try_passwd, EACCES, 1 },
	{ "open /root", try_home, EACCES, 1 },
	{ "create a file in /tmp", try_write_tmp, EACCES, 1 },
	{ "make a folder in /tmp", try_mkdir, EACCES, 1 },
	{ "make an internet socket", try_socket, EPERM, 0 },
	{ "make a unix socket", try_unix_socket, EPERM, 0 },
	{ "run a program", try_exec, EPERM, 0 },
	{ "fork", try_fork, EPERM, 0 },
	{ "ptrace", try_ptrace, EPERM, 0 },
	{ "signal the parent", try_kill, EPERM, 0 },
	{ "signal the parent's thread", try_kill_by_thread, EPERM, 0 },
	{ "type into the terminal", try_type_into_the_terminal, EPERM, 0 },
	{ "mount", try_mount, EPERM, 0 },
	{ "make a namespace", try_unshare, EPERM, 0 },
	{ "chroot", try_chroot, EPERM, 0 },
	{ "set up io_uring", try_io_uring, EPERM, 0 },
	{ "change ids", try_setuid, EPERM, 0 },
	{ "use the folder that is allowed", try_allowed_dir, 0, 0 },
	{ "start a thread", try_thread, 0, 0 },
};

/* The child's exit status is the errno of the attempt; 200: it could not be confined. */
static int attempt_confined(int (*attempt)(void), bool as_root, int *ret_landlock)
{
	int status, pipe_fds[2], version = -1;
	pid_t pid;

	assert_int_equal(pipe(pipe_fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		const struct landlock_tree tree = { open(allowed_dir, O_PATH | O_DIRECTORY), true };

		version = confine(as_root ? tree.fd : -1, &tree, 1, false, NULL);
		if (version < 0 || write(pipe_fds[1], &version, sizeof(version)) < 0)
			_exit(200);
		_exit(attempt());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(read(pipe_fds[0], &version, sizeof(version)), sizeof(version));
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	*ret_landlock = version;
	return WEXITSTATUS(status);
}

static void test_confinement_holds(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
		int got = attempt_confined(attempts[i].attempt, false, &has_landlock);

		if (attempts[i].needs_landlock && !has_landlock)
			continue;
		if (got != attempts[i].expected)
			fail_msg("%s: got errno %d (%s), expected %d", attempts[i].what, got, strerror(got),
				 attempts[i].expected);
	}
}

static void test_nothing_outside_has_a_name(void **state)
{
	static int (*const outside[])(void) = { try_chmod_outside, try_chown_outside, try_attribute_outside };
	int ignored;

	(void)state;
	/* In a user namespace it is the same; here only root has the right to it. */
	if (geteuid() != 0)
		skip();
	for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++)
		assert_int_equal(attempt_confined(outside[i], true, &ignored), ENOENT);
}

static int make_dir(void **state)
{
	(void)state;
	return mkdtemp(allowed_dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	(void)state;
	return rmdir(allowed_dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_confinement_holds),
					    cmocka_unit_test(test_nothing_outside_has_a_name) };

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}

/*
 * idstress [TEST…]: races and rare ways of the emulation of ids, as root of a container. Prints "ok NAME" or what was
 * wrong for each test; exit status 1 if any was. Static, so that it runs in any image. It works in the
 * current folder.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 8, FORKS = 3000, SIGNALLED = 1500, KILLED = 150, USER = 2000 };

static bool has_ids(uid_t real, uid_t effective, uid_t saved)
{
	uid_t r, e, s;

	return getresuid(&r, &e, &s) == 0 && r == real && e == effective && s == saved;
}

static int wait_code(pid_t pid)
{
	int status = -1;

	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Runs FN(ARG) in a child; its result is the exit code. */
static int in_child(int (*fn)(const char *arg), const char *arg)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(fn(arg));
	return wait_code(pid);
}

/* --- threads --- */

static pthread_barrier_t barrier;

static void *watch_ids(void *arg)
{
	intptr_t i = (intptr_t)arg, wrong = 0;

	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	wrong += !has_ids(77, 77, 0);
	pthread_barrier_wait(&barrier);
	/* A raw call is for one thread. */
	if (i % 2)
		syscall(SYS_setresuid, -1, 0, -1);
	pthread_barrier_wait(&barrier);
	wrong += geteuid() != (i % 2 ? 0U : 77U);
	pthread_barrier_wait(&barrier);
	return (void *)wrong;
}

static int test_threads(const char *arg)
{
	pthread_t threads[THREADS];
	intptr_t wrong = 0;

	(void)arg;
	pthread_barrier_init(&barrier, NULL, THREADS + 1);
	for (intptr_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, watch_ids, (void *)i);
	pthread_barrier_wait(&barrier);
	wrong += setresuid(77, 77, 0) != 0;
	for (int i = 0; i < 4; i++)
		pthread_barrier_wait(&barrier);
	wrong += geteuid() != 77;
	for (int i = 0; i < THREADS; i++) {
		void *result;

		pthread_join(threads[i], &result);
		wrong += (intptr_t)result;
	}
	wrong += setresuid(0, 0, 0) != 0 || !has_ids(0, 0, 0);
	return wrong != 0;
}

/* --- forks --- */

static void fork_twice(uid_t id, int report)
{
	char wrong;

	if (setresuid(id, id, id) != 0)
		_exit(1);
	if (fork() == 0) {
		wrong = !has_ids(id, id, id);
		(void)!write(report, &wrong, 1);
	}
	_exit(0);
}

static int test_forks(const char *arg)
{
	int fds[2], wrong = 0;
	char w;

	(void)arg;
	if (pipe(fds) < 0)
		return 1;
	for (uid_t i = 0; i < FORKS; i++) {
		pid_t pid = fork();

		if (pid == 0)
			fork_twice(USER + i, fds[1]);
		if (i % 64 == 63)
			while (waitpid(-1, NULL, WNOHANG) > 0)
				;
	}
	for (int i = 0; i < FORKS; i++)
		wrong += read(fds[0], &w, 1) != 1 || w;
	while (wait(NULL) > 0)
		;
	return wrong != 0;
}

/* --- signals --- */

static volatile sig_atomic_t ticks;

static void tick(int sig)
{
	(void)sig;
	ticks = ticks + 1;
}

/* With a handler that restarts, no call may be done twice: a folder that is made twice exists already. */
static int test_signals(const char *arg)
{
	struct sigaction sa = { .sa_handler = tick, .sa_flags = SA_RESTART };
	struct itimerval every = { { 0, 150 }, { 0, 150 } }, none = { { 0, 0 }, { 0, 0 } };
	struct stat st;
	int wrong = 0;

	(void)arg;
	mkdir("signals", 0777);
	chown("signals", USER, USER);
	if (chdir("signals") < 0 || setresuid(USER, USER, 0) < 0)
		return 1;
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
	for (int i = 0; i < SIGNALLED; i++) {
		wrong += mkdir("d", 0755) != 0;
		wrong += stat("d", &st) != 0 || st.st_uid != USER;
		wrong += chown("d", (uid_t)-1, (gid_t)-1) != 0;
		wrong += rmdir("d") != 0;
	}
	setitimer(ITIMER_REAL, &none, NULL);
	if (wrong)
		printf("%d wrong, %d signals\n", wrong, (int)ticks);
	return wrong != 0;
}

static _Noreturn void call_for_ever(void)
{
	struct stat st;

	for (int i = 0;; i++) {
		setresuid(USER, (uid_t)(i % 2 ? 0 : USER), 0);
		close(open("killed", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
		stat("killed", &st);
		unlink("killed");
	}
}

/* Callers that are killed in the middle of calls harm no one else. */
static int test_kills(const char *arg)
{
	struct stat st;

	(void)arg;
	for (int i = 0; i < KILLED; i++) {
		pid_t pid = fork();

		if (pid == 0)
			call_for_ever();
		usleep((useconds_t)(i * 20));
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	return stat(".", &st) != 0 || !has_ids(0, 0, 0);
}

/* --- exec --- */

static int exec_checker(const char *self)
{
	if (setresgid(USER, USER, USER) != 0 || setresuid(USER, USER, USER) != 0)
		return 9;
	execl(self, self, "check-set-id", (char *)NULL);
	return 8;
}

/* This program itself, set-id of two other users. */
static int test_set_id(const char *arg)
{
	struct stat st;
	int result;

	(void)arg;
	if (stat("set-id", &st) < 0 || st.st_uid != 33 || st.st_gid != 34 || (st.st_mode & 06777) != 06755)
		return 2;
	result = in_child(exec_checker, "./set-id");
	if (result == 0 && (chown("set-id", 35, -1) < 0 || stat("set-id", &st) < 0))
		return 3;
	/* A change of owner takes the bits off. */
	return result ? result : (st.st_mode & 06000) != 0;
}

static int check_set_id(void)
{
	return !(has_ids(USER, 33, 33) && getegid() == 34 && getgid() == USER && access(".", F_OK) == 0);
}

static int exec_nothing(const char *self)
{
	(void)self;
	if (setresuid(USER, USER, 0) != 0)
		return 9;
	execl("not-a-program", "x", (char *)NULL);
	/* The failed exec has not made the saved id the effective one. */
	return !has_ids(USER, USER, 0);
}

static int test_failed_exec(const char *arg)
{
	int fd = open("not-a-program", O_CREAT | O_WRONLY | O_CLOEXEC, 0755);

	(void)arg;
	if (fd < 0 || write(fd, "\177ELF", 4) != 4)
		return 1;
	close(fd);
	return in_child(exec_nothing, "");
}

/* --- the rest --- */

static int test_files(const char *arg)
{
	struct sockaddr_un address = { AF_UNIX, "files/sock" };
	struct stat st;
	int sock, wrong = 0;

	(void)arg;
	umask(027);
	if (mkdir("files", 02777) < 0 || chown("files", 0, 50) < 0 || chmod("files", 02777) < 0)
		return 1;
	setegid(USER);
	seteuid(USER);
	close(open("files/f", O_CREAT | O_RDWR | O_CLOEXEC, 0666));
	mkdir("files/d", 0777);
	wrong += symlink("f", "files/l") != 0;
	mkfifo("files/p", 0666);
	sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	wrong += bind(sock, (struct sockaddr *)&address, sizeof(address)) != 0;
	static const struct {
		const char *name;
		mode_t mode;
	} made[] = { { "files/f", S_IFREG | 0640 },
		     { "files/d", S_IFDIR | 02750 },
		     { "files/l", S_IFLNK | 0777 },
		     { "files/p", S_IFIFO | 0640 },
		     { "files/sock", S_IFSOCK | 0750 } };
	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
		if (lstat(made[i].name, &st) == 0 && st.st_uid == USER && st.st_gid == 50 && st.st_mode == made[i].mode)
			continue;
		printf("%s: %u:%u %o\n", made[i].name, st.st_uid, st.st_gid, st.st_mode);
		wrong++;
	}
	wrong += chown("files/f", 33, -1) == 0 || errno != EPERM;
	wrong += setresuid(0, 0, 0) != 0;
	return wrong != 0;
}

static int test_devices(const char *arg)
{
	struct stat st;
	char byte = 1;
	int fd;

	(void)arg;
	if (mknod("zero", S_IFCHR | 0666, 0x105) < 0 || lstat("zero", &st) < 0)
		return 1;
	if (!S_ISCHR(st.st_mode) || st.st_rdev != 0x105)
		return 2;
	fd = open("zero", O_RDONLY);
	return fd < 0 || read(fd, &byte, 1) != 1 || byte != 0;
}

static int test_limits(const char *arg)
{
	struct rlimit set = { 12, 34 }, got;

	(void)arg;
	if (setrlimit(RLIMIT_LOCKS, &set) < 0 || getrlimit(RLIMIT_LOCKS, &got) < 0)
		return 1;
	return got.rlim_cur != 12 || got.rlim_max != 34 || !has_ids(0, 0, 0);
}

#ifdef __x86_64__
static int call_by_int80(const char *arg)
{
	long result;

	(void)arg;
	__asm__ volatile("int $0x80" : "=a"(result) : "a"(199 /* getuid32 */) : "memory");
	return result == -ENOSYS ? 0 : 1;
}

static int call_by_x32(const char *arg)
{
	(void)arg;
	return syscall(0x40000000 | SYS_getuid) < 0 && errno == ENOSYS ? 0 : 1;
}

/* Refused, or by a stricter profile killed, or by a kernel that has no such way at all. */
static bool is_refused(int (*call)(const char *arg))
{
	int code = in_child(call, "");

	return code == 0 || code == 128 + SIGSYS || code == 128 + SIGSEGV;
}
#endif

/* The same calls by another convention must not go round the filter. */
static int test_detours(const char *arg)
{
	(void)arg;
#ifdef __x86_64__
	if (!is_refused(call_by_int80))
		return 1;
	if (!is_refused(call_by_x32))
		return 2;
#endif
	return syscall(SYS_io_uring_setup, 1, NULL) >= 0;
}

static int test_peer(const char *arg)
{
	struct sockaddr_un address = { AF_UNIX, "peer" };
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), sock;
	socklen_t len = sizeof(struct ucred);
	struct ucred u;
	pid_t pid;

	(void)arg;
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(listener, 1) < 0)
		return 1;
	pid = fork();
	if (pid == 0) {
		sock = socket(AF_UNIX, SOCK_STREAM, 0);
		if (setresgid(34, 34, 34) < 0 || setresuid(33, 33, 33) < 0 ||
		    connect(sock, (struct sockaddr *)&address, sizeof(address)) < 0)
			_exit(1);
		pause();
	}
	sock = accept(listener, NULL, NULL);
	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &u, &len) < 0)
		return 2;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return u.pid != pid || u.uid != 33 || u.gid != 34;
}

/* A file system of the container's own that never answers: who asks it waits, others must not. */
static int test_stuck(const char *arg)
{
	char options[64];
	int fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC), failed;
	struct stat st;
	pid_t pid;

	(void)arg;
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fuse);
	mkdir("stuck", 0755);
	if (fuse < 0 || mount("x", "stuck", "fuse", 0, options) < 0)
		return 0; /* not allowed here */
	pid = fork();
	if (pid == 0) {
		stat("stuck/x", &st);
		_exit(0);
	}
	usleep(50000);
	alarm(5);
	failed = stat(".", &st) != 0 || getuid() != 0;
	kill(pid, SIGKILL);
	close(fuse); /* which ends the waiting */
	umount2("stuck", MNT_DETACH);
	waitpid(pid, NULL, 0);
	return failed;
}

static const struct {
	const char *name;
	int (*run)(const char *arg);
} tests[] = {
	{ "threads", test_threads }, { "forks", test_forks },	  { "signals", test_signals },
	{ "kills", test_kills },     { "set-id", test_set_id },	  { "failed-exec", test_failed_exec },
	{ "files", test_files },     { "devices", test_devices }, { "limits", test_limits },
	{ "detours", test_detours }, { "peer", test_peer },	  { "stuck", test_stuck },
};

/* Run beforehand in one process: the copy of this program for the test of set-id programs. */
static bool make_set_id(void)
{
	char buffer[65536];
	int in = open("/proc/self/exe", O_RDONLY | O_CLOEXEC),
	    out = open("set-id", O_CREAT | O_WRONLY | O_CLOEXEC, 0755);
	ssize_t n;

	while ((n = read(in, buffer, sizeof(buffer))) > 0)
		if (write(out, buffer, (size_t)n) != n)
			return false;
	close(in);
	close(out);
	return n == 0 && chown("set-id", 33, 34) == 0 && chmod("set-id", 06755) == 0;
}

int main(int argc, char **argv)
{
	int failed = 0;

	if (argc > 1 && strcmp(argv[1], "check-set-id") == 0)
		return check_set_id();
	if (!make_set_id()) {
		perror("idstress");
		return 1;
	}
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		int result;

		if (argc > 1 && strcmp(argv[1], tests[i].name) != 0)
			continue;
		fflush(stdout);
		result = in_child(tests[i].run, "");
		printf(result ? "WRONG %s (%d)\n" : "ok %s\n", tests[i].name, result);
		failed += result != 0;
	}
	return failed > 0;
}

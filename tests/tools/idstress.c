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
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 8, FORKS = 1100, MANY = 600, SIGNALLED = 700, KILLED = 150, USER = 2000 };

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

/* --- many at once --- */

static _Noreturn void wait_and_look(uid_t id, int start)
{
	struct stat st;
	char byte;

	if (setresuid(id, id, id) != 0 || read(start, &byte, 1) != 0)
		_exit(1);
	_exit(!has_ids(id, id, id) || stat("many", &st) != 0 || st.st_uid != USER);
}

/* A container of as many processes as it may have, which all call at the same moment. */
static int test_many(const char *arg)
{
	int fds[2], wrong = 0, made = 0;
	pid_t pids[MANY];

	(void)arg;
	mkdir("many", 0755);
	if (chown("many", USER, USER) < 0 || pipe(fds) < 0)
		return 1;
	for (; made < MANY; made++) {
		pids[made] = fork();
		if (pids[made] < 0)
			break;
		if (pids[made] == 0) {
			close(fds[1]);
			wait_and_look(USER + (uid_t)made % 50, fds[0]);
		}
	}
	close(fds[1]);
	for (int i = 0; i < made; i++)
		wrong += wait_code(pids[i]) != 0;
	return wrong != 0 || made < 100;
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

/* With one that doesn't restart, a call may fail with EINTR before the supervisor has seen it: then it has not been done. */
static int test_interrupted(const char *arg)
{
	struct sigaction sa = { .sa_handler = tick };
	struct itimerval every = { { 0, 150 }, { 0, 150 } }, none = { { 0, 0 }, { 0, 0 } };
	int wrong = 0, interrupted = 0;

	(void)arg;
	mkdir("interrupted", 0777);
	if (chown("interrupted", USER, USER) < 0 || chdir("interrupted") < 0 || setresuid(USER, USER, 0) < 0)
		return 1;
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
	for (int i = 0; i < SIGNALLED; i++) {
		while (mkdir("d", 0755) < 0 && errno == EINTR)
			interrupted++;
		wrong += access("d", F_OK) != 0;
		while (rmdir("d") < 0 && errno == EINTR)
			;
	}
	setitimer(ITIMER_REAL, &none, NULL);
	printf("%d interrupted of %d, %d signals\n", interrupted, SIGNALLED, (int)ticks);
	fflush(stdout);
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

/* One byte with U as who sends it. The result of sendmsg, or the negative errno. */
static int send_as(int sock, const struct ucred *u)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(*u))];
	} control;
	struct iovec byte = { "x", 1 };
	struct msghdr m = {
		.msg_iov = &byte, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
	};

	control.header = (struct cmsghdr){ CMSG_LEN(sizeof(*u)), SOL_SOCKET, SCM_CREDENTIALS };
	memcpy(CMSG_DATA(&control.header), u, sizeof(*u));
	return sendmsg(sock, &m, MSG_NOSIGNAL) < 0 ? -errno : 1;
}

/* As D-Bus clients do. */
static int test_credentials(const char *arg)
{
	struct ucred own = { getpid(), 33, 34 }, other = { getpid(), 44, 34 };
	int pair[2];

	(void)arg;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0 || setresgid(34, 34, 34) < 0 || setresuid(33, 33, 33) < 0)
		return 1;
	if (send_as(pair[0], &own) != 1)
		return 2;
	return send_as(pair[0], &other) != -EPERM;
}

static int use_segment(const char *arg)
{
	int id, wrong = 0;
	struct shmid_ds ds;

	(void)arg;
	if (setresgid(34, 34, 34) < 0 || setresuid(33, 33, 33) < 0)
		return 1;
	id = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
	if (id < 0 || shmctl(id, IPC_STAT, &ds) < 0)
		return 2;
	wrong += ds.shm_perm.uid != 33 || ds.shm_perm.cgid != 34 || ds.shm_segsz != 4096;
	ds.shm_perm.mode = 0640;
	wrong += shmctl(id, IPC_SET, &ds) != 0 || shmctl(id, IPC_STAT, &ds) != 0 || (ds.shm_perm.mode & 0777) != 0640;
	wrong += shmctl(id, IPC_RMID, NULL) != 0;
	return wrong ? 3 : 0;
}

/* What servers do that give their semaphores to their workers' user. */
static int test_ipc(const char *arg)
{
	union {
		int value;
		struct semid_ds *ds;
	} u;
	struct semid_ds ds;
	int id = semget(IPC_PRIVATE, 1, IPC_CREAT | 0600), wrong = 0;

	(void)arg;
	u.ds = &ds;
	if (id < 0 || semctl(id, 0, IPC_STAT, u) < 0 || ds.sem_perm.uid != 0)
		return 1;
	ds.sem_perm.uid = 33;
	ds.sem_perm.gid = 34;
	wrong += semctl(id, 0, IPC_SET, u) != 0;
	memset(&ds, 0, sizeof(ds));
	wrong += semctl(id, 0, IPC_STAT, u) != 0 || ds.sem_perm.uid != 33 || ds.sem_perm.gid != 34 ||
		 ds.sem_perm.cuid != 0 || ds.sem_nsems != 1;
	wrong += semctl(id, 0, IPC_RMID) != 0;
	return wrong ? 2 : in_child(use_segment, "");
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
	{ "threads", test_threads }, { "forks", test_forks },
	{ "signals", test_signals }, { "interrupted", test_interrupted },
	{ "many", test_many },	     { "kills", test_kills },
	{ "set-id", test_set_id },   { "failed-exec", test_failed_exec },
	{ "files", test_files },     { "devices", test_devices },
	{ "limits", test_limits },   { "detours", test_detours },
	{ "peer", test_peer },	     { "stuck", test_stuck },
	{ "ipc", test_ipc },	     { "credentials", test_credentials },
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

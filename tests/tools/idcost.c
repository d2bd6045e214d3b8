/*
 * idcost [CALL…]: what the calls cost that the emulation of ids answers, in µs a call, as the best of many batches;
 * beside the same without the emulation (idrun -n) it says what the emulation costs. It works in the current folder, and
 * is static, so that it runs in any image.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BATCHES = 40, CALLS = 250 };

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int fd;

static void call_getuid(void)
{
	(void)getuid();
}

static void call_stat_roots(void)
{
	struct stat st;

	(void)stat("roots", &st);
}

static void call_stat_users(void)
{
	struct stat st;

	(void)stat("users", &st);
}

static void call_stat_absolute(void)
{
	struct stat st;

	(void)stat("/proc/version", &st);
}

static void call_fstat(void)
{
	struct stat st;

	(void)fstat(fd, &st);
}

static void call_fstatat(void)
{
	struct stat st;

	(void)fstatat(AT_FDCWD, "roots", &st, AT_SYMLINK_NOFOLLOW);
}

static void call_open(void)
{
	close(open("roots", O_RDONLY | O_CLOEXEC));
}

static void call_open_plain(void)
{
	close(open("roots", O_RDONLY)); /* NOLINT(android-cloexec-open): that is what is measured */
}

static void call_create(void)
{
	close(open("new", O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
	unlink("new");
}

static void call_getxattr(void)
{
	char value[64];

	(void)!syscall(SYS_lgetxattr, "roots", "security.selinux", value, sizeof(value));
}

static void call_exec(void)
{
	static char *const argv[] = { (char *)"/proc/self/exe", (char *)"nothing", NULL };
	pid_t pid = vfork();

	if (pid == 0) {
		execv(argv[0], argv);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
}

static const struct {
	const char *name;
	void (*call)(void);
	int calls;
} rows[] = {
	{ "getuid", call_getuid, CALLS },	  { "stat-roots", call_stat_roots, CALLS },
	{ "stat-users", call_stat_users, CALLS }, { "stat-absolute", call_stat_absolute, CALLS },
	{ "fstat", call_fstat, CALLS },		  { "fstatat", call_fstatat, CALLS },
	{ "lgetxattr", call_getxattr, CALLS },	  { "open-cloexec", call_open, CALLS },
	{ "open-plain", call_open_plain, CALLS }, { "create", call_create, CALLS },
	{ "vfork-exec", call_exec, CALLS / 10 },
};

static double measure(void (*call)(void), int calls)
{
	double best = 1e12;

	for (int i = 0; i < BATCHES; i++) {
		double start = now_us(), each;

		for (int n = 0; n < calls; n++)
			call();
		each = (now_us() - start) / calls;
		if (each < best)
			best = each;
	}
	return best;
}

static int make_files(void)
{
	fd = open("roots", O_CREAT | O_RDWR | O_CLOEXEC, 0644);
	close(open("users", O_CREAT | O_RDWR | O_CLOEXEC, 0644));
	if (fd < 0)
		return -errno;
	(void)!chown("users", 33, 33); /* without the emulation it stays ours */
	return 0;
}

static bool is_wanted(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return true;
	return argc == 1;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "nothing") == 0)
		return 0;
	if (make_files() < 0) {
		perror("idcost");
		return 1;
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (is_wanted(rows[i].name, argc, argv))
			printf("%-14s %8.2f\n", rows[i].name, measure(rows[i].call, rows[i].calls));
	unlink("roots");
	unlink("users");
	return 0;
}

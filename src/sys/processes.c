#include "sys/processes.h"

#include "base/cleanup.h"
#include "base/num.h"

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Until a round finds nobody, or so often. */
enum { ROUNDS_MAX = 100, WAIT_MS = 2000 };

/* A pidfd of the process NAME of /proc if it is one of them; else -1. */
static int open_if_one(const char *name, bool (*is_one)(const char *name, const void *arg), const void *arg)
{
	uint32_t pid;
	int fd;

	if (num_parse_u32(name, INT32_MAX, &pid) < 0)
		return -1;
	/* The descriptor comes first: what /proc says then is about the process that it is of, or that has just ended. */
	fd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
	if (fd >= 0 && is_one(name, arg))
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static size_t kill_all(bool (*is_one)(const char *name, const void *arg), const void *arg)
{
	autoclosedir DIR *dir = opendir("/proc");
	struct dirent *d;
	size_t killed = 0;

	while (dir && (d = readdir(dir))) {
		autoclose int fd = open_if_one(d->d_name, is_one, arg);
		struct pollfd p = { .fd = fd, .events = POLLIN };

		if (fd < 0 || syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) < 0)
			continue;
		killed++;
		poll(&p, 1, WAIT_MS);
	}
	return killed;
}

void processes_kill(bool (*is_one)(const char *name, const void *arg), const void *arg)
{
	for (int round = 0; round < ROUNDS_MAX && kill_all(is_one, arg) > 0; round++)
		;
}

static bool is_in_mounts(const char *name, const void *arg)
{
	const struct stat *ours = arg;
	char path[300];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%s/ns/mnt", name);
	return stat(path, &st) == 0 && st.st_ino == ours->st_ino && st.st_dev == ours->st_dev;
}

void processes_kill_in_mounts(int fd)
{
	struct stat ours;

	if (fd >= 0 && fstat(fd, &ours) == 0)
		processes_kill(is_in_mounts, &ours);
}

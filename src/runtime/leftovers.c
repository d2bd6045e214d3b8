/*
 * Processes that outlive the first one. With a pid namespace of its own a container ends with its pid 1, by the kernel.
 * In one that it shares (the machine's, another container's) they are known by its mount namespace, which is always its own.
 */
#include "base/cleanup.h"
#include "base/num.h"
#include "runtime/start.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* They may fork while they are looked for: so many rounds, until one finds nobody. */
enum { ROUNDS_MAX = 100, WAIT_MS = 2000 };

/* A pidfd of the process NAME of /proc if it is in the mount namespace OURS; else -1. */
static int open_if_in(const char *name, const struct stat *ours)
{
	char path[300];
	struct stat st;
	uint32_t pid;
	int fd;

	if (num_parse_u32(name, INT32_MAX, &pid) < 0)
		return -1;
	fd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
	snprintf(path, sizeof(path), "/proc/%s/ns/mnt", name);
	/* The descriptor came first: what the path says now is about the process that it is of, or that has just ended. */
	if (fd >= 0 && stat(path, &st) == 0 && st.st_ino == ours->st_ino && st.st_dev == ours->st_dev)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static size_t kill_all(const struct stat *ours)
{
	autoclosedir DIR *dir = opendir("/proc");
	struct dirent *d;
	size_t killed = 0;

	while (dir && (d = readdir(dir))) {
		autoclose int fd = open_if_in(d->d_name, ours);
		struct pollfd p = { .fd = fd, .events = POLLIN };

		if (fd < 0 || syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) < 0)
			continue;
		killed++;
		poll(&p, 1, WAIT_MS);
	}
	return killed;
}

void start_end_leftovers(int fd)
{
	struct stat ours;

	if (fd < 0 || fstat(fd, &ours) < 0)
		return;
	for (int round = 0; round < ROUNDS_MAX && kill_all(&ours) > 0; round++)
		;
}

/*
 * tmpcopyup: what a new tmpfs hides is copied into it. By the new process, so only system calls; links are copied, never
 * followed, and nothing on another file system is looked at. Device nodes are left out.
 */
#include "base/cleanup.h"
#include "runtime/start.h"
#include "sys/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The new process has a stack of 256 KB (sys/vfork.c): a folder takes about one. */
enum { DEPTH_MAX = 64, BATCH = 1024 };

/* As getdents64(2) has it. */
struct entry {
	uint64_t ino;
	int64_t off;
	uint16_t len;
	uint8_t type;
	char name[];
};

static int keep_owner(int fd, const struct stat *s)
{
	const struct timespec times[2] = { s->st_atim, s->st_mtim };

	if (fchown(fd, s->st_uid, s->st_gid) < 0 || fchmod(fd, s->st_mode & 07777) < 0 || futimens(fd, times) < 0)
		return -errno;
	return 0;
}

__attribute__((noinline)) static int copy_file(int from, int to, const char *name, const struct stat *s)
{
	autoclose int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), out = -1;
	int r;

	if (in < 0)
		return -errno;
	out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (out < 0)
		return -errno;
	r = fs_copy_data(in, out, (uint64_t)s->st_size, NULL);
	return r < 0 ? r : keep_owner(out, s);
}

__attribute__((noinline)) static int copy_link(int from, int to, const char *name, const struct stat *s)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(from, name, target, sizeof(target) - 1);

	if (n < 0)
		return -errno;
	target[n] = '\0';
	if (symlinkat(target, to, name) < 0 || fchownat(to, name, s->st_uid, s->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return 0;
}

static int copy_below(int from, int to, dev_t dev, int depth);

static int copy_folder(int from, int to, const char *name, const struct stat *s, int depth)
{
	autoclose int in = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), out = -1;
	int r;

	if (in < 0 || mkdirat(to, name, 0700) < 0)
		return -errno;
	out = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (out < 0)
		return -errno;
	r = copy_below(in, out, s->st_dev, depth + 1);
	return r < 0 ? r : keep_owner(out, s);
}

static int copy_entry(int from, int to, const char *name, dev_t dev, int depth)
{
	struct stat s;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return 0;
	if (fstatat(from, name, &s, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (s.st_dev != dev)
		return 0;
	if (S_ISREG(s.st_mode))
		return copy_file(from, to, name, &s);
	if (S_ISLNK(s.st_mode))
		return copy_link(from, to, name, &s);
	if (S_ISDIR(s.st_mode))
		return copy_folder(from, to, name, &s, depth);
	if (S_ISFIFO(s.st_mode))
		return mknodat(to, name, S_IFIFO | (s.st_mode & 0777), 0) < 0 ? -errno : 0;
	return 0;
}

static int copy_below(int from, int to, dev_t dev, int depth)
{
	char batch[BATCH] __attribute__((aligned(8)));

	if (depth > DEPTH_MAX)
		return -ELOOP;
	for (;;) {
		long n = syscall(SYS_getdents64, from, batch, sizeof(batch));

		if (n <= 0)
			return n < 0 ? -errno : 0;
		for (long at = 0; at < n;) {
			const struct entry *e = (const struct entry *)(void *)(batch + at);
			int r = copy_entry(from, to, e->name, dev, depth);

			if (r < 0)
				return r;
			at += e->len;
		}
	}
}

int copy_up(int from, int to)
{
	struct stat s;
	int r;

	if (fstat(from, &s) < 0)
		return -errno;
	r = copy_below(from, to, s.st_dev, 0);
	/* The folder itself keeps the mode that the mount's options gave it. */
	return r;
}

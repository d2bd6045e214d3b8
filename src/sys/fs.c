#include "sys/fs.h"

#include "base/cleanup.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { COPY_CHUNK = 1 << 20, OPENAT2_RETRIES = 32, REMOVE_DEPTH_MAX = 4096 };

void fs_hold_standard_fds(void)
{
	/* open takes the lowest number that is free: the one that was found closed. */
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", O_RDWR) < 0)
			abort();
}

static int open_resolved(int dir_fd, const char *path, int flags, mode_t mode, uint64_t resolve)
{
	struct open_how how = {
		.flags = (uint64_t)flags | O_CLOEXEC,
		.mode = flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY)) ? mode & 07777 : 0,
		.resolve = resolve,
	};
	int fd = -1;

	/* EAGAIN: a rename elsewhere raced with "..": openat2(2) says to try again. */
	for (int i = 0; i < OPENAT2_RETRIES; i++) {
		fd = (int)syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	return fd >= 0 ? fd : -errno;
}

int fs_open_in_root(int root_fd, const char *path, int flags, mode_t mode, struct err *err)
{
	int fd = open_resolved(root_fd, path, flags, mode, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);

	return fd >= 0 ? fd : err_errno(err, -fd, "open '%s' inside the root", path);
}

int fs_open_beneath(int dir_fd, const char *path, int flags, mode_t mode, struct err *err)
{
	int fd = open_resolved(dir_fd, path, flags, mode, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);

	return fd >= 0 ? fd : err_errno(err, -fd, "open '%s'", path);
}

int fs_open_beneath_follow(int dir_fd, const char *path, int flags, mode_t mode, struct err *err)
{
	int fd = open_resolved(dir_fd, path, flags, mode, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);

	return fd >= 0 ? fd : err_errno(err, -fd, "open '%s'", path);
}

int fs_read_fd(int fd, size_t max, struct buf *buf, struct err *err)
{
	char chunk[16384];

	buf_reset(buf);
	for (;;) {
		ssize_t n = read(fd, chunk, sizeof(chunk));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, errno, "read");
		if (n == 0)
			return buf_reserve(buf, 0) < 0 ? err_oom(err) : 0;
		if (buf->len + (size_t)n > max)
			return err_set(err, E2BIG, "longer than %zu bytes", max);
		if (buf_add(buf, chunk, (size_t)n) < 0)
			return err_set(err, -buf->error, "longer than %zu bytes", buf->max);
	}
}

int fs_read_file(int dir_fd, const char *path, size_t max, struct buf *buf, struct err *err)
{
	autoclose int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return err_errno(err, errno, "open '%s'", path);
	r = fs_read_fd(fd, max, buf, err);
	return r < 0 ? err_wrap(err, "'%s'", path) : 0;
}

int fs_write_all(int fd, const void *data, size_t len, struct err *err)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, errno, "write");
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static void random_suffix(char dst[static 17])
{
	uint64_t r = 0;

	if (getrandom(&r, sizeof(r), 0) != sizeof(r))
		r = (uint64_t)getpid() << 32 ^ (uint64_t)(uintptr_t)dst;
	snprintf(dst, 17, "%016llx", (unsigned long long)r);
}

/* Syncs the folder that holds PATH, so that the rename itself lasts. */
static int sync_parent(int dir_fd, const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	autofree char *parent = slash ? strndup(path, (size_t)(slash - path) + (slash == path)) : strdup(".");
	autoclose int fd = -1;

	if (!parent)
		return err_oom(err);
	fd = openat(dir_fd, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		return err_errno(err, errno, "sync folder '%s'", parent);
	return 0;
}

static int fill_new_file(int dir_fd, const char *tmp, const void *data, size_t len, mode_t mode, int flags,
			 struct err *err)
{
	autoclose int fd = openat(dir_fd, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

	if (fd < 0)
		return err_errno(err, errno, "create '%s'", tmp);
	if (fs_write_all(fd, data, len, err) < 0)
		return err_wrap(err, "'%s'", tmp);
	if (flags & FS_SYNC && fsync(fd) < 0)
		return err_errno(err, errno, "sync '%s'", tmp);
	return 0;
}

int fs_write_new(int dir_fd, const char *path, const void *data, size_t len, mode_t mode, struct err *err)
{
	autoclose int fd = openat(dir_fd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	int r;

	if (fd < 0 || fchmod(fd, mode) < 0)
		return err_errno(err, errno, "create '%s'", path);
	r = fs_write_all(fd, data, len, err);
	return r < 0 ? err_wrap(err, "'%s'", path) : 0;
}

int fs_write_file(int dir_fd, const char *path, const void *data, size_t len, mode_t mode, int flags, struct err *err)
{
	autofree char *tmp = NULL;
	char suffix[17];
	int r;

	random_suffix(suffix);
	tmp = str_format("%s.%s.tmp", path, suffix);
	if (!tmp)
		return err_oom(err);
	r = fill_new_file(dir_fd, tmp, data, len, mode, flags, err);
	if (r >= 0) {
		int how = flags & FS_EXCLUSIVE ? RENAME_NOREPLACE : 0;

		if (renameat2(dir_fd, tmp, dir_fd, path, (unsigned)how) < 0)
			r = err_errno(err, errno, "rename to '%s'", path);
	}
	if (r < 0) {
		unlinkat(dir_fd, tmp, 0);
		return r;
	}
	return flags & FS_SYNC ? sync_parent(dir_fd, path, err) : 0;
}

int fs_make_dirs(int dir_fd, const char *path, mode_t mode, struct err *err)
{
	autofree char *copy = NULL;

	if (mkdirat(dir_fd, path, mode) == 0 || errno == EEXIST)
		return 0;
	if (errno != ENOENT)
		return err_errno(err, errno, "make folder '%s'", path);
	copy = strdup(path);
	if (!copy)
		return err_oom(err);
	for (char *p = copy + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdirat(dir_fd, copy, mode) < 0 && errno != EEXIST)
			return err_errno(err, errno, "make folder '%s'", copy);
		*p = '/';
	}
	if (mkdirat(dir_fd, path, mode) < 0 && errno != EEXIST)
		return err_errno(err, errno, "make folder '%s'", path);
	return 0;
}

int fs_open_dir_make(int dir_fd, const char *path, mode_t mode, struct err *err)
{
	int fd = openat(dir_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

	if (fd >= 0)
		return fd;
	if (errno != ENOENT)
		return err_errno(err, errno, "open folder '%s'", path);
	r = fs_make_dirs(dir_fd, path, mode, err);
	if (r < 0)
		return r;
	fd = openat(dir_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 ? fd : err_errno(err, errno, "open folder '%s'", path);
}

/* --- removal --- */

struct removal {
	dev_t dev;	 /* what is on another file system stays */
	int first_error; /* positive errno */
	char first_path[256];
};

static void note_failure(struct removal *rm, int code, const char *name)
{
	if (rm->first_error)
		return;
	rm->first_error = code;
	snprintf(rm->first_path, sizeof(rm->first_path), "%s", name);
}

static void remove_entry(struct removal *rm, int dir_fd, const char *name, int depth);

static void remove_children(struct removal *rm, int fd, int depth)
{
	autoclosedir DIR *dir = fdopendir(fd);
	struct dirent *d;

	if (!dir) {
		note_failure(rm, errno, ".");
		close(fd);
		return;
	}
	while ((d = readdir(dir))) {
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		if (d->d_type != DT_DIR && d->d_type != DT_UNKNOWN && unlinkat(dirfd(dir), d->d_name, 0) == 0)
			continue;
		remove_entry(rm, dirfd(dir), d->d_name, depth + 1);
	}
}

/* Opens a folder for reading, giving ourselves the right to if it is ours; never through a link or onto a mount. */
static int open_for_removal(int dir_fd, const char *name)
{
	const uint64_t resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV | RESOLVE_BENEATH;
	int fd = open_resolved(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, resolve);
	struct stat st;

	if (fd != -EACCES)
		return fd;
	if (fchmodat(dir_fd, name, 0700, 0) < 0)
		return -EACCES;
	fd = open_resolved(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, resolve);
	if (fd >= 0 && fstat(fd, &st) == 0 && (st.st_mode & 0700) != 0700)
		fchmod(fd, 0700);
	return fd;
}

static void remove_dir(struct removal *rm, int dir_fd, const char *name, const struct stat *st, int depth)
{
	int fd;

	if (depth > REMOVE_DEPTH_MAX) {
		note_failure(rm, ELOOP, name);
		return;
	}
	if ((st->st_mode & 0300) != 0300)
		fchmodat(dir_fd, name, 0700, 0);
	if (unlinkat(dir_fd, name, AT_REMOVEDIR) == 0)
		return;
	fd = open_for_removal(dir_fd, name);
	if (fd < 0) {
		note_failure(rm, -fd, name);
		return;
	}
	remove_children(rm, fd, depth);
	if (unlinkat(dir_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		note_failure(rm, errno, name);
}

static void remove_entry(struct removal *rm, int dir_fd, const char *name, int depth)
{
	struct stat st;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno != ENOENT)
			note_failure(rm, errno, name);
		return;
	}
	if (st.st_dev != rm->dev) {
		note_failure(rm, EXDEV, name);
		return;
	}
	if (S_ISDIR(st.st_mode))
		remove_dir(rm, dir_fd, name, &st, depth);
	else if (unlinkat(dir_fd, name, 0) < 0 && errno != ENOENT)
		note_failure(rm, errno, name);
}

int fs_remove_tree(int dir_fd, const char *path, struct err *err)
{
	struct removal rm = { 0 };
	autofree char *cleaned = path_clean(path), *parent = NULL;
	autoclose int parent_fd = -1;
	struct stat st;
	char *slash;

	if (!cleaned)
		return err_oom(err);
	if (strcmp(cleaned, "/") == 0 || strcmp(cleaned, ".") == 0)
		return err_set(err, EINVAL, "refusing to remove '%s'", path);
	if (fstatat(dir_fd, cleaned, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_errno(err, errno, "remove '%s'", path);
	/* RESOLVE_BENEATH needs a single component below a descriptor. */
	slash = strrchr(cleaned, '/');
	parent = !slash ? strdup(".") : slash == cleaned ? strdup("/") : strndup(cleaned, (size_t)(slash - cleaned));
	if (!parent)
		return err_oom(err);
	parent_fd = openat(dir_fd, parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (parent_fd < 0)
		return err_errno(err, errno, "remove '%s'", path);
	rm.dev = st.st_dev;
	remove_entry(&rm, parent_fd, slash ? slash + 1 : cleaned, 0);
	if (!rm.first_error)
		return 0;
	return err_errno(err, rm.first_error, "remove '%s': at '%s'", path, rm.first_path);
}

int fs_lock(int dir_fd, const char *path, bool exclusive, bool nonblock, struct err *err)
{
	autoclose int fd = openat(dir_fd, path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	int how = (exclusive ? LOCK_EX : LOCK_SH) | (nonblock ? LOCK_NB : 0);

	if (fd < 0)
		return err_errno(err, errno, "open lock '%s'", path);
	while (flock(fd, how) < 0) {
		if (errno == EINTR)
			continue;
		return err_errno(err, errno, "lock '%s'", path);
	}
	return TAKE_FD(fd);
}

/* --- copying --- */

static int copy_by_reading(int in, int out, struct err *err)
{
	autofree char *chunk = malloc(COPY_CHUNK);

	if (!chunk)
		return err_oom(err);
	for (;;) {
		ssize_t n = read(in, chunk, COPY_CHUNK);
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, errno, "read");
		if (n == 0)
			return 0;
		r = fs_write_all(out, chunk, (size_t)n, err);
		if (r < 0)
			return r;
	}
}

/* Copies [FROM, TO) within the kernel; 1: not possible between these files, nothing done there. */
static int copy_extent(int in, int out, off_t from, off_t to, struct err *err)
{
	off_t at_in = from, at_out = from;

	while (at_in < to) {
		ssize_t n = copy_file_range(in, &at_in, out, &at_out, (size_t)(to - at_in), 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && at_in == from &&
		    (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS))
			return 1;
		if (n < 0)
			return err_errno(err, errno, "copy");
		if (n == 0)
			break;
	}
	return 0;
}

static int copy_sparse(int in, int out, off_t size, struct err *err)
{
	off_t at = 0;

	while (at < size) {
		off_t data = lseek(in, at, SEEK_DATA), hole;
		int r;

		if (data < 0 && errno == ENXIO)
			break;
		if (data < 0)
			return 1;
		hole = lseek(in, data, SEEK_HOLE);
		if (hole < 0 || hole > size)
			hole = size;
		r = copy_extent(in, out, data, hole, err);
		if (r != 0)
			return r;
		at = hole;
	}
	if (ftruncate(out, size) < 0)
		return err_errno(err, errno, "set the length");
	return 0;
}

int fs_copy_data(int in, int out, uint64_t size, struct err *err)
{
	int r;

	if (size == 0)
		return copy_by_reading(in, out, err);
	if (lseek(in, 0, SEEK_CUR) != 0 || lseek(out, 0, SEEK_CUR) != 0)
		return copy_by_reading(in, out, err);
	if (ioctl(out, FICLONE, in) == 0)
		return 0;
	r = copy_sparse(in, out, (off_t)size, err);
	if (r <= 0)
		return r;
	if (lseek(in, 0, SEEK_SET) < 0 || lseek(out, 0, SEEK_SET) < 0)
		return err_errno(err, errno, "seek");
	return copy_by_reading(in, out, err);
}

#include "intercept/file.h"

#include "base/cleanup.h"
#include "intercept/place.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

/*
 * Owners of what holds no attribute, by device and inode: an open hash with a short probe. When it is
 * full around a place, the oldest there gives way.
 */
enum { SIDE_SLOTS = 16384, SIDE_PROBE = 16 };

struct side_entry {
	dev_t dev;
	ino_t ino;
	mode_t type; /* 0: free */
	uint32_t age;
	struct owner owner;
};

static struct {
	pthread_mutex_t lock;
	struct side_entry slots[SIDE_SLOTS];
	uint32_t clock;
	atomic_bool used;
} side = { .lock = PTHREAD_MUTEX_INITIALIZER };

static struct side_entry *side_slot(const struct stat *st, size_t i)
{
	uint64_t h = ((uint64_t)st->st_dev * UINT64_C(0x9e3779b97f4a7c15)) ^ ((uint64_t)st->st_ino * UINT64_C(0xc2b2ae3d27d4eb4f));

	return &side.slots[((h >> 32) + i) % SIDE_SLOTS];
}

static bool side_get(const struct stat *st, struct owner *ret)
{
	bool found = false;

	if (!atomic_load_explicit(&side.used, memory_order_acquire))
		return false;
	pthread_mutex_lock(&side.lock);
	for (size_t i = 0; i < SIDE_PROBE && !found; i++) {
		const struct side_entry *e = side_slot(st, i);

		if (e->type != (st->st_mode & S_IFMT) || e->dev != st->st_dev || e->ino != st->st_ino)
			continue;
		*ret = e->owner;
		found = true;
	}
	pthread_mutex_unlock(&side.lock);
	return found;
}

static void side_put(const struct stat *st, const struct owner *owner)
{
	struct side_entry *best = NULL;

	pthread_mutex_lock(&side.lock);
	for (size_t i = 0; i < SIDE_PROBE; i++) {
		struct side_entry *e = side_slot(st, i);

		if (e->type != 0 && e->dev == st->st_dev && e->ino == st->st_ino) {
			best = e;
			break;
		}
		if (!best || (best->type != 0 && (e->type == 0 || e->age < best->age)))
			best = e;
	}
	*best = (struct side_entry){ st->st_dev, st->st_ino, st->st_mode & S_IFMT, ++side.clock, *owner };
	pthread_mutex_unlock(&side.lock);
	atomic_store_explicit(&side.used, true, memory_order_release);
}

void file_get_owner(const char *path, bool follow, const struct stat *st, struct owner *ret)
{
	const char *name = owner_attr_name(st->st_mode);
	uint8_t value[OWNER_VALUE_MAX];
	ssize_t n;

	*ret = (struct owner){ 0 };
	n = follow ? getxattr(path, name, value, sizeof(value)) : lgetxattr(path, name, value, sizeof(value));
	if (n >= 0 && owner_decode(st->st_mode, value, (size_t)n, ret) == 0)
		return;
	side_get(st, ret);
}

int file_look(const char *path, bool follow, struct file *ret)
{
	if (fstatat(AT_FDCWD, path, &ret->st, follow ? 0 : AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	file_get_owner(path, follow, &ret->st, &ret->owner);
	return 0;
}

int file_look_fd(int fd, struct file *ret)
{
	char path[FD_PATH_MAX];

	if (fstatat(fd, "", &ret->st, AT_EMPTY_PATH) < 0)
		return -errno;
	place_fd_path(fd, path);
	file_get_owner(path, true, &ret->st, &ret->owner);
	return 0;
}

static bool holds_no_attribute(int code)
{
	return code == EOPNOTSUPP || code == EPERM || code == EINVAL || code == EACCES;
}

/* Writes or removes the attribute at PATH; 0, or -EOPNOTSUPP where the file can't have one, or another errno. */
static int write_attr(const char *path, bool follow, mode_t mode, const struct owner *owner)
{
	const char *name = owner_attr_name(mode);
	uint8_t value[OWNER_VALUE_MAX];
	int len, r;

	if (owner_is_default(owner)) {
		r = follow ? removexattr(path, name) : lremovexattr(path, name);
		if (r < 0 && errno == ENODATA)
			return 0;
	} else {
		len = owner_encode(owner, mode, value);
		if (len < 0)
			return len;
		r = follow ? setxattr(path, name, value, (size_t)len, 0) : lsetxattr(path, name, value, (size_t)len, 0);
	}
	if (r == 0)
		return 0;
	return holds_no_attribute(errno) ? -EOPNOTSUPP : -errno;
}

int file_set_owner_fd(int fd, struct file *file, const struct owner *owner)
{
	char path[FD_PATH_MAX];
	int r;

	place_fd_path(fd, path);
	r = write_attr(path, true, file->st.st_mode, owner);
	if (r == -EOPNOTSUPP) {
		side_put(&file->st, owner);
		r = 0;
	}
	if (r == 0)
		file->owner = *owner;
	return r;
}

int file_set_owner_at(int dir_fd, const char *name, const struct owner *owner)
{
	struct file file;
	autoclose int fd = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || fstatat(fd, "", &file.st, AT_EMPTY_PATH) < 0)
		return -errno;
	return file_set_owner_fd(fd, &file, owner);
}

void file_show(const struct owner *owner, struct stat *st)
{
	st->st_uid = owner->uid;
	st->st_gid = owner->gid;
	if (owner->type == 0)
		return;
	st->st_mode = (st->st_mode & ~(mode_t)S_IFMT) | owner->type;
	st->st_rdev = makedev(owner->major, owner->minor);
}

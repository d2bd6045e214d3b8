#include "intercept/file.h"

#include "base/cleanup.h"
#include "intercept/keep.h"
#include "intercept/place.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <time.h>

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
	uint64_t h = ((uint64_t)st->st_dev * UINT64_C(0x9e3779b97f4a7c15)) ^
		     ((uint64_t)st->st_ino * UINT64_C(0xc2b2ae3d27d4eb4f));

	return &side.slots[((h >> 32) + i) % SIDE_SLOTS];
}

bool file_any_aside(void)
{
	return atomic_load_explicit(&side.used, memory_order_acquire);
}

static bool side_get(const struct stat *st, struct owner *ret)
{
	bool found = false;

	if (!file_any_aside())
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

/*
 * Owners that were read before, by device, inode and change time: setting an attribute moves the latter.
 * Like git's index, it doesn't trust a change so recent that another could have the same time.
 */
enum { CACHE_SLOTS = 32768, CACHE_MIN_AGE_S = 1 };

struct cached {
	dev_t dev;
	ino_t ino;
	struct timespec ctime;
	struct owner owner;
};

static struct {
	pthread_mutex_t lock;
	struct cached slots[CACHE_SLOTS];
} cache = { .lock = PTHREAD_MUTEX_INITIALIZER };

static struct cached *cache_slot(const struct stat *st)
{
	uint64_t h = ((uint64_t)st->st_ino ^ (uint64_t)st->st_dev << 40) * UINT64_C(0x9e3779b97f4a7c15);

	return &cache.slots[(h >> 40) % CACHE_SLOTS];
}

static bool is_cacheable(const struct stat *st)
{
	struct timespec now;

	if (st->st_ctim.tv_sec == 0)
		return false;
	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	return st->st_ctim.tv_sec < now.tv_sec - CACHE_MIN_AGE_S;
}

static bool cache_get(const struct stat *st, struct owner *ret)
{
	const struct cached *c = cache_slot(st);
	bool found;

	pthread_mutex_lock(&cache.lock);
	found = c->ino == st->st_ino && c->dev == st->st_dev && c->ctime.tv_sec == st->st_ctim.tv_sec &&
		c->ctime.tv_nsec == st->st_ctim.tv_nsec;
	if (found)
		*ret = c->owner;
	pthread_mutex_unlock(&cache.lock);
	return found;
}

static void cache_put(const struct stat *st, const struct owner *owner)
{
	pthread_mutex_lock(&cache.lock);
	*cache_slot(st) = (struct cached){ st->st_dev, st->st_ino, st->st_ctim, *owner };
	pthread_mutex_unlock(&cache.lock);
}

static void cache_forget(const struct stat *st)
{
	pthread_mutex_lock(&cache.lock);
	cache_slot(st)->ino = 0;
	pthread_mutex_unlock(&cache.lock);
}

static atomic_bool any_stand_in;

static void note_stand_in(const struct owner *o)
{
	if (o->type != 0)
		atomic_store_explicit(&any_stand_in, true, memory_order_relaxed);
}

bool file_any_stand_in(void)
{
	return atomic_load_explicit(&any_stand_in, memory_order_relaxed);
}

void file_get_owner(const char *path, bool follow, const struct stat *st, struct owner *ret)
{
	bool may_cache = (S_ISREG(st->st_mode) || S_ISDIR(st->st_mode)) && is_cacheable(st);
	const char *name = owner_attr_name(st->st_mode);
	uint8_t value[OWNER_VALUE_MAX];
	ssize_t n;

	if (may_cache && cache_get(st, ret))
		return;
	keep_default_owner(st, ret);
	n = follow ? getxattr(path, name, value, sizeof(value)) : lgetxattr(path, name, value, sizeof(value));
	if (n >= 0 && owner_decode(st->st_mode, value, (size_t)n, ret) < 0)
		n = -1;
	note_stand_in(ret);
	if (n < 0 && side_get(st, ret))
		return;
	if (may_cache)
		cache_put(st, ret);
}

int file_has_attributes(const char *path, bool follow)
{
	char list[1]; /* of length 0 it would mean a question for the length */
	ssize_t n = follow ? listxattr(path, list, sizeof(list)) : llistxattr(path, list, sizeof(list));

	return n < 0 ? -errno : (int)n;
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
static int write_attr(const char *path, bool follow, const struct stat *st, const struct owner *owner)
{
	mode_t mode = st->st_mode;
	struct owner absent;
	const char *name = owner_attr_name(mode);
	uint8_t value[OWNER_VALUE_MAX];
	int len, r;

	keep_default_owner(st, &absent);
	if (owner->type == 0 && owner->uid == absent.uid && owner->gid == absent.gid) {
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

	note_stand_in(owner);
	place_fd_path(fd, path);
	r = write_attr(path, true, &file->st, owner);
	if (r == -EOPNOTSUPP) {
		side_put(&file->st, owner);
		r = 0;
	}
	cache_forget(&file->st);
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

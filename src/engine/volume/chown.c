/* The mode U of a mount: its files are given to the container's user. */
#include "engine/volume/chown.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "codec/owner.h"
#include "sys/userns.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { DEPTH_MAX = 1024, FD_PATH_MAX = 32 };

struct chown_job {
	const char *path;
	uint32_t uid, gid;
	bool single;
	dev_t dev;
};

/* Whole parts of the machine are never what was meant. */
static bool is_protected(const char *path)
{
	static const char *const paths[] = { "/",     "/bin",  "/boot", "/dev",	 "/etc", "/home", "/lib", "/lib64",
					     "/proc", "/root", "/run",	"/sbin", "/sys", "/tmp",  "/usr", "/var" };

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		if (strcmp(paths[i], path) == 0)
			return true;
	return false;
}

/* Where one id is mapped the owner is what the attribute says: codec/owner.h. */
static int set_attribute(const struct chown_job *job, int fd, const struct stat *st, struct err *err)
{
	struct owner owner = { .uid = job->uid, .gid = job->gid };
	const char *name = owner_attr_name(st->st_mode);
	uint8_t value[OWNER_VALUE_MAX];
	char path[FD_PATH_MAX];
	int len, r;

	/* A link can't be reached by a path through its descriptor, and nobody asks for its owner. */
	if (S_ISLNK(st->st_mode))
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (owner_is_default(&owner)) {
		r = removexattr(path, name) < 0 && errno != ENODATA ? -errno : 0;
	} else {
		len = owner_encode(&owner, st->st_mode, value);
		r = len < 0 ? len : setxattr(path, name, value, (size_t)len, 0) < 0 ? -errno : 0;
	}
	return r < 0 ? err_errno(err, -r, "set the owner") : 0;
}

static int change_one(const struct chown_job *job, int fd, const struct stat *st, struct err *err)
{
	if (job->single)
		return set_attribute(job, fd, st, err);
	if (st->st_uid == job->uid && st->st_gid == job->gid)
		return 0;
	return fchownat(fd, "", job->uid, job->gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0
		       ? err_errno(err, errno, "set the owner")
		       : 0;
}

static int change_below(const struct chown_job *job, int parent, int depth, struct err *err);

static int change_entry(const struct chown_job *job, int dir, const char *name, int depth, struct err *err)
{
	autoclose int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, errno, "open '%s'", name);
	if (st.st_dev != job->dev)
		return 0;
	r = change_one(job, fd, &st, err);
	if (r >= 0 && S_ISDIR(st.st_mode))
		r = change_below(job, fd, depth + 1, err);
	return r < 0 ? err_wrap(err, "'%s'", name) : 0;
}

static int change_below(const struct chown_job *job, int parent, int depth, struct err *err)
{
	int fd = openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	autoclosedir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *d;

	if (!dir)
		return err_errno(err, errno, "read the folder");
	if (depth > DEPTH_MAX)
		return err_set(err, ELOOP, "more than %d folders deep", DEPTH_MAX);
	while (r >= 0 && (d = readdir(dir)))
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			r = change_entry(job, fd, d->d_name, depth, err);
	return r;
}

static int change_all(void *arg, struct err *err)
{
	struct chown_job *job = arg;
	autoclose int fd = open(job->path, O_PATH | O_CLOEXEC);
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, errno, "open");
	job->dev = st.st_dev;
	r = change_one(job, fd, &st, err);
	return r < 0 || !S_ISDIR(st.st_mode) ? r : change_below(job, fd, 0, err);
}

int volume_chown(const struct idmap *ids, const char *path, uint32_t uid, uint32_t gid, struct err *err)
{
	struct chown_job job = { .path = path, .uid = uid, .gid = gid, .single = ids->mode == ID_MODE_SINGLE };
	int r;

	if (is_protected(path))
		return err_set(err, EPERM, "U: '%s' is a part of the machine, and won't be given to anyone", path);
	r = userns_run(ids->mode == ID_MODE_ROOT ? NULL : ids, 0, change_all, &job, err);
	if (r == -EPERM)
		err_hint(err, "only files that are ours can be given away");
	return r < 0 ? err_wrap(err, "U: give '%s' to %u:%u", path, uid, gid) : 0;
}

/*
 * Work in progress and what is to be deleted.
 *
 * A folder in tmp/ is locked by flock on itself. The kernel lets go when its process ends, however it
 * ends; so a lock that can be had means that nobody is at work there. Between making the folder and
 * locking it a sweeper may come: the maker then finds its folder gone or locked, and makes another.
 */
#include "store/store.h"

#include "base/str.h"
#include "store/gc.h"
#include "sys/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TMP_TRIES = 16 };

static int random_name(const char *folder, char dst[static 40], struct err *err)
{
	uint64_t r[2];

	if (getrandom(r, sizeof(r), 0) != sizeof(r))
		return err_errno(err, errno, "read random numbers");
	snprintf(dst, 40, "%s/%016llx%08x", folder, (unsigned long long)r[0], (unsigned)r[1]);
	return 0;
}

/* Whether FD, which we have locked, is still what PATH leads to. */
static bool still_there(int root_fd, const char *path, int fd)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && fstatat(root_fd, path, &b, AT_SYMLINK_NOFOLLOW) == 0 && a.st_ino == b.st_ino &&
	       a.st_dev == b.st_dev;
}

int store_tmp_open(struct store *s, struct store_tmp *ret, struct err *err)
{
	struct store_tmp tmp = { .store = s, .dir_fd = -1 };

	for (int i = 0; i < TMP_TRIES; i++) {
		autoclose int fd = -1;
		int r = random_name("tmp", tmp.name, err);

		if (r < 0)
			return r;
		if (mkdirat(s->root_fd, tmp.name, 0700) < 0)
			return err_errno(err, errno, "make folder '%s/%s'", s->root, tmp.name);
		fd = openat(s->root_fd, tmp.name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0 && errno != ENOENT)
			return err_errno(err, errno, "open folder '%s/%s'", s->root, tmp.name);
		if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 || !still_there(s->root_fd, tmp.name, fd))
			continue;
		tmp.dir_fd = TAKE_FD(fd);
		*ret = tmp;
		return 0;
	}
	return err_set(err, EAGAIN, "make a folder in '%s/tmp': others keep removing it", s->root);
}

void store_tmp_done(struct store_tmp *tmp)
{
	if (tmp->dir_fd < 0)
		return;
	/* Nearly always empty by now; what a failure left goes to the trash, whose deletion knows about mapped ids. */
	if (unlinkat(tmp->store->root_fd, tmp->name, AT_REMOVEDIR) < 0 && store_trash(tmp->store, tmp->name, NULL) >= 0)
		store_sweep(tmp->store, NULL, NULL);
	close(tmp->dir_fd);
	tmp->dir_fd = -1;
}

int store_trash(struct store *s, const char *path, struct err *err)
{
	char name[40];
	int r = random_name("trash", name, err);

	if (r < 0)
		return r;
	if (renameat(s->root_fd, path, s->root_fd, name) == 0 || errno == ENOENT)
		return 0;
	return err_errno(err, errno, "move '%s/%s' to the trash", s->root, path);
}

/* --- sweeping --- */

struct sweep {
	struct store *store;
	store_remove_fn remove;
	void *arg;
};

static void sweep_trash(const struct sweep *sweep, int dir_fd, const char *name)
{
	if (sweep->remove)
		sweep->remove(sweep->arg, dir_fd, name, NULL);
	else
		fs_remove_tree(dir_fd, name, NULL);
}

/* A folder of tmp/: ours to remove if nobody holds it. It goes by way of the trash, so that it is gone at once. */
static void sweep_tmp(const struct sweep *sweep, int dir_fd, const char *name)
{
	autoclose int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	autofree char *path = str_format("tmp/%s", name);

	if (!path || (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0))
		return;
	/* Whoever was killed here may have added blobs and layers too, and not come to naming them. */
	gc_leave_word(sweep->store);
	store_trash(sweep->store, path, NULL);
}

static void for_each(const struct sweep *sweep, const char *folder,
		     void (*fn)(const struct sweep *, int dir_fd, const char *name))
{
	int fd = openat(sweep->store->root_fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoclosedir DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *d;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((d = readdir(dir)))
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			fn(sweep, dirfd(dir), d->d_name);
}

void store_sweep(struct store *s, store_remove_fn remove, void *arg)
{
	struct sweep sweep = { s, remove, arg };

	for_each(&sweep, "tmp", sweep_tmp);
	for_each(&sweep, "trash", sweep_trash);
}

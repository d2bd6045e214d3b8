#include "engine/layered.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "layer/whiteout.h"
#include "sys/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

/* The folders of the layers that make up one folder of the image, topmost first. */
struct merged_dir {
	int fds[LAYERED_MAX];
	size_t len;
	bool owned; /* false: the layers' own roots */
};

static void merged_dir_done(struct merged_dir *d)
{
	for (size_t i = 0; d->owned && i < d->len; i++)
		close(d->fds[i]);
	d->len = 0;
}

static bool is_opaque(int fd)
{
	char value;

	return fgetxattr(fd, "user.overlay.opaque", &value, 1) == 1 && value == 'y';
}

/*
 * Looks NAME up in DIR. A folder: fills in RET_DIR, returns 1. Else ST and *RET_AT (borrowed: the layer's
 * folder that it is in) are set, returns 0. -ENOENT.
 */
static int lookup(const struct merged_dir *dir, const char *name, struct merged_dir *ret_dir, struct stat *st,
		  int *ret_at)
{
	ret_dir->len = 0;
	ret_dir->owned = true;
	for (size_t i = 0; i < dir->len; i++) {
		struct stat found;
		int fd;

		if (fstatat(dir->fds[i], name, &found, AT_SYMLINK_NOFOLLOW) < 0) {
			if (errno == ENOENT)
				continue;
			return -errno;
		}
		if (!S_ISDIR(found.st_mode)) {
			if (ret_dir->len || whiteout_is(&found))
				break;
			*st = found;
			*ret_at = dir->fds[i];
			return 0;
		}
		fd = openat(dir->fds[i], name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			return -errno;
		ret_dir->fds[ret_dir->len++] = fd;
		if (is_opaque(fd))
			break;
	}
	return ret_dir->len ? 1 : -ENOENT;
}

static int open_regular(int at, const char *name, const struct stat *st)
{
	int fd;

	if (!S_ISREG(st->st_mode))
		return -EINVAL;
	fd = openat(at, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	/* A file of a lazy layer, which is on its way. */
	if (fd < 0 && errno == EWOULDBLOCK)
		fd = openat(at, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* The path that goes on where the link NAME in folder AT (DONE in the image) points, followed by REST. */
static char *follow(int at, const char *name, const char *done, const char *rest)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(at, name, target, sizeof(target) - 1);
	autofree char *base = NULL, *joined = NULL;

	if (n < 0)
		return NULL;
	target[n] = '\0';
	base = path_resolve(done, target);
	joined = base ? str_format("%s/%s", base, rest) : NULL;
	return joined ? path_clean(joined) : NULL;
}

/* The folder or other thing at PATH, whose links aren't followed. 1: DIR is the folder; 0: ST is what else is there. */
static int find(const struct layered *l, const char *path, struct merged_dir *dir, struct stat *st)
{
	autofree char *words = path_clean(path);
	char *rest, *name;

	if (!words)
		return -ENOMEM;
	*dir = (struct merged_dir){ .len = l->len };
	memcpy(dir->fds, l->fds, l->len * sizeof(int));
	rest = words + 1;
	while (rest && *rest && (name = strsep(&rest, "/"))) {
		struct merged_dir next;
		int at, r = lookup(dir, name, &next, st, &at);

		merged_dir_done(dir);
		*dir = next;
		if (r < 0)
			return r;
		if (r == 0)
			return rest ? -ENOTDIR : 0;
	}
	return dir->len ? 1 : -ENOENT;
}

int layered_stat(const struct layered *l, const char *path, struct stat *ret)
{
	CLEANUP(merged_dir_done) struct merged_dir dir = { 0 };
	int r = find(l, path, &dir, ret);

	if (r == 1 && fstat(dir.fds[0], ret) < 0)
		return -errno;
	return r < 0 ? r : 0;
}

int layered_open_folder(const struct layered *l, const char *path)
{
	CLEANUP(merged_dir_done) struct merged_dir dir = { 0 };
	struct stat st;
	int fd, r = find(l, path, &dir, &st);

	if (r <= 0)
		return r < 0 ? r : -ENOTDIR;
	fd = openat(dir.fds[0], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int add_names(const struct merged_dir *dir, size_t layer, struct strv *ret, struct strv *gone)
{
	int copy = openat(dir->fds[layer], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoclosedir DIR *d = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *e;

	if (!d)
		return -errno;
	while ((e = readdir(d))) {
		struct stat st;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 || strv_contains(ret, e->d_name) ||
		    strv_contains(gone, e->d_name))
			continue;
		if (fstatat(dir->fds[layer], e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return -errno;
		if (strv_add(whiteout_is(&st) ? gone : ret, e->d_name) < 0)
			return -ENOMEM;
	}
	return 0;
}

int layered_list(const struct layered *l, const char *path, struct strv *ret, struct err *err)
{
	CLEANUP(merged_dir_done) struct merged_dir dir = { 0 };
	autostrv struct strv gone = { 0 };
	struct stat st;
	int r = find(l, path, &dir, &st);

	if (r == 0)
		r = -ENOTDIR;
	for (size_t i = 0; r >= 0 && i < dir.len; i++)
		r = add_names(&dir, i, ret, &gone);
	return r < 0 ? err_errno(err, -r, "image's '%s'", path) : 0;
}

/*
 * Walks PATH, which is clean. Returns the descriptor of the file; or sets *RET_NEXT to the path with which
 * to begin again behind a symbolic link, and returns -EAGAIN.
 */
static int walk(const struct layered *l, const char *path, char **ret_next)
{
	CLEANUP(merged_dir_done) struct merged_dir dir = { .len = l->len };
	autofree char *words = strdup(path + 1);
	char *rest = words, *name;

	if (!words)
		return -ENOMEM;
	if (l->len) /* NULL is allowed for no layers, but not to memcpy */
		memcpy(dir.fds, l->fds, l->len * sizeof(int));
	while ((name = strsep(&rest, "/"))) {
		struct merged_dir next;
		struct stat st;
		int at = -1, r = lookup(&dir, name, &next, &st, &at);

		if (r == 1) {
			merged_dir_done(&dir);
			dir = next;
			continue;
		}
		merged_dir_done(&next);
		if (r < 0)
			return r;
		if (S_ISLNK(st.st_mode)) {
			autofree char *done = strndup(path, (size_t)(name - words) + 1);

			*ret_next = done ? follow(at, name, done, rest ? rest : "") : NULL;
			return *ret_next ? -EAGAIN : -ENOMEM;
		}
		return rest ? -ENOTDIR : open_regular(at, name, &st);
	}
	return -EISDIR;
}

int layered_open(const struct layered *l, const char *path, char **ret_path, struct err *err)
{
	autofree char *now = path_clean(path);
	int fd = -ELOOP;

	if (l->len > LAYERED_MAX)
		return err_set(err, E2BIG, "more than %d layers", LAYERED_MAX);
	for (int links = 0; now && links < LAYERED_LINKS_MAX; links++) {
		char *next = NULL;

		fd = walk(l, now, &next);
		if (fd != -EAGAIN)
			break;
		free(now);
		now = next;
		fd = -ELOOP;
	}
	if (!now)
		return err_oom(err);
	if (fd < 0)
		return err_errno(err, -fd, "image's '%s'", path);
	if (ret_path)
		*ret_path = TAKE_PTR(now);
	return fd;
}

int layered_read_file(const struct layered *l, const char *path, size_t max, struct buf *buf, struct err *err)
{
	autoclose int fd = layered_open(l, path, NULL, err);
	int r;

	if (fd < 0)
		return fd;
	r = fs_read_fd(fd, max, buf, err);
	return r < 0 ? err_wrap(err, "image's '%s'", path) : 0;
}

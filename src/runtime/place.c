#include "base/cleanup.h"
#include "runtime/start.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINKS_MAX = 16 };

/* Takes the last component off DST; "" is the root. */
static void drop_last(char *dst)
{
	char *slash = strrchr(dst, '/');

	*(slash ? slash : dst) = '\0';
}

/*
 * FOLDER/TARGET, or TARGET if it is absolute, lexically clean and absolute. What ".." means behind a symbolic link is
 * settled when the result is looked up inside the root; here it only decides which folders are made.
 */
static int join_clean(char dst[static PATH_MAX], const char *folder, const char *target)
{
	size_t len = target[0] == '/' ? 0 : strlen(folder);

	memcpy(dst, folder, len);
	dst[len] = '\0';
	while (*target) {
		size_t part = strcspn(target, "/");

		if (part == 2 && target[0] == '.' && target[1] == '.') {
			drop_last(dst);
		} else if (part > 0 && !(part == 1 && target[0] == '.')) {
			len = strlen(dst);
			if (len + 1 + part >= PATH_MAX)
				return -ENAMETOOLONG;
			dst[len] = '/';
			memcpy(dst + len + 1, target, part);
			dst[len + 1 + part] = '\0';
		}
		target += part + (target[part] == '/');
	}
	return 0;
}

static int make(int root_fd, const char *path, bool folder, int links);

/* NAME in PARENT_FD (whose path is PARENT) is a symbolic link to what isn't there: makes that. */
static int make_target(int root_fd, int parent_fd, const char *parent, const char *name, bool folder, int links)
{
	char target[PATH_MAX], path[PATH_MAX];
	ssize_t n = readlinkat(parent_fd, name, target, sizeof(target) - 1);
	int r;

	if (n < 0)
		return -EEXIST;
	target[n] = '\0';
	r = join_clean(path, parent, target);
	return r < 0 ? r : make(root_fd, path, folder, links + 1);
}

/*
 * Makes what is missing of PATH (clean, absolute; "" is the root), each part looked up inside the root anew. An image may
 * have a link where something is to be mounted (/etc/resolv.conf often is one): then it is made where that points, inside.
 */
static int make(int root_fd, const char *path, bool folder, int links)
{
	int fd = fs_open_in_root(root_fd, path[0] ? path : "/", O_PATH, 0, NULL), r;
	char parent[PATH_MAX];
	const char *name = strrchr(path, '/');
	autoclose int parent_fd = -1;

	if (fd >= 0)
		close(fd);
	if (fd != -ENOENT)
		return fd < 0 ? fd : 0;
	if (links > LINKS_MAX)
		return -ELOOP;
	if (!name || strlen(path) >= sizeof(parent))
		return -ENAMETOOLONG;
	snprintf(parent, sizeof(parent), "%.*s", (int)(name - path), path);
	name++;
	r = make(root_fd, parent, true, links);
	if (r < 0)
		return r;
	parent_fd = fs_open_in_root(root_fd, parent[0] ? parent : "/", O_PATH | O_DIRECTORY, 0, NULL);
	if (parent_fd < 0)
		return parent_fd;
	r = folder ? mkdirat(parent_fd, name, 0755) : mknodat(parent_fd, name, S_IFREG | 0644, 0);
	if (r < 0 && errno == EEXIST)
		return make_target(root_fd, parent_fd, parent, name, folder, links);
	return r < 0 ? -errno : 0;
}

int place_make(struct start *st, const char *path, bool folder)
{
	int fd = fs_open_in_root(st->root_fd, path, O_PATH, 0, NULL), r;

	if (fd != -ENOENT)
		return fd;
	r = make(st->root_fd, path, folder, 0);
	return r < 0 ? r : fs_open_in_root(st->root_fd, path, O_PATH, 0, NULL);
}

int place_clone_device(int dir, const char *path, int flags)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC };
	autoclose int tree = open_tree(dir, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (unsigned)flags);

	if (tree < 0 || mount_setattr(tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		return -errno;
	return TAKE_FD(tree);
}

int place_attach(int tree, int place)
{
	if (move_mount(tree, "", place, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return -errno;
	return 0;
}

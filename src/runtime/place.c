#include "base/cleanup.h"
#include "runtime/start.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

/* Makes what is missing of the folder PATH (clean, absolute), each part looked up inside the root anew. */
static int make_folders(int root_fd, const char *path)
{
	char part[PATH_MAX];
	size_t len = strlen(path);

	if (len >= sizeof(part))
		return -ENAMETOOLONG;
	for (size_t end = 1; end <= len; end++) {
		autoclose int parent = -1;
		int fd;
		char *slash;

		if (path[end] != '/' && path[end] != '\0')
			continue;
		memcpy(part, path, end);
		part[end] = '\0';
		fd = fs_open_in_root(root_fd, part, O_PATH, 0, NULL);
		if (fd >= 0) {
			close(fd);
			continue;
		}
		if (fd != -ENOENT)
			return fd;
		slash = strrchr(part, '/');
		*slash = '\0';
		parent = fs_open_in_root(root_fd, part[0] ? part : "/", O_PATH | O_DIRECTORY, 0, NULL);
		if (parent < 0)
			return parent;
		if (mkdirat(parent, slash + 1, 0755) < 0 && errno != EEXIST)
			return -errno;
	}
	return 0;
}

static int make_file(int root_fd, const char *path)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/');
	autoclose int parent = -1;
	int r;

	snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
	r = folder[0] ? make_folders(root_fd, folder) : 0;
	if (r < 0)
		return r;
	parent = fs_open_in_root(root_fd, folder[0] ? folder : "/", O_PATH | O_DIRECTORY, 0, NULL);
	if (parent < 0)
		return parent;
	return mknodat(parent, slash + 1, S_IFREG | 0644, 0) < 0 && errno != EEXIST ? -errno : 0;
}

int place_make(struct start *st, const char *path, bool folder)
{
	int fd = fs_open_in_root(st->root_fd, path, O_PATH, 0, NULL), r;

	if (fd >= 0 || fd != -ENOENT)
		return fd;
	r = folder ? make_folders(st->root_fd, path) : make_file(st->root_fd, path);
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

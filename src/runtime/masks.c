/* Paths that the container may see but not read, or read but not write. */
#include "base/cleanup.h"
#include "runtime/start.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/* An empty folder over a folder, /dev/null over anything else; what isn't there needs nothing. */
static int mask(struct start *st, const char *path, int null)
{
	autoclose int place = fs_open_in_root(st->root_fd, path, O_PATH, 0, NULL), tree = -1;
	struct stat what;
	int r;

	if (place == -ENOENT || place == -ENOTDIR)
		return 0;
	if (place < 0 || fstat(place, &what) < 0)
		return start_fail(st, place < 0 ? -place : errno, "find the path to mask", path);
	if (S_ISDIR(what.st_mode)) {
		r = fchdir(place) < 0 || mount("tmpfs", ".", "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
					       "size=4k,mode=555") < 0
			    ? -errno
			    : 0;
	} else {
		tree = place_clone_device(null, "", AT_EMPTY_PATH);
		r = tree < 0 ? tree : place_attach(tree, place);
	}
	start_note(st, r, "mask", path, "what it says about the machine is out of sight",
		   S_ISDIR(what.st_mode) ? "mount(\"tmpfs\", \"%s\", \"tmpfs\", MS_RDONLY)"
					 : "open_tree(\"/dev/null\", OPEN_TREE_CLONE); move_mount(tree, \"%s\")",
		   path);
	return r < 0 ? start_fail(st, -r, "mask", path) : 0;
}

static int make_read_only(struct start *st, const char *path)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
	autoclose int place = fs_open_in_root(st->root_fd, path, O_PATH, 0, NULL), tree = -1;
	int r = 0;

	if (place == -ENOENT || place == -ENOTDIR)
		return 0;
	if (place < 0)
		return start_fail(st, -place, "find the path to make read-only", path);
	tree = open_tree(place, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);
	if (tree < 0 || mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr)) < 0)
		r = -errno;
	if (r == 0)
		r = place_attach(tree, place);
	start_note(st, r, "make read-only", path, "settings of the kernel can be read, not changed",
		   "open_tree(\"%s\", OPEN_TREE_CLONE); mount_setattr(tree, MOUNT_ATTR_RDONLY); move_mount()", path);
	return r < 0 ? start_fail(st, -r, "make read-only", path) : 0;
}

int start_hide_paths(struct start *st)
{
	const struct strv *masked = &st->spec->linux_.masked_paths, *read_only = &st->spec->linux_.readonly_paths;
	autoclose int null = -1;
	int r = 0;

	if (masked->len > 0) {
		null = open("/dev/null", O_PATH | O_CLOEXEC);
		if (null < 0)
			return start_fail(st, errno, "open", "/dev/null");
	}
	for (size_t i = 0; i < read_only->len && r == 0; i++)
		r = make_read_only(st, read_only->items[i]);
	for (size_t i = 0; i < masked->len && r == 0; i++)
		r = mask(st, masked->items[i], null);
	return r;
}

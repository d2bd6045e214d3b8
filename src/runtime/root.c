/* The container's root: an overlay, or a folder as it is; and going into it for good. */
#include "base/cleanup.h"
#include "runtime/start.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

static int config_string(int fs, const char *key, const char *value)
{
	return fsconfig(fs, FSCONFIG_SET_STRING, key, value, 0) < 0 ? -errno : 0;
}

/* One "lowerdir+" a layer (since 6.7), so that no list of them can be too long or need escapes. */
static int configure_overlay(int fs, const struct runtime_overlay *o)
{
	int r = 0;

	for (size_t i = 0; i < o->lowers_len && r == 0; i++)
		r = config_string(fs, "lowerdir+", o->lowers[i]);
	if (r == 0 && o->upper)
		r = config_string(fs, "upperdir", o->upper);
	if (r == 0 && o->upper)
		r = config_string(fs, "workdir", o->work);
	if (r == 0 && fsconfig(fs, FSCONFIG_SET_FLAG, "userxattr", NULL, 0) < 0)
		r = -errno;
	if (r == 0 && o->upper && o->is_volatile && fsconfig(fs, FSCONFIG_SET_FLAG, "volatile", NULL, 0) < 0)
		r = -errno;
	if (r == 0 && fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		r = -errno;
	return r;
}

/* The kernel's last word on FS, if it has one: "e overlay: …". */
static void read_detail(int fs, char *dst, size_t size)
{
	char text[160];
	ssize_t n = read(fs, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	snprintf(dst, size, "%s", n > 2 ? text + 2 : "");
}

/* The overlay as a detached mount; -EOPNOTSUPP or -EINVAL if this kernel lacks the way to say it. */
static int make_overlay_new(struct start *st, const struct runtime_overlay *o)
{
	autoclose int fs = fsopen("overlay", FSOPEN_CLOEXEC);
	int r, tree;

	if (fs < 0)
		return -errno;
	r = configure_overlay(fs, o);
	if (r < 0)
		read_detail(fs, st->failed_detail, sizeof(st->failed_detail));
	if (r < 0)
		return r;
	tree = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	return tree < 0 ? -errno : tree;
}

/* Appends ",KEY=PATH…" with overlay's escapes; false if it does not fit. */
static bool add_option(char *dst, size_t size, size_t *at, const char *before, const char *path)
{
	size_t n = strlen(before);

	if (*at + n >= size)
		return false;
	memcpy(dst + *at, before, n);
	*at += n;
	for (; *path; path++) {
		if (*at + 3 >= size)
			return false;
		if (strchr(":,\\", *path))
			dst[(*at)++] = '\\';
		dst[(*at)++] = *path;
	}
	dst[*at] = '\0';
	return true;
}

/* By mount(2), for kernels before 6.7: all in one page of options. Mounted on ".". */
static int mount_overlay_old(const struct runtime_overlay *o)
{
	char data[4096];
	size_t at = 0;
	bool fits = add_option(data, sizeof(data), &at, "userxattr,lowerdir=", o->lowers[0]);

	for (size_t i = 1; i < o->lowers_len; i++)
		fits = fits && add_option(data, sizeof(data), &at, ":", o->lowers[i]);
	if (o->upper)
		fits = fits && add_option(data, sizeof(data), &at, ",upperdir=", o->upper) &&
		       add_option(data, sizeof(data), &at, ",workdir=", o->work);
	if (o->upper && o->is_volatile)
		fits = fits && add_option(data, sizeof(data), &at, ",volatile", "");
	if (!fits)
		return -E2BIG;
	return mount("overlay", ".", "overlay", 0, data) < 0 ? -errno : 0;
}

int start_make_overlay(struct start *st, const struct runtime_overlay *o, int place)
{
	autoclose int tree = make_overlay_new(st, o);
	int r = tree < 0 ? tree : place_attach(tree, place);

	if (r != -EINVAL && r != -ENOSYS && r != -EOPNOTSUPP)
		return r;
	return fchdir(place) < 0 ? -errno : mount_overlay_old(o);
}

static int open_root(struct start *st)
{
	int fd = open(st->root, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? start_fail(st, errno, "open the root folder", st->root) : fd;
}

static int mount_overlay(struct start *st)
{
	const struct runtime_overlay *o = st->overlay;
	autoclose int place = open_root(st), tree = -1;
	int r;

	if (place < 0)
		return place;
	r = start_make_overlay(st, o, place);
	if (r == 0 && (tree = open(st->root, O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0)
		r = -errno;
	start_note(st, r, "mount overlay", st->root,
		   "the image's layers, read-only, with one folder for what is written",
		   "fsconfig(fs, FSCONFIG_SET_STRING, \"lowerdir+\", \"%s\") and %zu more; move_mount()", o->lowers[0],
		   o->lowers_len - 1);
	if (r < 0)
		return start_fail(st, -r, "mount the overlay", st->root);
	st->root_fd = TAKE_FD(tree);
	return 0;
}

static int clone_root(int place)
{
	int tree = open_tree(place, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);

	return tree < 0 ? -errno : tree;
}

/*
 * What is to go on hearing of the machine's mounts is copied while it is still a peer of theirs. As a slave, at once,
 * so that nothing that is mounted on it is seen outside. Sets *RET to -1 where that isn't asked.
 */
static int clone_root_as_slave(struct start *st, int *ret)
{
	struct mount_attr attr = { .propagation = MS_SLAVE };
	autoclose int place = -1, tree = -1;

	*ret = -1;
	if (!(st->root_propagation & MS_SLAVE) || st->options->overlay)
		return 0;
	place = open_root(st);
	if (place < 0)
		return place;
	tree = clone_root(place);
	if (tree < 0 || mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr)) < 0)
		return start_fail(st, tree < 0 ? -tree : errno, "make the root folder a slave", st->root);
	*ret = TAKE_FD(tree);
	return 0;
}

/* The folder bound onto itself, since pivot_root wants a mount. */
static int bind_root(struct start *st, int early)
{
	autoclose int place = open_root(st), tree = -1;
	int r;

	if (place < 0)
		return place;
	tree = early >= 0 ? early : clone_root(place);
	r = tree < 0 ? tree : place_attach(tree, place);
	start_note(st, r, "bind the root", st->root, "", "open_tree(\"%s\", OPEN_TREE_CLONE); move_mount()", st->root);
	if (r < 0)
		return start_fail(st, -r, "bind the root folder", st->root);
	st->root_fd = TAKE_FD(tree);
	return 0;
}

/* Opened by the process itself: of one that hides, its caller could not. */
static int show_mounts(struct start *st)
{
	autoclose int fd = -1;

	if (st->clone_flags & CLONE_NEWPID)
		return 0;
	fd = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || start_send(st, START_MOUNTS, fd) < 0)
		return start_fail(st, errno, "open its mount namespace", NULL);
	return 0;
}

int start_mount_root(struct start *st)
{
	int root = -1, r = clone_root_as_slave(st, &root);

	if (r == 0)
		r = start_take_shared(st);
	if (r < 0)
		return r;
	/* Nothing that is mounted from here on is seen outside, and nothing new from outside here. */
	r = mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ? -errno : 0;

	start_note(st, r, "make mounts private", "/", "what is mounted here is not seen outside",
		   "mount(NULL, \"/\", NULL, MS_REC | MS_PRIVATE, NULL)");
	if (r < 0)
		return start_fail(st, -r, "make the mounts private", "/");
	r = show_mounts(st);
	if (r < 0)
		return r;
	return st->overlay ? mount_overlay(st) : bind_root(st, root);
}

int start_pivot(struct start *st)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };

	if (st->spec->root_readonly && mount_setattr(st->root_fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		return start_fail(st, errno, "make the root read-only", st->root);
	if (st->spec->root_readonly)
		start_note(st, 0, "make the root read-only", "/", "nothing outside volumes can be written",
			   "mount_setattr(root, \"\", AT_EMPTY_PATH, {MOUNT_ATTR_RDONLY})");
	if (fchdir(st->root_fd) < 0)
		return start_fail(st, errno, "enter", st->root);
	/* Both on ".": the old root then lies over the new one, and the unmount takes it away. pivot_root(2) has this. */
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		return start_fail(st, errno, "pivot_root", st->root);
	if (umount2(".", MNT_DETACH) < 0)
		return start_fail(st, errno, "unmount the old root", "/");
	if (chdir("/") < 0)
		return start_fail(st, errno, "enter", "/");
	if (st->root_propagation && mount(NULL, "/", NULL, (unsigned long)st->root_propagation, NULL) < 0)
		return start_fail(st, errno, "set linux.rootfsPropagation", "/");
	start_note(st, 0, "pivot_root", "/", "the machine's files are gone from sight",
		   "pivot_root(\".\", \".\"); umount2(\".\", MNT_DETACH)");
	return 0;
}

/*
 * /dev: six devices that every program may expect, those of the spec, and the links. Only root outside any user
 * namespace may make device nodes, so each is the machine's own node, bound onto an empty file.
 */
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/str.h"
#include "runtime/start.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

const char *const runtime_devices[] = { "null", "zero", "full", "random", "urandom", "tty", NULL };

static int bind_device(struct start *st, const char *outside, const char *inside)
{
	autoclose int tree = place_clone_device(AT_FDCWD, outside, 0), place = -1;
	int r = tree < 0 ? tree : 0;

	if (r == 0) {
		place = place_make(st, inside, false);
		r = place < 0 ? place : place_attach(tree, place);
	}
	start_note(st, r, "bind device", inside, "", "open_tree(\"%s\", OPEN_TREE_CLONE); move_mount(tree, \"%s\")",
		   outside, inside);
	return r < 0 ? start_fail(st, -r, "bind the device", inside) : 0;
}

/* The ordinary six need no lookup of each place: they stand in our own fresh /dev, DEV. */
static int bind_standard(struct start *st, int dev, const char *name)
{
	char outside[32];
	autoclose int tree = -1;
	int r = 0;

	snprintf(outside, sizeof(outside), "/dev/%s", name);
	tree = place_clone_device(AT_FDCWD, outside, 0);
	if (tree < 0)
		r = tree;
	else if ((mknodat(dev, name, S_IFREG | 0666, 0) < 0 && errno != EEXIST) ||
		 move_mount(tree, "", dev, name, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		r = -errno;
	start_note(st, r, "bind device", outside, "", "open_tree(\"%s\", OPEN_TREE_CLONE); move_mount()", outside);
	return r < 0 ? start_fail(st, -r, "bind the device", outside) : 0;
}

static int make_links(struct start *st, int dev)
{
	static const char *const links[][2] = {
		{ "fd", "/proc/self/fd" },	 { "stdin", "/proc/self/fd/0" }, { "stdout", "/proc/self/fd/1" },
		{ "stderr", "/proc/self/fd/2" }, { "core", "/proc/kcore" },	 { "ptmx", "pts/ptmx" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		if (symlinkat(links[i][1], dev, links[i][0]) < 0 && errno != EEXIST)
			return start_fail(st, errno, "make the link in /dev", links[i][0]);
	start_note(st, 0, "make links", "/dev", "/dev/stdin, /dev/fd and the like",
		   "symlink(\"/proc/self/fd\", \"/dev/fd\") and %zu more", ARRAY_SIZE(links) - 1);
	return 0;
}

/* --- prepared by the caller --- */

static bool is_device(const char *path, const struct oci_device *d)
{
	mode_t type = d->type[0] == 'b' ? S_IFBLK : S_IFCHR;
	struct stat s;

	return stat(path, &s) == 0 && (s.st_mode & S_IFMT) == type &&
	       s.st_rdev == makedev((unsigned)d->major, (unsigned)d->minor);
}

/* The machine's node for D: what has its path here, or the name that the kernel gave to its number. */
static int find_device(const struct oci_device *d, char **ret, struct err *err)
{
	autobuf struct buf text = BUF_INIT(4096);
	autofree char *path = NULL;
	const char *name;
	char file[96];

	if (is_device(d->path, d)) {
		*ret = strdup(d->path);
		return *ret ? 0 : err_oom(err);
	}
	snprintf(file, sizeof(file), "/sys/dev/%s/%u:%u/uevent", d->type[0] == 'b' ? "block" : "char",
		 (unsigned)d->major, (unsigned)d->minor);
	if (fs_read_file(AT_FDCWD, file, text.max, &text, NULL) >= 0 && (name = strstr(buf_str(&text), "DEVNAME=")))
		path = str_format("/dev/%.*s", (int)strcspn(name + 8, "\n"), name + 8);
	if (path && is_device(path, d)) {
		*ret = TAKE_PTR(path);
		return 0;
	}
	err_set(err, ENODEV, "device '%s': this machine has no device %s %u:%u", d->path, d->type, (unsigned)d->major,
		(unsigned)d->minor);
	return err_hint(err, "in a user namespace only a device that has a node in /dev here can be given on");
}

int start_prepare_devices(struct start *st, struct err *err)
{
	const struct oci_devices *devices = &st->spec->linux_.devices;
	int r = 0;

	if (!st->in_userns || devices->len == 0)
		return 0;
	st->device_sources = calloc(devices->len, sizeof(char *));
	if (!st->device_sources)
		return err_oom(err);
	for (size_t i = 0; i < devices->len && r == 0; i++)
		if (devices->items[i].type[0] != 'p')
			r = find_device(&devices->items[i], &st->device_sources[i], err);
	return r;
}

void start_done_devices(struct start *st)
{
	for (size_t i = 0; st->device_sources && i < st->spec->linux_.devices.len; i++)
		free(st->device_sources[i]);
	free(st->device_sources);
}

/* --- the new process --- */

/* A node of its own, as the spec says: where there is no user namespace. */
static int make_node(struct start *st, const struct oci_device *d)
{
	mode_t type = d->type[0] == 'b' ? S_IFBLK : d->type[0] == 'p' ? S_IFIFO : S_IFCHR;
	dev_t number = type == S_IFIFO ? 0 : makedev((unsigned)d->major, (unsigned)d->minor);
	mode_t mode = (d->has_mode ? d->mode & 07777 : 0666);
	char folder[PATH_MAX];
	const char *slash = strrchr(d->path, '/');
	autoclose int parent = -1;
	struct stat there;
	int r;

	snprintf(folder, sizeof(folder), "%.*s", (int)(slash - d->path), d->path);
	parent = place_make(st, folder[0] ? folder : "/", true);
	if (parent < 0)
		return start_fail(st, -parent, "make the folder of the device", d->path);
	r = mknodat(parent, slash + 1, type | mode, number) < 0 ? -errno : 0;
	/* One that is there already will do if it is that device: config-linux.md, "devices". */
	if (r == -EEXIST && fstatat(parent, slash + 1, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
	    (there.st_mode & S_IFMT) == type && (type == S_IFIFO || there.st_rdev == number))
		r = 0;
	if (r < 0)
		return start_fail(st, -r, "make the device", d->path);
	if (fchownat(parent, slash + 1, d->uid, d->gid, AT_SYMLINK_NOFOLLOW) < 0 ||
	    fchmodat(parent, slash + 1, mode, 0) < 0)
		return start_fail(st, errno, "make the device", d->path);
	start_note(st, 0, "make device", d->path, "", "mknod(\"%s\", 0%o, makedev(%d, %d))", d->path,
		   (unsigned)(type | mode), (int)d->major, (int)d->minor);
	return 0;
}

static int make_device(struct start *st, size_t index)
{
	const struct oci_device *d = &st->spec->linux_.devices.items[index];
	bool fifo = d->type[0] == 'p';

	if (fifo || !st->in_userns)
		return make_node(st, d);
	return bind_device(st, st->device_sources[index], d->path);
}

int start_make_devices(struct start *st)
{
	const struct oci_devices *devices = &st->spec->linux_.devices;
	autoclose int dev = -1;
	int r = 0;

	if (st->dev_is_foreign)
		return 0;
	dev = place_make(st, "/dev", true);
	if (dev < 0)
		return start_fail(st, -dev, "make the folder", "/dev");
	for (size_t i = 0; runtime_devices[i] && r == 0; i++)
		r = bind_standard(st, dev, runtime_devices[i]);
	if (r == 0)
		r = make_links(st, dev);
	for (size_t i = 0; i < devices->len && r == 0; i++)
		r = make_device(st, i);
	return r;
}

/* Where images and containers live: overlay, reflinks, attributes, and the folder of live state. */
#include "engine/doctor/check.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "sys/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

/* --- overlay --- */

static int make_dirs(void)
{
	static const char *const names[] = { "lower", "upper", "work", "merged" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (mkdir(names[i], 0755) < 0)
			return -errno;
	return 0;
}

/* In a folder of the store: mounts an overlay, and deletes a lower file, which needs a whiteout. */
static int try_overlay(void *arg, struct err *err)
{
	const char *dir = arg;
	int fd, r;

	/* By its path: a descriptor from outside is on a mount of the outer namespace, where nothing may be mounted. */
	if (chdir(dir) < 0)
		return err_errno(err, errno, "enter '%s'", dir);
	r = make_dirs();
	fd = r < 0 ? -1 : open("lower/file", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_errno(err, r < 0 ? -r : errno, "write into the store");
	close(fd);
	if (mount("overlay", "merged", "overlay", 0, "lowerdir=lower,upperdir=upper,workdir=work,userxattr") < 0)
		return err_errno(err, errno, "mount");
	if (unlink("merged/file") < 0)
		return err_errno(err, errno, "delete a file of a lower layer");
	return umount2("merged", MNT_DETACH) < 0 ? err_errno(err, errno, "unmount") : 0;
}

int doctor_check_overlay(struct doctor *d)
{
	autotmp struct store_tmp tmp = STORE_TMP_INIT;
	autofree char *dir = NULL;
	struct err err = { 0 };
	int r;

	if (!d->userns)
		return 0;
	r = store_tmp_open(d->store, &tmp, &err);
	if (r >= 0) {
		dir = path_join(d->store->root, tmp.name);
		if (!dir)
			return -ENOMEM;
		r = userns_run(&d->ids, USERNS_MOUNT, try_overlay, dir, &err);
	}
	if (r >= 0)
		return doctor_add(d, "overlay", DOCTOR_OK,
				  "the kernel's, mounted in the user namespace, on the store's file system",
				  "layers are shared, and a container writes to a folder of its own", NULL, NULL);
	return doctor_add(
		d, "overlay", DOCTOR_LESS, err.msg, NULL,
		"each container gets a copy of its image: by reflink where the file system has that, else in full",
		"put the store on ext4, xfs, btrfs or tmpfs: --root DIR or XDG_DATA_HOME");
}

/* --- the store's file system --- */

static const char *fs_name(long type)
{
	static const struct {
		long type;
		const char *name;
	} known[] = {
		{ EXT4_SUPER_MAGIC, "ext4" }, { XFS_SUPER_MAGIC, "xfs" },	    { BTRFS_SUPER_MAGIC, "btrfs" },
		{ TMPFS_MAGIC, "tmpfs" },     { OVERLAYFS_SUPER_MAGIC, "overlay" }, { NFS_SUPER_MAGIC, "nfs" },
		{ FUSE_SUPER_MAGIC, "fuse" }, { F2FS_SUPER_MAGIC, "f2fs" },	    { 0x2fc12fc1, "zfs" },
		{ 0xca451a4e, "bcachefs" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i].type == type)
			return known[i].name;
	return "another file system";
}

static bool can_reflink(const struct store_tmp *tmp)
{
	autoclose int a = openat(tmp->dir_fd, "a", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	autoclose int b = openat(tmp->dir_fd, "b", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	return a >= 0 && b >= 0 && write(a, "x", 1) == 1 && ioctl(b, FICLONE, a) == 0;
}

static bool can_hold_attributes(const struct store_tmp *tmp)
{
	autoclose int fd = openat(tmp->dir_fd, "c", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	return fd >= 0 && fsetxattr(fd, "user.cloche.probe", "x", 1, 0) == 0;
}

int doctor_check_store(struct doctor *d)
{
	autotmp struct store_tmp tmp = STORE_TMP_INIT;
	autofree char *found = NULL;
	struct err err = { 0 };
	struct statvfs space = { 0 };
	struct statfs fs = { 0 };
	bool reflink, attributes;

	if (store_tmp_open(d->store, &tmp, &err) < 0)
		return doctor_add(d, "store", DOCTOR_FATAL, err.msg, NULL, "images can't be kept",
				  "--root DIR, on a disk that can be written");
	fstatfs(tmp.dir_fd, &fs);
	fstatvfs(tmp.dir_fd, &space);
	reflink = can_reflink(&tmp);
	attributes = can_hold_attributes(&tmp);
	found = str_format("%s on %s, %llu GB free; reflinks: %s; user attributes: %s", d->store->root,
			   fs_name((long)fs.f_type),
			   (unsigned long long)space.f_bavail * space.f_frsize / 1000000000ULL, reflink ? "yes" : "no",
			   attributes ? "yes" : "no");
	if (!found)
		return -ENOMEM;
	if (!attributes)
		return doctor_add(d, "store", DOCTOR_LESS, found, NULL,
				  "owners of files can't be kept where one id is mapped",
				  "put the store on ext4, xfs or btrfs: --root DIR or XDG_DATA_HOME");
	return doctor_add(d, "store", DOCTOR_OK, found, NULL,
			  reflink ? NULL : "without reflinks, copies of big files take their time", NULL);
}

/* --- live state --- */

int doctor_check_runroot(struct doctor *d)
{
	const char *given = getenv("XDG_RUNTIME_DIR");
	autofree char *found = NULL;
	struct err err = { 0 };
	struct statfs fs = { 0 };
	int fd = store_run_fd(d->store, &err);

	if (fd < 0)
		return doctor_add(d, "live state", DOCTOR_FATAL, err.msg, NULL, "containers can't say that they live",
				  "--runroot DIR");
	fstatfs(fd, &fs);
	found = str_format("%s on %s%s", d->store->runroot, fs_name((long)fs.f_type),
			   given ? "" : "; XDG_RUNTIME_DIR is not set");
	if (!found)
		return -ENOMEM;
	if (fs.f_type != TMPFS_MAGIC)
		return doctor_add(d, "live state", DOCTOR_LESS, found, NULL,
				  "not in memory: each start writes to a disk",
				  "set XDG_RUNTIME_DIR to a folder on a tmpfs");
	return doctor_add(d, "live state", DOCTOR_OK, found, "locks, names of processes, resolv.conf", NULL, NULL);
}

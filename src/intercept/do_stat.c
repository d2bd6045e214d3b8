/* The stat family: what is on disk, with the owner that the file carries. */
#include "base/cleanup.h"
#include "intercept/client.h"
#include "intercept/file.h"
#include "intercept/handlers.h"
#include "intercept/keep.h"
#include "intercept/place.h"
#include "intercept/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

/* A failure is the kernel's to find again: it may see what we can't, like /proc/self. */
static int look(const struct place *p, bool follow, struct stat *ret)
{
	struct file file;

	/* The link itself, whose other name we have put in its place. */
	if (!follow && p->is_renamed)
		return ANSWER_CONTINUE;
	follow = follow || p->is_descriptor;
	if (file_look(p->path, follow, &file) < 0)
		return ANSWER_CONTINUE;
	file_show(&file.owner, &file.st);
	if (proc_holds(&file.st))
		proc_show_owner(p, follow, &file.st);
	*ret = file.st;
	return 0;
}

static int answer_stat(struct request *r, struct place *p, bool follow, uint64_t address)
{
	struct stat st;
	int result = look(p, follow, &st);

	if (result != 0)
		return result;
	if (!request_may_answer(r))
		return -ESRCH;
	return request_write(r, address, &st, sizeof(st));
}

/*
 * Most files are root's. For them it is enough to see that they have no attribute at all, and the kernel does the call,
 * which is quicker than to do it for the caller and write into its memory. Not where owners are found in other
 * ways: in the table of files that hold no attribute, by their device, or in /proc once there are users.
 */
static bool is_kernels(const struct place *p, bool follow)
{
	int has;

	if (file_any_aside() || client_any_user() || keep_in_use())
		return false;
	has = file_has_attributes(p->path, follow || p->is_descriptor);
	return has == 0 || has == -ENOENT;
}

static int stat_path(struct request *r, int dirfd, uint64_t path, unsigned flags, uint64_t address)
{
	autoplace struct place p;
	bool may_be_empty = flags & AT_EMPTY_PATH;

	if (place_init(&p, r, dirfd, path, may_be_empty) < 0)
		return ANSWER_CONTINUE;
	if (is_kernels(&p, !(flags & AT_SYMLINK_NOFOLLOW)))
		return ANSWER_CONTINUE;
	return answer_stat(r, &p, !(flags & AT_SYMLINK_NOFOLLOW), address);
}

int do_stat(struct request *r)
{
	return stat_path(r, AT_FDCWD, r->args[0], 0, r->args[1]);
}

int do_lstat(struct request *r)
{
	return stat_path(r, AT_FDCWD, r->args[0], AT_SYMLINK_NOFOLLOW, r->args[1]);
}

int do_fstat(struct request *r)
{
	autoplace struct place p;

	if (place_init_fd(&p, r, arg_int(r, 0)) < 0)
		return ANSWER_CONTINUE;
	if (is_kernels(&p, true))
		return ANSWER_CONTINUE;
	return answer_stat(r, &p, true, r->args[1]);
}

int do_newfstatat(struct request *r)
{
	return stat_path(r, arg_int(r, 0), r->args[1], arg_u32(r, 3), r->args[2]);
}

static void show_in_statx(const struct stat *st, struct statx *x)
{
	x->stx_uid = st->st_uid;
	x->stx_gid = st->st_gid;
	if ((x->stx_mode & S_IFMT) == (st->st_mode & S_IFMT))
		return;
	x->stx_mode = (uint16_t)((x->stx_mode & ~S_IFMT) | (st->st_mode & S_IFMT));
	x->stx_rdev_major = major(st->st_rdev);
	x->stx_rdev_minor = minor(st->st_rdev);
}

/* What file_get_owner and proc_holds need of a stat. */
static struct stat as_stat(const struct statx *x)
{
	struct stat st = {
		.st_mode = x->stx_mode,
		.st_ino = x->stx_ino,
		.st_dev = makedev(x->stx_dev_major, x->stx_dev_minor),
		.st_uid = x->stx_uid,
		.st_gid = x->stx_gid,
		.st_rdev = makedev(x->stx_rdev_major, x->stx_rdev_minor),
		.st_ctim = { x->stx_mask & STATX_CTIME ? x->stx_ctime.tv_sec : 0, x->stx_ctime.tv_nsec },
	};

	return st;
}

int do_statx(struct request *r)
{
	unsigned flags = arg_u32(r, 2), mask = arg_u32(r, 3);
	autoplace struct place p;
	struct owner owner;
	struct statx x;
	struct stat st;
	bool follow;

	if (place_init(&p, r, arg_int(r, 0), r->args[1], flags & AT_EMPTY_PATH) < 0)
		return ANSWER_CONTINUE;
	follow = !(flags & AT_SYMLINK_NOFOLLOW) || p.is_descriptor;
	if ((!follow && p.is_renamed) || is_kernels(&p, follow))
		return ANSWER_CONTINUE;
	if (p.is_descriptor)
		flags &= ~(unsigned)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH);
	if (syscall(SYS_statx, AT_FDCWD, p.path, flags, mask | STATX_TYPE | STATX_INO | STATX_CTIME, &x) < 0)
		return ANSWER_CONTINUE;
	st = as_stat(&x);
	file_get_owner(p.path, follow, &st, &owner);
	file_show(&owner, &st);
	if (proc_holds(&st))
		proc_show_owner(&p, follow, &st);
	show_in_statx(&st, &x);
	if (!request_may_answer(r))
		return -ESRCH;
	return request_write(r, r->args[4], &x, sizeof(x));
}

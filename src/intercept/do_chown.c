/* The chown family: the owner is written on the file, by the kernel's rules about who may. */
#include "base/cleanup.h"
#include "intercept/client.h"
#include "intercept/file.h"
#include "intercept/handlers.h"
#include "intercept/keep.h"
#include "intercept/place.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* chown_ok and chgrp_ok of fs/attr.c. */
static bool may_chown(const struct cred *c, const struct owner *old, uint32_t uid, uint32_t gid)
{
	bool is_owner = c->uid[ID_FS] == old->uid;

	if (cred_can(c, CAP_CHOWN))
		return true;
	if (uid != CRED_KEEP && !(is_owner && uid == old->uid))
		return false;
	return gid == CRED_KEEP || (is_owner && (gid == old->gid || cred_in_group(c, gid)));
}

/*
 * A chown by the kernel to the only owner that it knows. It takes off the set-id bits and file capabilities, moves
 * ctime, and finds read-only file systems and immutable files.
 */
static int chown_for_real(int fd)
{
	return fchownat(fd, "", 0, 0, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

/* Files of the kernel's own, as pipes, sockets and terminals, belong to no one that we could set. */
static bool is_refusal_of_ids(int code)
{
	return code == -EPERM || code == -EINVAL || code == -EOPNOTSUPP;
}

static int chown_fd(struct request *r, int fd, uint32_t uid, uint32_t gid)
{
	struct owner owner;
	struct file file;
	int result = file_look_fd(fd, &file);

	if (result < 0)
		return result;
	if (!may_chown(request_cred(r), &file.owner, uid, gid))
		return -EPERM;
	owner = file.owner;
	if (uid != CRED_KEEP)
		owner.uid = uid;
	if (gid != CRED_KEEP)
		owner.gid = gid;
	/* Of symbolic links and the like it would take off our own attribute, and there are no bits to take off. */
	if (S_ISREG(file.st.st_mode) || S_ISDIR(file.st.st_mode)) {
		result = chown_for_real(fd);
		if (result < 0 && !is_refusal_of_ids(result))
			return result;
	}
	if (owner.uid == file.owner.uid && owner.gid == file.owner.gid)
		return 0;
	return file_set_owner_fd(fd, &file, &owner);
}

/*
 * Root gives root a file that is root's already, as dpkg and tar do with nearly all: the kernel can do that by itself, set-id bits,
 * change time and refusals included. Only of files that are the user's on disk: of the machine's own it would refuse it.
 */
static bool is_kernels(struct request *r, const struct place *p, bool follow, uint32_t uid, uint32_t gid)
{
	struct stat st;

	if ((uid != 0 && uid != CRED_KEEP) || (gid != 0 && gid != CRED_KEEP) || file_any_aside() || keep_in_use())
		return false;
	if (!cred_can(request_cred(r), CAP_CHOWN))
		return false;
	if (fstatat(AT_FDCWD, p->path, &st, follow ? 0 : AT_SYMLINK_NOFOLLOW) < 0 || st.st_uid != 0 || st.st_gid != 0)
		return false;
	return (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)) && file_has_attributes(p->path, follow) == 0;
}

static int chown_place(struct request *r, struct place *p, bool follow, uint32_t uid, uint32_t gid)
{
	autoclose int fd = -1;

	follow = follow || p->is_descriptor;
	if (is_kernels(r, p, follow, uid, gid))
		return ANSWER_CONTINUE;
	fd = place_open(p, follow);
	/* The kernel finds the error again; where it sees the file and we don't, it can only be of the kernel's own. */
	if (fd < 0)
		return fd == -ESRCH ? fd : ANSWER_CONTINUE;
	return chown_fd(r, fd, uid, gid);
}

static int chown_path(struct request *r, int dirfd, uint64_t path, unsigned flags, uint32_t uid, uint32_t gid)
{
	autoplace struct place p;
	int result;

	if (flags & ~(unsigned)(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		return -EINVAL;
	result = place_init(&p, r, dirfd, path, flags & AT_EMPTY_PATH);
	if (result < 0)
		return result;
	return chown_place(r, &p, !(flags & AT_SYMLINK_NOFOLLOW), uid, gid);
}

int do_chown(struct request *r)
{
	return chown_path(r, AT_FDCWD, r->args[0], 0, arg_u32(r, 1), arg_u32(r, 2));
}

int do_lchown(struct request *r)
{
	return chown_path(r, AT_FDCWD, r->args[0], AT_SYMLINK_NOFOLLOW, arg_u32(r, 1), arg_u32(r, 2));
}

int do_fchownat(struct request *r)
{
	return chown_path(r, arg_int(r, 0), r->args[1], arg_u32(r, 4), arg_u32(r, 2), arg_u32(r, 3));
}

int do_fchown(struct request *r)
{
	autoplace struct place p;
	int result = place_init_fd(&p, r, arg_int(r, 0));

	return result < 0 ? result : chown_place(r, &p, true, arg_u32(r, 1), arg_u32(r, 2));
}

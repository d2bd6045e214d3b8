/*
 * exec: set-id programs and the other changes of credentials that exec brings. The kernel does the exec; if
 * it would change what the caller is, that is noted, and takes effect once it is seen to have happened.
 */
#include "base/cleanup.h"
#include "base/str.h"
#include "intercept/access.h"
#include "intercept/client.h"
#include "intercept/file.h"
#include "intercept/handlers.h"
#include "intercept/place.h"
#include "intercept/status.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

/* With no_new_privs set, no exec gives more than there was. */
static bool may_gain(pid_t tid)
{
	char text[STATUS_TEXT_MAX];

	return status_read(tid, text) > 0 && status_number(text, "NoNewPrivs", 10) == 0;
}

static bool is_script(const char *path)
{
	autoclose int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	char magic[2];

	/* A lazy layer's file that is on its way (layer/lazy.h): nothing else answers so. */
	if (fd < 0 && errno == EWOULDBLOCK)
		fd = open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC);
	return fd >= 0 && read(fd, magic, 2) == 2 && memcmp(magic, "#!", 2) == 0;
}

static bool is_honoured(struct request *r, const char *path)
{
	struct statvfs fs;

	if (statvfs(path, &fs) < 0 || (fs.f_flag & ST_NOSUID))
		return false;
	return may_gain(r->tid) && !is_script(path);
}

/* capabilities(7), "File capabilities"; from inside the namespace they read as revision 2. */
static void read_caps(const char *path, struct exec_file *file)
{
	struct vfs_ns_cap_data data;
	ssize_t n = getxattr(path, "security.capability", &data, sizeof(data));
	uint32_t magic;

	if (n != XATTR_CAPS_SZ_2 && n != XATTR_CAPS_SZ_3)
		return;
	magic = data.magic_etc;
	file->has_caps = true;
	file->effective = magic & VFS_CAP_FLAGS_EFFECTIVE;
	file->permitted = data.data[0].permitted | (uint64_t)data.data[1].permitted << 32;
	file->inheritable = data.data[0].inheritable | (uint64_t)data.data[1].inheritable << 32;
}

/* False if it can't be executed at all; the kernel then says why. */
static bool look_at_file(struct request *r, const struct place *p, bool follow, struct exec_file *ret)
{
	const struct cred *c = request_cred(r);
	bool has_set_gid;
	struct file file;

	/* /proc/self/exe is there for the caller alone, and has no set-id bits that it doesn't have already. */
	if (fstatat(AT_FDCWD, p->path, &file.st, follow ? 0 : AT_SYMLINK_NOFOLLOW) < 0)
		return str_starts_with(p->asked, "/proc/");
	if (!S_ISREG(file.st.st_mode))
		return false;
	has_set_gid = (file.st.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP);
	if (((file.st.st_mode & S_ISUID) || has_set_gid) && is_honoured(r, p->path)) {
		file_get_owner(p->path, follow, &file.st, &file.owner);
		ret->set_uid = file.st.st_mode & S_ISUID;
		ret->set_gid = has_set_gid;
		ret->uid = file.owner.uid;
		ret->gid = file.owner.gid;
	}
	/* Root has them all in any case. */
	if (c->uid[ID_EFFECTIVE] != 0 && c->uid[ID_REAL] != 0) {
		read_caps(p->path, ret);
		if (ret->has_caps && !is_honoured(r, p->path))
			ret->has_caps = false;
	}
	return true;
}

static int exec_file(struct request *r, int dirfd, uint64_t path, unsigned flags)
{
	autoplace struct place p;
	struct exec_file file = { 0 };
	struct cred after;
	bool follow;
	int result;

	if (place_init(&p, r, dirfd, path, flags & AT_EMPTY_PATH) < 0)
		return ANSWER_CONTINUE;
	follow = !(flags & AT_SYMLINK_NOFOLLOW) || p.is_descriptor;
	result = access_check_exec(r, &p);
	if (result < 0)
		return result;
	if (!look_at_file(r, &p, follow, &file))
		return ANSWER_CONTINUE;
	after = *request_cred(r);
	cred_exec(&after, &file);
	if (cred_equal(&after, request_cred(r)))
		return ANSWER_CONTINUE;
	result = request_expect_exec(r, &after);
	return result < 0 ? result : ANSWER_CONTINUE;
}

int do_execve(struct request *r)
{
	return exec_file(r, AT_FDCWD, r->args[0], 0);
}

int do_execveat(struct request *r)
{
	return exec_file(r, arg_int(r, 0), r->args[1], arg_u32(r, 4));
}

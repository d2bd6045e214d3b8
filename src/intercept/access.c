#include "intercept/access.h"

#include "base/cleanup.h"
#include "intercept/client.h"
#include "intercept/file.h"
#include "intercept/handlers.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <string.h>
#include <unistd.h>

/* Whether the checks say anything about C at all. */
static bool is_exempt(const struct cred *c)
{
	return intercept_level < LEVEL_ACCESS || (cred_can(c, CAP_DAC_OVERRIDE) && cred_can(c, CAP_FOWNER));
}

/* acl_permission_check and generic_permission of fs/namei.c, without ACLs. */
static bool permits(const struct cred *c, const struct file *f, int mode)
{
	mode_t bits = f->st.st_mode;
	bool is_dir = S_ISDIR(bits);

	/* Links have no permissions, and what is of the kernel's own (pipes, sockets, /proc) it judges itself. */
	if (S_ISLNK(bits) || f->st.st_uid != 0)
		return true;
	if (c->uid[ID_FS] == f->owner.uid)
		bits >>= 6;
	else if (cred_in_group(c, f->owner.gid))
		bits >>= 3;
	if ((mode & ~(int)(bits & 7)) == 0)
		return true;
	if (cred_can(c, CAP_DAC_OVERRIDE) && (is_dir || !(mode & X_OK) || (f->st.st_mode & 0111)))
		return true;
	return cred_can(c, CAP_DAC_READ_SEARCH) && (mode == R_OK || (is_dir && !(mode & W_OK)));
}

/*
 * Every folder on the way to FD, a folder itself, must let C search it. The way is the one that the kernel
 * gives for the open folder, not the one that was asked for with its links.
 */
static int check_way(const struct cred *c, int fd)
{
	char link[FD_PATH_MAX], way[PATH_MAX];
	struct file folder;
	ssize_t n;

	place_fd_path(fd, link);
	n = readlink(link, way, sizeof(way) - 1);
	if (n <= 0 || way[0] != '/')
		return 0;
	way[n] = '\0';
	for (char *slash = way; slash; slash = strchr(slash + 1, '/')) {
		char kept = slash[1];

		/* "/" for the first, then each prefix. */
		if (slash == way)
			slash[1] = '\0';
		else
			*slash = '\0';
		if (file_look(way, false, &folder) == 0 && S_ISDIR(folder.st.st_mode) && !permits(c, &folder, X_OK))
			return -EACCES;
		if (slash == way)
			slash[1] = kept;
		else
			*slash = '/';
	}
	return 0;
}

/* The folder of P, which C must be able to search, and for WANTED more. */
static int check_folder(const struct cred *c, const struct place *p, int wanted, struct file *ret)
{
	const char *name;
	autoclose int fd = place_open_parent(p, &name);
	int result;

	if (fd < 0 || file_look_fd(fd, ret) < 0)
		return ANSWER_CONTINUE;
	result = check_way(c, fd);
	if (result < 0)
		return result;
	return permits(c, ret, wanted) ? 0 : -EACCES;
}

int access_check(struct request *r, const struct place *p, bool follow, const struct cred *c, int mode)
{
	struct file file, folder;
	int result;

	(void)r;
	if (is_exempt(c))
		return 0;
	if (!p->is_descriptor) {
		result = check_folder(c, p, X_OK, &folder);
		if (result < 0)
			return result;
	}
	if (file_look(p->path, follow || p->is_descriptor, &file) < 0)
		return 0;
	return permits(c, &file, mode) ? 0 : -EACCES;
}

int access_check_name(struct request *r, const struct place *p, bool is_removal)
{
	const struct cred *c = request_cred(r);
	struct file file, folder;
	int result;

	if (is_exempt(c))
		return 0;
	/* A name that is taken is EEXIST before it is anything else. */
	if (!is_removal && file_look(p->path, false, &file) == 0)
		return 0;
	result = check_folder(c, p, W_OK | X_OK, &folder);
	if (result != 0)
		return result < 0 ? result : 0;
	if (!is_removal || !(folder.st.st_mode & S_ISVTX) || cred_can(c, CAP_FOWNER))
		return 0;
	if (file_look(p->path, false, &file) < 0)
		return 0;
	return c->uid[ID_FS] == folder.owner.uid || c->uid[ID_FS] == file.owner.uid ? 0 : -EPERM;
}

int access_check_owner(struct request *r, const struct place *p, bool follow)
{
	const struct cred *c = request_cred(r);
	struct file file;

	if (is_exempt(c) || cred_can(c, CAP_FOWNER))
		return 0;
	if (file_look(p->path, follow || p->is_descriptor, &file) < 0)
		return 0;
	return c->uid[ID_FS] == file.owner.uid ? 0 : -EPERM;
}

int access_check_open(struct request *r, const struct place *p, uint32_t flags)
{
	static const int by_mode[] = { [O_RDONLY] = R_OK, [O_WRONLY] = W_OK, [O_RDWR] = R_OK | W_OK, [O_ACCMODE] = 0 };
	const struct cred *c = intercept_level < LEVEL_ACCESS ? NULL : request_cred(r);
	int mode = by_mode[flags & O_ACCMODE];
	struct file file;

	if (!c || is_exempt(c))
		return 0;
	if (flags & O_PATH)
		mode = 0;
	if (flags & O_TRUNC)
		mode |= W_OK;
	if ((flags & O_CREAT) && file_look(p->path, !(flags & O_NOFOLLOW), &file) < 0)
		return access_check_name(r, p, false);
	return access_check(r, p, !(flags & O_NOFOLLOW), c, mode);
}

int access_check_exec(struct request *r, const struct place *p)
{
	return intercept_level < LEVEL_ACCESS ? 0 : access_check(r, p, true, request_cred(r), X_OK);
}

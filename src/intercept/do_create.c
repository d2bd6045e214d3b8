/* mkdir, symlink and mknod: as the kernel does them, plus the owner; devices become stand-ins. */
#include "base/cleanup.h"
#include "intercept/client.h"
#include "intercept/create.h"
#include "intercept/file.h"
#include "intercept/handlers.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/kdev_t.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* mkdir ignores slashes at the end. */
static void strip_slashes(char *path)
{
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		path[--len] = '\0';
}

static int make_folder(struct request *r, int dirfd, uint64_t path, mode_t mode)
{
	autoplace struct place p;
	autonewplace struct new_place n = { .dir = -1 };
	int result;

	if (place_init(&p, r, dirfd, path, false) < 0)
		return ANSWER_CONTINUE;
	strip_slashes(p.path);
	result = create_prepare(r, &p, &n);
	if (result != 0)
		return result;
	create_use_umask(r);
	if (mkdirat(n.dir, n.name, mode) < 0)
		return -errno;
	return file_set_owner_at(n.dir, n.name, &(struct owner){ .uid = n.uid, .gid = n.gid });
}

int do_mkdir(struct request *r)
{
	return make_folder(r, AT_FDCWD, r->args[0], (mode_t)r->args[1]);
}

int do_mkdirat(struct request *r)
{
	return make_folder(r, arg_int(r, 0), r->args[1], (mode_t)r->args[2]);
}

static int make_symlink(struct request *r, uint64_t target, int dirfd, uint64_t path)
{
	autoplace struct place p;
	autonewplace struct new_place n = { .dir = -1 };
	char text[PATH_MAX];
	int result;

	if (place_init(&p, r, dirfd, path, false) < 0)
		return ANSWER_CONTINUE;
	result = create_prepare(r, &p, &n);
	if (result != 0)
		return result;
	result = request_read_string(r, target, text, sizeof(text));
	if (result < 0)
		return result;
	if (symlinkat(text, n.dir, n.name) < 0)
		return -errno;
	return file_set_owner_at(n.dir, n.name, &(struct owner){ .uid = n.uid, .gid = n.gid });
}

int do_symlink(struct request *r)
{
	return make_symlink(r, r->args[0], AT_FDCWD, r->args[1]);
}

int do_symlinkat(struct request *r)
{
	return make_symlink(r, r->args[0], arg_int(r, 1), r->args[2]);
}

/* A socket node that says what it stands for (codec/owner.h). */
static int make_stand_in(struct request *r, const struct place *p, mode_t mode, uint32_t dev)
{
	autoclose int dir = -1;
	struct owner owner = { .type = mode & S_IFMT };
	autonewplace struct new_place n = { .dir = -1 };
	const char *name;
	int result;

	if (!cred_can(request_cred(r), CAP_MKNOD))
		return -EPERM;
	/* The kernel's own encoding of the argument: new_decode_dev. */
	owner.major = (dev & 0xfff00) >> 8;
	owner.minor = (dev & 0xff) | ((dev >> 12) & 0xfff00);
	if (create_prepare(r, p, &n) == 0) {
		owner.uid = n.uid;
		owner.gid = n.gid;
	}
	dir = place_open_parent(p, &name);
	if (dir < 0)
		return dir == -EINVAL ? -EEXIST : dir;
	create_use_umask(r);
	if (mknodat(dir, name, (mode & 07777) | S_IFSOCK, 0) < 0)
		return -errno;
	result = file_set_owner_at(dir, name, &owner);
	if (result < 0)
		unlinkat(dir, name, 0);
	return result;
}

static int make_node(struct request *r, int dirfd, uint64_t path, mode_t mode, uint32_t dev)
{
	autoplace struct place p;
	autonewplace struct new_place n = { .dir = -1 };
	int result;

	if (place_init(&p, r, dirfd, path, false) < 0)
		return ANSWER_CONTINUE;
	if (S_ISCHR(mode) || S_ISBLK(mode))
		return make_stand_in(r, &p, mode, dev);
	result = create_prepare(r, &p, &n);
	if (result != 0)
		return result;
	create_use_umask(r);
	if (mknodat(n.dir, n.name, mode, 0) < 0)
		return -errno;
	return file_set_owner_at(n.dir, n.name, &(struct owner){ .uid = n.uid, .gid = n.gid });
}

int do_mknod(struct request *r)
{
	return make_node(r, AT_FDCWD, r->args[0], (mode_t)r->args[1], arg_u32(r, 2));
}

int do_mknodat(struct request *r)
{
	return make_node(r, arg_int(r, 0), r->args[1], (mode_t)r->args[2], arg_u32(r, 3));
}

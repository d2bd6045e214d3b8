/* Opens that make a file, that read what /proc says of a process, or that lead to the stand-in of a device. */
#include "base/cleanup.h"
#include "base/str.h"
#include "intercept/access.h"
#include "intercept/client.h"
#include "intercept/create.h"
#include "intercept/file.h"
#include "intercept/handlers.h"
#include "intercept/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <unistd.h>

enum { KERNEL_O_LARGEFILE = 0100000, KERNEL_O_TMPFILE = 020000000 };

struct open_call {
	int dirfd;
	uint64_t path;
	uint32_t flags;
	mode_t mode;
};

/* The devices (major 1) that every container has under this name in its own /dev. */
static const struct {
	uint32_t minor;
	const char *path;
} known_devices[] = {
	{ 3, "/dev/null" }, { 5, "/dev/zero" }, { 7, "/dev/full" }, { 8, "/dev/random" }, { 9, "/dev/urandom" }
};

static const char *known_device(const struct owner *o)
{
	for (size_t i = 0; o->type == S_IFCHR && o->major == 1 && i < ARRAY_SIZE(known_devices); i++)
		if (known_devices[i].minor == o->minor)
			return known_devices[i].path;
	return NULL;
}

/*
 * Looking at every file would cost. Devices that an image has have their usual names, or stand in a folder of
 * that name; once this container has one, all are looked at.
 */
static bool is_like_device(const char *path)
{
	const char *name = path_basename(path);

	for (size_t i = 0; i < ARRAY_SIZE(known_devices); i++)
		if (strcmp(name, path_basename(known_devices[i].path)) == 0)
			return true;
	return strstr(path, "dev/");
}

/*
 * If P leads to the stand-in of a device that we know, the caller gets the real one. Else the kernel opens what
 * is there, and says ENXIO of a stand-in that we don't know, as of a device without a driver.
 */
static int open_stand_in(struct request *r, struct place *p, const struct open_call *call)
{
	autoclose int fd = -1;
	const char *device;
	struct file file;

	if ((!file_any_stand_in() && !is_like_device(p->asked)) || (call->flags & (O_NOFOLLOW | O_EXCL)))
		return ANSWER_CONTINUE;
	if (stat(p->path, &file.st) < 0 || !S_ISSOCK(file.st.st_mode))
		return ANSWER_CONTINUE;
	file_get_owner(p->path, true, &file.st, &file.owner);
	device = known_device(&file.owner);
	if (!device)
		return ANSWER_CONTINUE;
	place_done(p); /* a changed root may have no devices: ours has */
	fd = open(device, (int)(call->flags & (O_ACCMODE | O_APPEND | O_NONBLOCK)) | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? -errno : request_answer_fd(r, fd, call->flags & O_CLOEXEC);
}

/* Opens the new file NAME in DIR; -EEXIST if it isn't new. Never blocks: what is new is a regular file. */
static int open_new(const struct new_place *n, const struct open_call *call)
{
	int fd = openat(n->dir, n->name, (int)call->flags | O_CREAT | O_EXCL | O_NOCTTY | O_CLOEXEC, call->mode);

	return fd < 0 ? -errno : fd;
}

static int give_new(struct request *r, int fd, const struct open_call *call, uint32_t uid, uint32_t gid)
{
	struct file file;
	int result = file_look_fd(fd, &file);

	if (result == 0)
		result = file_set_owner_fd(fd, &file, &(struct owner){ .uid = uid, .gid = gid });
	return result < 0 ? result : request_answer_fd(r, fd, call->flags & O_CLOEXEC);
}

/* A file without a name, which may get one by linkat. */
static int open_tmpfile(struct request *r, const struct place *p, const struct open_call *call)
{
	autoclose int fd = -1, dir = -1;
	const struct cred *c = request_cred(r);
	struct file folder;

	dir = place_open(p, true);
	if (dir < 0 || file_look_fd(dir, &folder) < 0)
		return ANSWER_CONTINUE;
	create_use_umask(r);
	fd = openat(dir, ".", (int)call->flags | O_CLOEXEC, call->mode);
	if (fd < 0)
		return -errno;
	return give_new(r, fd, call, c->uid[ID_FS], folder.st.st_mode & S_ISGID ? folder.owner.gid : c->gid[ID_FS]);
}

static int open_creating(struct request *r, struct place *p, const struct open_call *call)
{
	autonewplace struct new_place n = { .dir = -1 };
	autoclose int fd = -1;
	int result;

	if (call->flags & O_PATH)
		return ANSWER_CONTINUE;
	if ((call->flags & O_TMPFILE) == O_TMPFILE)
		return cred_makes_root_files(request_cred(r)) ? ANSWER_CONTINUE : open_tmpfile(r, p, call);
	result = create_prepare(r, p, &n);
	if (result != 0)
		return result;
	create_use_umask(r);
	fd = open_new(&n, call);
	if (fd < 0)
		return ANSWER_CONTINUE;
	return give_new(r, fd, call, n.uid, n.gid);
}

static int open_file(struct request *r, const struct open_call *call)
{
	autoplace struct place p;
	int result;

	if (place_init(&p, r, call->dirfd, call->path, false) < 0)
		return ANSWER_CONTINUE;
	result = access_check_open(r, &p, call->flags);
	if (result < 0)
		return result;
	result = open_stand_in(r, &p, call);
	if (result != ANSWER_CONTINUE)
		return result;
	if (call->flags & (O_CREAT | KERNEL_O_TMPFILE))
		return open_creating(r, &p, call);
	if ((call->flags & O_ACCMODE) == O_RDONLY && intercept_level >= LEVEL_READ)
		return proc_open_shown(r, &p, call->flags & O_CLOEXEC);
	return ANSWER_CONTINUE;
}

int do_open(struct request *r)
{
	return open_file(r, &(struct open_call){ AT_FDCWD, r->args[0], arg_u32(r, 1), (mode_t)r->args[2] });
}

int do_creat(struct request *r)
{
	return open_file(r,
			 &(struct open_call){ AT_FDCWD, r->args[0], O_CREAT | O_WRONLY | O_TRUNC, (mode_t)r->args[1] });
}

int do_openat(struct request *r)
{
	return open_file(r, &(struct open_call){ arg_int(r, 0), r->args[1], arg_u32(r, 2), (mode_t)r->args[3] });
}

/* What it adds to openat is only about the way, which we don't follow: its users create few files. */
int do_openat2(struct request *r)
{
	struct open_how how;

	if (r->args[3] < sizeof(how) || request_read(r, r->args[2], &how, sizeof(how)) < 0 || how.resolve != 0)
		return ANSWER_CONTINUE;
	return open_file(r, &(struct open_call){ arg_int(r, 0), r->args[1], (uint32_t)how.flags, (mode_t)how.mode });
}

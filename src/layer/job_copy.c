/* COPY of the builder: chosen files of a context into a root. */
#include "layer/job.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "layer/attrs.h"
#include "layer/folders.h"
#include "layer/pick.h"
#include "layer/tree.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

enum {
	/* Smaller files are read and written: asking the kernel for better ways costs more. */
	SMALL_FILE = 64 * 1024,
	XATTR_LIST_ROOM = 4096,
};

struct copier {
	struct job *job;
	struct tree tree;
	struct attrs_policy policy;
	struct folders folders;
	const char *dest; /* of the item, cleaned */
	char path[LAYER_PATH_MAX + 1];
	uint8_t *room; /* owned; TAR_XATTR_SIZE_MAX, and at least SMALL_FILE */
};
_Static_assert((int)TAR_XATTR_SIZE_MAX >= (int)SMALL_FILE, "room serves both");

struct owner_ids {
	uint32_t uid, gid;
};

static struct owner_ids owner_of(const struct copier *c, const struct picked *p)
{
	const struct layer_copy *q = &c->job->q.copy;

	return q->keep_owners ? (struct owner_ids){ p->owner.uid, p->owner.gid } : (struct owner_ids){ q->uid, q->gid };
}

static uint32_t mode_of(const struct copier *c, const struct picked *p)
{
	const struct layer_copy *q = &c->job->q.copy;

	return q->has_mode ? q->mode & 07777 : p->st.st_mode & 07777;
}

static int copy_content(struct copier *c, const struct picked *p, int out, struct err *err)
{
	ssize_t n;
	int r;

	c->job->result.file_bytes += (uint64_t)p->st.st_size;
	if (p->st.st_size > SMALL_FILE)
		return fs_copy_data(p->fd, out, (uint64_t)p->st.st_size, err);
	while ((n = read(p->fd, c->room, SMALL_FILE)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, errno, "read");
		r = fs_write_all(out, c->room, (size_t)n, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The user's own attributes, and capabilities. */
static int copy_xattrs(struct copier *c, const struct picked *p, const struct attrs_target *target, struct err *err)
{
	char list[XATTR_LIST_ROOM];
	ssize_t len = flistxattr(p->fd, list, sizeof(list));

	if (len < 0 && errno == ERANGE)
		return err_set(err, E2BIG, "the names of its attributes are longer than %d bytes", XATTR_LIST_ROOM);
	for (const char *name = list; len > 0 && name < list + len; name += strlen(name) + 1) {
		struct tar_xattr x = { name, c->room, 0 };
		ssize_t n;
		int r;

		if ((!str_starts_with(name, "user.") && strcmp(name, OWNER_ATTR_CAPABILITY) != 0) ||
		    attrs_is_private(name))
			continue;
		n = fgetxattr(p->fd, name, c->room, TAR_XATTR_SIZE_MAX);
		if (n < 0)
			continue;
		x.len = (size_t)n;
		r = attrs_set_xattrs(&c->policy, &c->tree, target, &x, 1, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Makes room for what is to be made: whatever is there but a folder goes away. */
static int clear_place(struct copier *c, int dir_fd, const char *base, struct err *err)
{
	struct stat st;

	if (fstatat(dir_fd, base, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_errno(err, errno, "look at what is there");
	if (S_ISDIR(st.st_mode))
		return err_set(err, EISDIR, "there is a folder already, and a file can't replace it");
	return tree_remove(&c->tree, dir_fd, base, err);
}

static int copy_file(struct copier *c, const struct picked *p, int dir_fd, const char *base, struct err *err)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	struct owner_ids ids = owner_of(c, p);
	uint32_t mode = mode_of(c, p);
	autoclose int fd = openat(dir_fd, base, flags, mode & 0777);
	struct attrs_target target = { -1, .type = S_IFREG };
	int r;

	if (fd < 0 && errno == EEXIST) {
		r = clear_place(c, dir_fd, base, err);
		if (r < 0)
			return r;
		fd = openat(dir_fd, base, flags, mode & 0777);
	}
	if (fd < 0)
		return err_errno(err, errno, "create");
	target.fd = fd;
	r = copy_content(c, p, fd, err);
	if (r >= 0)
		r = attrs_set_owner(&c->policy, &c->tree, &target, ids.uid, ids.gid, NULL, err);
	if (r >= 0)
		r = copy_xattrs(c, p, &target, err);
	if (r >= 0 && mode & 07000 && fchmod(fd, mode) < 0)
		r = err_errno(err, errno, "set its mode");
	return r < 0 ? r : attrs_set_mtime(&target, p->st.st_mtim.tv_sec, (uint32_t)p->st.st_mtim.tv_nsec, err);
}

/* Links, fifos and devices. */
static int copy_node(struct copier *c, const struct picked *p, int dir_fd, const char *base, struct err *err)
{
	mode_t type = p->st.st_mode & S_IFMT, mode = p->st.st_mode & 0777;
	struct owner_ids ids = owner_of(c, p);
	struct owner device = p->owner;
	struct attrs_target target = { -1, dir_fd, base, type };
	int r = clear_place(c, dir_fd, base, err);

	if (r < 0)
		return r;
	if (type == S_IFLNK)
		r = symlinkat(p->link, dir_fd, base);
	else
		r = mknodat(dir_fd, base, type | mode, type == S_IFIFO || type == S_IFSOCK ? 0 : p->st.st_rdev);
	/* A device that we may not make: a stand-in. */
	if (r < 0 && errno == EPERM && (type == S_IFCHR || type == S_IFBLK)) {
		device = (struct owner){ .type = type, .major = major(p->st.st_rdev), .minor = minor(p->st.st_rdev) };
		target.type = S_IFSOCK;
		r = mknodat(dir_fd, base, S_IFSOCK | mode, 0);
	}
	if (r < 0)
		return err_errno(err, errno, "make it");
	r = attrs_set_owner(&c->policy, &c->tree, &target, ids.uid, ids.gid, device.type ? &device : NULL, err);
	return r < 0 ? r : attrs_set_mtime(&target, p->st.st_mtim.tv_sec, (uint32_t)p->st.st_mtim.tv_nsec, err);
}

/* A folder that is there, or a link to one, stays as it is. */
static int copy_folder(struct copier *c, const struct picked *p, int dir_fd, const char *base, struct err *err)
{
	struct owner_ids ids = owner_of(c, p);
	uint32_t mode = mode_of(c, p);
	struct attrs_target target = { -1, dir_fd, base, S_IFDIR };
	int r;

	if ((base[0] == '.' && base[1] == '\0') || mkdirat(dir_fd, base, mode & 01777) < 0) {
		if (base[0] != '.' && errno != EEXIST)
			return err_errno(err, errno, "make folder");
		r = tree_open_folder(&c->tree, c->path, strlen(c->path), err);
		return r < 0 ? r : 0;
	}
	r = attrs_set_owner(&c->policy, &c->tree, &target, ids.uid, ids.gid, NULL, err);
	if (r >= 0)
		r = copy_xattrs(c, p, &target, err);
	return r < 0 ? r
		     : folders_add(&c->folders, c->path, mode, p->st.st_mtim.tv_sec, (uint32_t)p->st.st_mtim.tv_nsec,
				   err);
}

/* A parent that was missing belongs to whom the copy does. */
static int own_parent(void *arg, int parent_fd, const char *name, struct err *err)
{
	struct copier *c = arg;
	const struct layer_copy *q = &c->job->q.copy;
	const struct attrs_target target = { -1, parent_fd, name, S_IFDIR };

	if (q->keep_owners)
		return 0;
	return attrs_set_owner(&c->policy, &c->tree, &target, q->uid, q->gid, NULL, err);
}

static int copy_picked(void *arg, const struct picked *p, struct err *err)
{
	struct copier *c = arg;
	mode_t type = p->st.st_mode & S_IFMT;
	const char *base;
	int dir_fd, n;

	/* The picker may have gone elsewhere. */
	c->tree.cwd_fd = -1;
	n = snprintf(c->path, sizeof(c->path), "%s%s%s", c->dest, c->dest[0] && p->below[0] ? "/" : "", p->below);
	if (n < 0 || (size_t)n >= sizeof(c->path))
		return err_set(err, E2BIG, "the path in the image is longer than %d bytes", LAYER_PATH_MAX);
	if (type == S_IFSOCK && !p->owner.type) {
		c->job->result.skipped_sockets++;
		return 0;
	}
	dir_fd = tree_open_parent(&c->tree, c->path, &base, err);
	if (dir_fd < 0)
		return err_wrap(err, "to '/%.512s'", c->path);
	c->job->result.entries++;
	n = type == S_IFDIR   ? copy_folder(c, p, dir_fd, base, err)
	    : type == S_IFREG ? copy_file(c, p, dir_fd, base, err)
			      : copy_node(c, p, dir_fd, base, err);
	return n < 0 ? err_wrap(err, "to '/%.512s'", c->path) : 0;
}

static int copy_item(struct copier *c, const struct layer_item *item, struct err *err)
{
	char dest[LAYER_PATH_MAX + 1];
	struct picker k = {
		.root_fd = c->job->q.copy.context_fd,
		.recurse = item->flags & LAYER_ITEM_RECURSE,
		.owners = c->job->q.copy.keep_owners,
		.each = copy_picked,
		.arg = c,
	};
	int r;

	if (!item->dest || !item->source)
		return err_set(err, EPROTO, "the request makes no sense");
	r = tree_clean_name(item->dest + strspn(item->dest, "/"), dest, err);
	if (r < 0)
		return r;
	c->dest = dest;
	return pick(&k, item->source, err);
}

int job_copy(struct job *j, struct err *err)
{
	struct copier c = {
		.job = j,
		.policy = { .single = j->single, .always_chown = true },
		.room = malloc(TAR_XATTR_SIZE_MAX),
	};
	struct layer_item item;
	int r;

	if (!c.room)
		return err_oom(err);
	tree_init(&c.tree, j->q.copy.root_fd, true, "");
	c.tree.on_make = own_parent;
	c.tree.on_make_arg = &c;
	while ((r = job_next_item(j, &item, err)) > 0) {
		r = copy_item(&c, &item, err);
		if (r < 0)
			break;
	}
	if (r >= 0)
		r = folders_finish(&c.folders, &c.tree, err);
	j->result.lost_xattrs = c.policy.lost_xattrs;
	j->result.lost_owners = c.policy.lost_owners;
	folders_done(&c.folders);
	tree_done(&c.tree);
	free(c.room);
	return r;
}

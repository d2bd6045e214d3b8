/*
 * COPY of the builder: chosen files of a context into a root. If that is an upper folder with nothing in it, what is copied is
 * packed and digested along the way (copy_pack.h, content_hash.h), so that each byte is read once.
 */
#include "layer/job.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "layer/attrs.h"
#include "layer/content_hash.h"
#include "layer/copy_pack.h"
#include "layer/folders.h"
#include "layer/pick.h"
#include "layer/tree.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <sys/xattr.h>
#include <unistd.h>

enum {
	/* Smaller files are read and written: asking the kernel for better ways costs more. */
	SMALL_FILE = 64 * 1024,
	XATTR_LIST_ROOM = 4096,
	/* Attributes of one file, all together. */
	XATTRS_ROOM = 2 * TAR_XATTR_SIZE_MAX,
};

struct copier {
	struct job *job;
	struct tree tree;
	struct attrs_policy policy;
	struct folders folders;
	const char *dest; /* of the item, cleaned */
	char path[LAYER_PATH_MAX + 1];
	uint8_t *room; /* owned; SMALL_FILE */
	struct pick_parent parent;
	const char *source; /* of the item */

	/* With out_fd. */
	struct copy_pack *pack; /* owned; NULL: nothing is packed */
	struct content_hash hash;
	struct timespec now; /* the time of folders that something is put into */

	/* Attributes of the file at hand. */
	char names[XATTR_LIST_ROOM];
	uint8_t *values; /* owned; XATTRS_ROOM */
	struct tar_xattr xattrs[TAR_XATTRS_MAX];
	size_t xattrs_len;
};

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

static bool is_hashed(const struct copier *c)
{
	return c->job->q.copy.hash;
}

/* A chunk of the source to those who want to know it. */
static int pass_on(struct copier *c, const void *data, size_t len, struct err *err)
{
	if (is_hashed(c))
		content_hash_bytes(&c->hash, data, len);
	return c->pack ? copy_pack_data(c->pack, data, len, err) : 0;
}

/* Exactly what the header says: the file's size when it was opened. OUT -1: only passed on. */
static int read_through(struct copier *c, const struct picked *p, int out, struct err *err)
{
	uint64_t left = (uint64_t)p->st.st_size;
	off_t at = 0;

	while (left > 0) {
		ssize_t n = pread(p->fd, c->room, left < SMALL_FILE ? (size_t)left : SMALL_FILE, at);
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, errno, "read");
		if (n == 0)
			return err_set(err, EAGAIN, "it became shorter while it was read");
		r = out < 0 ? 0 : fs_write_all(out, c->room, (size_t)n, err);
		if (r >= 0)
			r = pass_on(c, c->room, (size_t)n, err);
		if (r < 0)
			return r;
		at += n;
		left -= (uint64_t)n;
	}
	return 0;
}

static int copy_content(struct copier *c, const struct picked *p, int out, struct err *err)
{
	uint64_t size = (uint64_t)p->st.st_size;
	/* Some file systems say nothing of a file's size (procfs): what there is to be read is copied then. */
	bool by_kernel = size > SMALL_FILE || (size == 0 && !c->pack && !is_hashed(c));
	int r = by_kernel ? fs_copy_data(p->fd, out, size, err) : 0;

	c->job->result.file_bytes += size;
	if (r >= 0 && (!by_kernel || c->pack || is_hashed(c)))
		r = read_through(c, p, by_kernel ? -1 : out, err);
	if (r >= 0 && is_hashed(c))
		content_hash_size(&c->hash, size);
	return r < 0 || !c->pack ? r : copy_pack_pad(c->pack, size, err);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct tar_xattr *)a)->name, ((const struct tar_xattr *)b)->name);
}

/* The user's own attributes, and capabilities, of FD. */
static int read_xattrs(struct copier *c, int fd, struct err *err)
{
	ssize_t len = flistxattr(fd, c->names, sizeof(c->names));
	size_t used = 0;

	c->xattrs_len = 0;
	if (len < 0 && errno == ERANGE)
		return err_set(err, E2BIG, "the names of its attributes are longer than %d bytes", XATTR_LIST_ROOM);
	for (const char *name = c->names; len > 0 && name < c->names + len; name += strlen(name) + 1) {
		ssize_t n;

		if ((!str_starts_with(name, "user.") && strcmp(name, OWNER_ATTR_CAPABILITY) != 0) ||
		    attrs_is_private(name))
			continue;
		if (c->xattrs_len == TAR_XATTRS_MAX || used + TAR_XATTR_SIZE_MAX > XATTRS_ROOM)
			return err_set(err, E2BIG, "it has too many attributes");
		n = fgetxattr(fd, name, c->values + used, TAR_XATTR_SIZE_MAX);
		if (n < 0)
			continue;
		c->xattrs[c->xattrs_len++] = (struct tar_xattr){ name, c->values + used, (size_t)n };
		used += (size_t)n;
	}
	if (c->xattrs_len > 1)
		qsort(c->xattrs, c->xattrs_len, sizeof(c->xattrs[0]), by_name);
	return 0;
}

/* The entry at c->path, with the attributes that were read. */
static int pack_entry(struct copier *c, enum tar_type type, struct owner_ids ids, uint32_t mode, struct timespec mtime,
		      struct tar_entry *more, struct err *err)
{
	struct tar_entry e = *more;

	if (!c->pack)
		return 0;
	e.type = type;
	e.name = c->path;
	e.link = e.link ? e.link : "";
	e.mode = mode;
	e.uid = ids.uid;
	e.gid = ids.gid;
	e.mtime = mtime.tv_sec;
	e.mtime_nsec = (uint32_t)mtime.tv_nsec;
	/* On anything but a file a capability is a mark of an owner, which is said already. */
	e.xattrs = c->xattrs;
	e.xattrs_len = type == TAR_FILE || type == TAR_FOLDER ? c->xattrs_len : 0;
	return copy_pack_entry(c->pack, &e, err);
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
	r = read_xattrs(c, p->fd, err);
	if (r >= 0)
		r = pack_entry(c, TAR_FILE, ids, mode, p->st.st_mtim,
			       &(struct tar_entry){ .size = (uint64_t)p->st.st_size }, err);
	if (r >= 0)
		r = copy_content(c, p, fd, err);
	if (r >= 0)
		r = attrs_set_owner(&c->policy, &c->tree, &target, ids.uid, ids.gid, NULL, err);
	if (r >= 0)
		r = attrs_set_xattrs(&c->policy, &c->tree, &target, c->xattrs, c->xattrs_len, err);
	if (r >= 0 && mode & 07000 && fchmod(fd, mode) < 0)
		r = err_errno(err, errno, "set its mode");
	return r < 0 ? r : attrs_set_mtime(&target, p->st.st_mtim.tv_sec, (uint32_t)p->st.st_mtim.tv_nsec, err);
}

static int pack_node(struct copier *c, const struct picked *p, struct owner_ids ids, const struct owner *device,
		     struct err *err)
{
	mode_t type = device->type ? device->type : p->st.st_mode & S_IFMT;
	struct tar_entry more = { .link = p->link };

	if (type == S_IFLNK)
		return pack_entry(c, TAR_SYMLINK, ids, 0777, p->st.st_mtim, &more, err);
	if (type == S_IFCHR || type == S_IFBLK) {
		more.dev_major = device->type ? device->major : major(p->st.st_rdev);
		more.dev_minor = device->type ? device->minor : minor(p->st.st_rdev);
	}
	return pack_entry(c,
			  type == S_IFIFO   ? TAR_FIFO
			  : type == S_IFCHR ? TAR_CHAR
					    : TAR_BLOCK,
			  ids, p->st.st_mode & 0777, p->st.st_mtim, &more, err);
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
	if (r >= 0)
		r = pack_node(c, p, ids, &device, err);
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
	r = read_xattrs(c, p->fd, err);
	if (r >= 0)
		r = pack_entry(c, TAR_FOLDER, ids, mode, p->st.st_mtim, &(struct tar_entry){ 0 }, err);
	if (r >= 0)
		r = attrs_set_owner(&c->policy, &c->tree, &target, ids.uid, ids.gid, NULL, err);
	if (r >= 0)
		r = attrs_set_xattrs(&c->policy, &c->tree, &target, c->xattrs, c->xattrs_len, err);
	return r < 0 ? r
		     : folders_add(&c->folders, c->path, mode, p->st.st_mtim.tv_sec, (uint32_t)p->st.st_mtim.tv_nsec,
				   err);
}

/* --- folders on the way, where the root is an upper folder --- */

/* Owner and mode of a lower layer's folder, as the image has them. */
static int look_at_lower(struct copier *c, int fd, struct owner_ids *ret_ids, uint32_t *ret_mode, struct err *err)
{
	uint8_t value[OWNER_VALUE_MAX];
	struct owner owner;
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) < 0 || !S_ISDIR(st.st_mode))
		return err_set(err, EPROTO, "the request makes no sense");
	owner = (struct owner){ .uid = st.st_uid, .gid = st.st_gid };
	n = fgetxattr(fd, OWNER_ATTR_USER, value, sizeof(value));
	if (n >= 0)
		(void)owner_decode(st.st_mode, value, (size_t)n, &owner);
	*ret_ids = (struct owner_ids){ owner.uid, owner.gid };
	*ret_mode = st.st_mode & 07777;
	return read_xattrs(c, fd, err);
}

/* What the overlay's copy-up would make: the folder with all that is said of it, and nothing in it. */
static int make_way(struct copier *c, const struct layer_item *item, struct err *err)
{
	struct owner_ids ids = { c->job->q.copy.uid, c->job->q.copy.gid };
	struct attrs_target target = { -1, .type = S_IFDIR };
	uint32_t mode = 0755;
	int r = 0;

	memcpy(c->path, c->dest, strlen(c->dest) + 1);
	c->xattrs_len = 0;
	if (item->flags & LAYER_ITEM_LIKE)
		r = look_at_lower(c, item->fd, &ids, &mode, err);
	if (r < 0)
		return r;
	target.dir_fd = tree_open_parent(&c->tree, c->path, &target.name, err);
	if (target.dir_fd < 0)
		return target.dir_fd;
	if (mkdirat(target.dir_fd, target.name, 0755) < 0 || fchmodat(target.dir_fd, target.name, mode & 01777, 0) < 0)
		return err_errno(err, errno, "make folder");
	r = pack_entry(c, TAR_FOLDER, ids, mode, c->now, &(struct tar_entry){ 0 }, err);
	if (r >= 0)
		r = attrs_set_owner(&c->policy, &c->tree, &target, ids.uid, ids.gid, NULL, err);
	if (r >= 0)
		r = attrs_set_xattrs(&c->policy, &c->tree, &target, c->xattrs, c->xattrs_len, err);
	return r < 0 ? r : folders_add(&c->folders, c->path, mode, c->now.tv_sec, (uint32_t)c->now.tv_nsec, err);
}

/* Said only if it isn't what everyone makes of it: see make.c. */
static int pack_root(struct copier *c, struct err *err)
{
	struct stat st;
	int r;

	if (fstat(c->job->q.copy.root_fd, &st) < 0)
		return err_errno(err, errno, "look at the root");
	if ((st.st_mode & 07777) == 0755)
		return 0;
	memcpy(c->path, ".", 2);
	c->xattrs_len = 0;
	r = pack_entry(c, TAR_FOLDER, (struct owner_ids){ 0, 0 }, st.st_mode & 07777, c->now, &(struct tar_entry){ 0 },
		       err);
	return r < 0 ? r
		     : folders_add(&c->folders, "", st.st_mode & 07777, c->now.tv_sec, (uint32_t)c->now.tv_nsec, err);
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
	if (is_hashed(c))
		content_hash_file(&c->hash, c->source, p);
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
		.parent = &c->parent,
		.recurse = item->flags & LAYER_ITEM_RECURSE,
		.owners = c->job->q.copy.keep_owners,
		.each = copy_picked,
		.arg = c,
	};
	int r;

	bool is_way = item->flags & (LAYER_ITEM_LIKE | LAYER_ITEM_PARENT);

	if (!item->dest || (!item->source && !is_way) || (is_way && !c->pack))
		return err_set(err, EPROTO, "the request makes no sense");
	r = tree_clean_name(item->dest + strspn(item->dest, "/"), dest, err);
	if (r < 0)
		return r;
	c->dest = dest;
	c->source = item->source;
	if (is_way) {
		r = make_way(c, item, err);
		return r < 0 ? err_wrap(err, "'/%.512s'", dest) : 0;
	}
	return pick(&k, item->source, err);
}

static int copy_all(struct copier *c, struct err *err)
{
	struct layer_item item;
	int r = c->pack ? pack_root(c, err) : 0;

	while (r >= 0 && (r = job_next_item(c->job, &item, err)) > 0)
		r = copy_item(c, &item, err);
	if (r >= 0)
		r = folders_finish(&c->folders, &c->tree, err);
	if (r >= 0 && c->pack)
		r = copy_pack_finish(c->pack, &c->job->result, err);
	return r;
}

int job_copy(struct job *j, struct err *err)
{
	struct copier *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return err_oom(err);
	c->job = j;
	/* In an upper folder that is new nothing belongs to anybody else, and no folder has a setgid bit yet. */
	c->policy = (struct attrs_policy){ .single = j->single, .always_chown = j->q.copy.out_fd <= 0 };
	c->room = malloc(SMALL_FILE);
	c->values = malloc(XATTRS_ROOM);
	c->parent = PICK_PARENT_INIT;
	clock_gettime(CLOCK_REALTIME, &c->now);
	content_hash_init(&c->hash, j->q.copy.keep_owners);
	tree_init(&c->tree, j->q.copy.root_fd, true, "");
	c->tree.on_make = own_parent;
	c->tree.on_make_arg = c;
	r = c->room && c->values ? 0 : err_oom(err);
	if (r >= 0 && j->q.copy.out_fd > 0)
		r = copy_pack_new(&j->q.copy, &j->q.limits, &c->pack, err);
	if (r >= 0)
		r = copy_all(c, err);
	content_hash_end(&c->hash, &j->result.content);
	j->result.lost_xattrs += c->policy.lost_xattrs;
	j->result.lost_owners = c->policy.lost_owners;
	copy_pack_free(c->pack);
	folders_done(&c->folders);
	tree_done(&c->tree);
	pick_parent_done(&c->parent);
	free(c->values);
	free(c->room);
	free(c);
	return r;
}

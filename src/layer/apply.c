/*
 * Each entry is made under its parent's descriptor (tree.h), so that no name is ever resolved from
 * outside. What an entry is made of comes in events of the tar reader: a header makes the thing, data
 * goes to the file that is open, the end of the entry sets what must come last. Folders get their times
 * (and a setgid bit, which would be inherited) at the very end, when nothing more is put into them.
 */
#include "layer/apply.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "codec/tar.h"
#include "layer/attrs.h"
#include "layer/folders.h"
#include "layer/over.h"
#include "layer/tree.h"
#include "layer/whiteout.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

/* The smallest hole that a file system makes. */
enum { HOLE = 4096 };

static const char whiteout_prefix[] = ".wh.", opaque_name[] = ".wh..wh..opq", meta_prefix[] = ".wh..wh.";

struct apply {
	struct tree tree;
	struct attrs_policy policy;
	int flags;
	uint64_t entries_max, bytes_max, entries, file_bytes, stand_ins;
	struct tar_reader *reader;
	struct folders folders;
	struct over over; /* LAYER_OVER */

	/* The file that is being written. */
	int fd;
	uint64_t written_to; /* where the last byte that was written is, plus one */
	char name[LAYER_PATH_MAX + 1];
};

int apply_new(int root_fd, const char *prefix, int flags, bool single, const struct layer_limits *limits,
	      struct apply **ret, struct err *err)
{
	struct apply *a = calloc(1, sizeof(*a));

	if (!a)
		return err_oom(err);
	tree_init(&a->tree, root_fd, flags & LAYER_INTO, prefix);
	a->policy.single = single;
	a->policy.no_owners = flags & LAYER_NO_OWNERS;
	a->policy.always_chown = flags & LAYER_INTO;
	a->flags = flags;
	a->entries_max = limits->entries ? limits->entries : LAYER_ENTRIES_MAX;
	a->bytes_max = limits->bytes ? limits->bytes : LAYER_BYTES_MAX;
	a->fd = -1;
	a->reader = tar_reader_new();
	if (!a->reader) {
		apply_free(a);
		return err_oom(err);
	}
	*ret = a;
	return 0;
}

void apply_free(struct apply *a)
{
	if (!a)
		return;
	if (a->fd >= 0)
		close(a->fd);
	folders_done(&a->folders);
	over_done(&a->over);
	tar_reader_free(a->reader);
	tree_done(&a->tree);
	free(a);
}

/* --- making things --- */

/* What stands at the name of a new entry. */
struct place {
	int dir_fd;
	const char *base;
};

/*
 * Runs MAKE until it succeeds: if something is there already, that goes away first (the later entry
 * wins), and *RET_WAS_WHITEOUT says if it was a whiteout.
 */
static int make_at(struct apply *a, const struct place *at, int (*make)(const struct place *at, const void *arg),
		   const void *arg, bool *ret_was_whiteout, struct err *err)
{
	struct stat st;
	int r = make(at, arg);

	if (r != -EEXIST)
		return r < 0 ? err_errno(err, -r, "make it") : r;
	if (at->base[0] == '.' && at->base[1] == '\0')
		return err_set(err, EBADMSG, "the root itself is said to be something else than a folder");
	*ret_was_whiteout = fstatat(at->dir_fd, at->base, &st, AT_SYMLINK_NOFOLLOW) == 0 && whiteout_is(&st);
	r = tree_remove(&a->tree, at->dir_fd, at->base, err);
	if (r < 0)
		return r;
	r = make(at, arg);
	return r < 0 ? err_errno(err, -r, "make it") : r;
}

static int make_file(const struct place *at, const void *arg)
{
	const struct tar_entry *e = arg;
	int fd = openat(at->dir_fd, at->base, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, e->mode & 0777);

	return fd < 0 ? -errno : fd;
}

static int make_symlink(const struct place *at, const void *arg)
{
	const struct tar_entry *e = arg;

	return symlinkat(e->link, at->dir_fd, at->base) < 0 ? -errno : 0;
}

static int make_folder(const struct place *at, const void *arg)
{
	const struct tar_entry *e = arg;

	return mkdirat(at->dir_fd, at->base, e->mode & 01777) < 0 ? -errno : 0;
}

struct node {
	mode_t mode;
	dev_t dev;
};

static int make_node(const struct place *at, const void *arg)
{
	const struct node *n = arg;

	return mknodat(at->dir_fd, at->base, n->mode, n->dev) < 0 ? -errno : 0;
}

struct hardlink {
	int dir_fd;
	const char *base;
};

static int make_hardlink(const struct place *at, const void *arg)
{
	const struct hardlink *l = arg;

	return linkat(l->dir_fd, l->base, at->dir_fd, at->base, 0) < 0 ? -errno : 0;
}

static struct attrs_target by_name(const struct place *at, mode_t type)
{
	return (struct attrs_target){ -1, at->dir_fd, at->base, type };
}

/* Owner, attributes, bits that creation doesn't give, time; of anything but regular files and folders. */
static int finish_node(struct apply *a, const struct tar_entry *e, const struct place *at, mode_t type,
		       const struct owner *device, struct err *err)
{
	struct attrs_target target = by_name(at, type);
	int r = attrs_set_owner(&a->policy, &a->tree, &target, e->uid, e->gid, device, err);

	if (r >= 0)
		r = attrs_set_xattrs(&a->policy, &a->tree, &target, e->xattrs, e->xattrs_len, err);
	if (r >= 0 && type != S_IFLNK && e->mode & 07000 && fchmodat(at->dir_fd, at->base, e->mode & 07777, 0) < 0)
		r = err_errno(err, errno, "set its mode");
	return r < 0 ? r : attrs_set_mtime(&target, e->mtime, e->mtime_nsec, err);
}

static int add_symlink(struct apply *a, const struct tar_entry *e, const struct place *at, struct err *err)
{
	bool was_whiteout;
	int r;

	if (e->link[0] == '\0')
		return err_set(err, EBADMSG, "a symbolic link without a target");
	if (strlen(e->link) > LAYER_PATH_MAX)
		return err_set(err, E2BIG, "the target of a link is longer than %d bytes", LAYER_PATH_MAX);
	r = make_at(a, at, make_symlink, e, &was_whiteout, err);
	return r < 0 ? r : finish_node(a, e, at, S_IFLNK, NULL, err);
}

static int add_hardlink(struct apply *a, const struct tar_entry *e, struct err *err)
{
	char target[LAYER_PATH_MAX + 1];
	autoclose int target_fd = -1;
	struct hardlink link;
	struct place at;
	bool was_whiteout;
	int r = tree_clean_name(e->link, target, err);

	if (r < 0)
		return err_wrap(err, "target of a hard link");
	if (strcmp(target, a->name) == 0)
		return 0;
	r = tree_open_parent(&a->tree, target, &link.base, err);
	if (r < 0)
		return err_wrap(err, "hard link to '%s'", target);
	/* The next lookup may turn it out of the cache. */
	target_fd = fcntl(r, F_DUPFD_CLOEXEC, 3);
	if (target_fd < 0)
		return err_errno(err, errno, "hard link to '%s'", target);
	link.dir_fd = target_fd;
	r = tree_open_parent(&a->tree, a->name, &at.base, err);
	if (r < 0)
		return r;
	at.dir_fd = r;
	r = make_at(a, &at, make_hardlink, &link, &was_whiteout, err);
	if (r == -ENOENT)
		return err_set(err, EBADMSG, "a hard link to '%s', which this archive does not have before it", target);
	return r < 0 ? err_wrap(err, "hard link to '%s'", target) : 0;
}

static int add_device(struct apply *a, const struct tar_entry *e, const struct place *at, struct err *err)
{
	mode_t type = e->type == TAR_FIFO ? S_IFIFO : e->type == TAR_CHAR ? S_IFCHR : S_IFBLK;
	struct node node = { type | (e->mode & 0777), makedev(e->dev_major, e->dev_minor) };
	struct owner device = { .type = type, .major = e->dev_major, .minor = e->dev_minor };
	bool was_whiteout;
	int r;

	if (type != S_IFIFO && (e->dev_major > 4095 || e->dev_minor > 1048575))
		return err_set(err, EBADMSG, "device number %u:%u is out of range", e->dev_major, e->dev_minor);
	/* To the overlay that is a whiteout. */
	if (type == S_IFCHR && node.dev == 0)
		return err_set(err, EBADMSG, "a character device 0:0 is no device, but the mark of a deleted file");
	if (type == S_IFIFO)
		node.dev = 0;
	if (type == S_IFIFO || !a->policy.single) {
		struct err why = { 0 };

		r = make_at(a, at, make_node, &node, &was_whiteout, &why);
		if (r >= 0)
			return finish_node(a, e, at, type, NULL, err);
		if (r != -EPERM || type == S_IFIFO) {
			if (err)
				*err = why;
			return r;
		}
	}
	/* Not for us to make: a stand-in that says what it stands for. */
	node = (struct node){ S_IFSOCK | (e->mode & 0777), 0 };
	r = make_at(a, at, make_node, &node, &was_whiteout, err);
	return r < 0 ? r : finish_node(a, e, at, S_IFSOCK, &device, err);
}

/* --- folders --- */

static int make_opaque(struct apply *a, const struct place *at, struct err *err)
{
	struct attrs_target target = by_name(at, S_IFDIR);

	return attrs_set_own(&a->tree, &target, "user.overlay.opaque", "y", 1, err);
}

/* A folder that is there stays with what is in it. Returns 1 if it was there. */
static int make_or_keep_folder(struct apply *a, const struct tar_entry *e, const struct place *at, struct err *err)
{
	bool was_whiteout = false;
	struct stat st;
	int r = at->base[0] == '.' && at->base[1] == '\0' ? -EEXIST : make_folder(at, e);

	if (r >= 0)
		return 0;
	if (r == -EEXIST && fstatat(at->dir_fd, at->base, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
		return 1;
	/* Into an existing root a link to a folder is a folder (lib -> usr/lib), as tar's --keep-directory-symlink has it. */
	if (r == -EEXIST && a->flags & LAYER_INTO && !(a->flags & LAYER_OVER) && S_ISLNK(st.st_mode)) {
		r = tree_open_folder(&a->tree, a->name, strlen(a->name), NULL);
		if (r >= 0)
			return 2;
	}
	r = make_at(a, at, make_folder, e, &was_whiteout, err);
	/* The whiteout, or the file, hid the folder of a lower layer, and so must what took its place. */
	if (r >= 0 && (was_whiteout || a->flags & LAYER_OVER_MARKS) && !(a->flags & LAYER_PLAIN))
		r = make_opaque(a, at, err);
	return r < 0 ? r : 0;
}

static int add_folder(struct apply *a, const struct tar_entry *e, const struct place *at, struct err *err)
{
	struct attrs_target target = by_name(at, S_IFDIR);
	int r = make_or_keep_folder(a, e, at, err), existed = r;

	if (r < 0 || r == 2)
		return r < 0 ? r : 0;
	/* An owner attribute of an earlier entry for it would stay otherwise. */
	if (existed && a->policy.single) {
		r = tree_enter(&a->tree, at->dir_fd, err);
		if (r < 0)
			return r;
		(void)lremovexattr(at->base, OWNER_ATTR_USER);
	}
	if (existed && a->flags & LAYER_OVER)
		r = over_clear_attrs(at->dir_fd, at->base, err);
	if (r >= 0)
		r = attrs_set_owner(&a->policy, &a->tree, &target, e->uid, e->gid, NULL, err);
	if (r >= 0)
		r = attrs_set_xattrs(&a->policy, &a->tree, &target, e->xattrs, e->xattrs_len, err);
	if (r >= 0 && existed && fchmodat(at->dir_fd, at->base, e->mode & 01777, 0) < 0)
		r = err_errno(err, errno, "set its mode");
	return r < 0 ? r : folders_add(&a->folders, a->name, e->mode, e->mtime, e->mtime_nsec, err);
}

/* --- whiteouts --- */

/*
 * Over earlier layers: what they left goes. 1: that is all; 0: for layers further down, which aren't in this tree, the mark
 * has to be made as well.
 */
static int delete_earlier(struct apply *a, const struct place *at, const char *hidden, struct err *err)
{
	char path[LAYER_PATH_MAX + 1];
	size_t folder = (size_t)(at->base - a->name);
	int r;

	if (!(a->flags & LAYER_OVER))
		return 0;
	/* The base is the end of the entry's own name. */
	memcpy(path, a->name, folder);
	path[folder] = '\0';
	if (hidden) {
		memcpy(path + folder, hidden, strlen(hidden) + 1);
		r = over_delete(&a->over, &a->tree, at->dir_fd, hidden, path, err);
	} else {
		path[folder ? folder - 1 : 0] = '\0';
		r = over_empty(&a->over, &a->tree, path, err);
	}
	return r < 0 ? r : !(a->flags & LAYER_OVER_MARKS);
}

/* A name .wh.X of a layer. */
static int add_whiteout(struct apply *a, const struct tar_entry *e, const struct place *at, struct err *err)
{
	const char *hidden = at->base + sizeof(whiteout_prefix) - 1;
	bool is_opaque = strcmp(at->base, opaque_name) == 0;
	struct attrs_target target;
	struct place place;
	struct stat st;
	int r;

	/* AUFS' own notes (.wh..wh.plnk, .wh..wh.aufs): of no meaning outside it. */
	if (!is_opaque && str_starts_with(at->base, meta_prefix))
		return 0;
	if (hidden[0] == '\0' || strcmp(hidden, ".") == 0 || strcmp(hidden, "..") == 0)
		return err_set(err, EBADMSG, "a whiteout that names nothing");
	r = delete_earlier(a, at, is_opaque ? NULL : hidden, err);
	if (r != 0)
		return r < 0 ? r : 0;
	/* Anew, since a deletion turns folders out of the cache. */
	r = tree_open_parent(&a->tree, a->name, &place.base, err);
	if (r < 0)
		return r;
	place = (struct place){ r, is_opaque ? "." : hidden };
	if (is_opaque)
		return make_opaque(a, &place, err);
	target = by_name(&place, S_IFCHR);
	r = whiteout_make(place.dir_fd, hidden);
	if (r == 0)
		return attrs_set_mtime(&target, e->mtime, e->mtime_nsec, err);
	a->stand_ins += r == 1;
	if (r == 1)
		return 0;
	if (r != -EEXIST)
		return err_errno(err, -r, "make a whiteout");
	/* This layer has the name as well: it hides the lower one by itself, but a folder would merge with it. */
	if (fstatat(place.dir_fd, place.base, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
		return make_opaque(a, &place, err);
	return 0;
}

/* --- files --- */

static int start_file(struct apply *a, const struct tar_entry *e, const struct place *at, struct err *err)
{
	bool was_whiteout;
	int fd;

	/* A sparse file may claim to be larger than what comes. */
	if (e->size > a->bytes_max - a->file_bytes)
		return err_set(err, E2BIG, "the files are larger than %" PRIu64 " MiB", a->bytes_max >> 20);
	fd = make_at(a, at, make_file, e, &was_whiteout, err);
	if (fd < 0)
		return fd;
	a->fd = fd;
	a->written_to = 0;
	a->file_bytes += e->size;
	return 0;
}

static int write_at(struct apply *a, const uint8_t *p, size_t len, uint64_t offset, struct err *err)
{
	a->written_to = offset + len;
	while (len > 0) {
		ssize_t n = pwrite(a->fd, p, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, errno, "write");
		p += n;
		len -= (size_t)n;
		offset += (uint64_t)n;
	}
	return 0;
}

static bool is_hole(const uint8_t *p)
{
	uint64_t first;

	memcpy(&first, p, sizeof(first));
	return first == 0 && memcmp(p, p + 1, HOLE - 1) == 0;
}

/* Writes but for whole blocks of zeros, which stay holes. */
static int write_data(struct apply *a, const struct tar_event *ev, struct err *err)
{
	size_t from = 0, at = (size_t)(-ev->offset & (HOLE - 1));

	for (; at + HOLE <= ev->len; at += HOLE) {
		int r = 0;

		if (!is_hole(ev->data + at))
			continue;
		if (at > from)
			r = write_at(a, ev->data + from, at - from, ev->offset + from, err);
		if (r < 0)
			return r;
		from = at + HOLE;
	}
	return from < ev->len ? write_at(a, ev->data + from, ev->len - from, ev->offset + from, err) : 0;
}

static int finish_file(struct apply *a, const struct tar_entry *e, struct err *err)
{
	struct attrs_target target = { a->fd, -1, NULL, S_IFREG };
	int r = 0;

	if (a->written_to < e->size && ftruncate(a->fd, (off_t)e->size) < 0)
		r = err_errno(err, errno, "set its size");
	if (r >= 0)
		r = attrs_set_owner(&a->policy, &a->tree, &target, e->uid, e->gid, NULL, err);
	if (r >= 0)
		r = attrs_set_xattrs(&a->policy, &a->tree, &target, e->xattrs, e->xattrs_len, err);
	if (r >= 0 && e->mode & 07000 && fchmod(a->fd, e->mode & 07777) < 0)
		r = err_errno(err, errno, "set its mode");
	if (r >= 0)
		r = attrs_set_mtime(&target, e->mtime, e->mtime_nsec, err);
	close(TAKE_FD(a->fd));
	return r;
}

/* --- events --- */

/*
 * 1: the entry is of no meaning to us: AUFS kept notes in folders of its own (.wh..wh.plnk/…). What lies in
 * a whiteout can't be.
 */
static int is_in_whiteout(const char *name, struct err *err)
{
	for (const char *p = strstr(name, whiteout_prefix); p; p = strstr(p + 1, whiteout_prefix)) {
		if ((p != name && p[-1] != '/') || !strchr(p, '/'))
			continue;
		if (str_starts_with(p, meta_prefix))
			return 1;
		return err_set(err, EBADMSG, "it lies below a whiteout, the mark of a deleted file");
	}
	return 0;
}

/*
 * The whiteout of what was in a folder that this layer has made something else of: umoci writes those as well, and there is
 * nothing left to delete.
 */
static bool is_below_a_file(const struct apply *a)
{
	const char *slash = strrchr(a->name, '/');
	autofree char *parent = slash ? strndup(a->name, (size_t)(slash - a->name)) : NULL;
	autoclose int fd = -1;
	struct stat st;

	if (!parent)
		return false;
	fd = fs_open_beneath(a->tree.root_fd, parent, O_PATH, 0, NULL);
	return fd == -ENOTDIR || (fd >= 0 && fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode));
}

static int add_entry(struct apply *a, const struct tar_entry *e, struct err *err)
{
	bool has_whiteouts = !(a->flags & LAYER_PLAIN);
	struct place at;
	int r = tree_clean_name(e->name, a->name, err);

	if (r < 0)
		return r;
	if (++a->entries > a->entries_max)
		return err_set(err, E2BIG, "the archive has more than %" PRIu64 " entries", a->entries_max);
	if (has_whiteouts) {
		r = is_in_whiteout(a->name, err);
		if (r != 0)
			return r < 0 ? r : 0;
	}
	if (a->flags & LAYER_OVER) {
		r = over_note(&a->over, &a->tree, &a->folders, e, a->name,
			      str_starts_with(path_basename(a->name), whiteout_prefix), err);
		if (r < 0)
			return r;
	}
	if (e->type == TAR_HARDLINK)
		return add_hardlink(a, e, err);
	r = tree_open_parent(&a->tree, a->name, &at.base, err);
	if (r < 0 && has_whiteouts && str_starts_with(at.base, whiteout_prefix) && is_below_a_file(a)) {
		err_clear(err);
		return 0;
	}
	if (r < 0)
		return r;
	at.dir_fd = r;
	if (has_whiteouts && str_starts_with(at.base, whiteout_prefix))
		return add_whiteout(a, e, &at, err);
	switch (e->type) {
	case TAR_FILE:
		return start_file(a, e, &at, err);
	case TAR_SYMLINK:
		return add_symlink(a, e, &at, err);
	case TAR_FOLDER:
		return add_folder(a, e, &at, err);
	default:
		return add_device(a, e, &at, err);
	}
}

static int take_event(struct apply *a, const struct tar_event *ev, struct err *err)
{
	int r = 0;

	if (ev->kind == TAR_EVENT_ENTRY)
		r = add_entry(a, ev->entry, err);
	else if (a->fd >= 0)
		r = ev->kind == TAR_EVENT_DATA ? write_data(a, ev, err) : finish_file(a, ev->entry, err);
	if (r == -ENOSPC || r == -EDQUOT)
		err_hint(err, "free some space or some inodes (df, df -i), or put the store elsewhere with --root");
	return r < 0 ? err_wrap(err, "entry '%.512s'", ev->entry->name) : 0;
}

int apply_feed(struct apply *a, const void *data, size_t len, struct err *err)
{
	struct tar_event ev;
	int r;

	tar_reader_feed(a->reader, data, len);
	while ((r = tar_reader_next(a->reader, &ev, err)) > 0) {
		r = take_event(a, &ev, err);
		if (r < 0)
			return r;
	}
	return r;
}

int apply_finish(struct apply *a, bool strict, struct layer_result *result, struct err *err)
{
	int r = tar_reader_finish(a->reader, err);

	if (r == 0 && strict)
		return err_set(err, EBADMSG, "the archive is cut off: it has no end mark");
	if (r < 0)
		return r;
	return apply_finish_entries(a, result, err);
}

int apply_entry(struct apply *a, const struct tar_entry *e, int (*hold)(void *arg, int fd, struct err *err), void *arg,
		struct err *err)
{
	int r = add_entry(a, e, err);

	if (r >= 0 && a->fd >= 0 && e->size > 0)
		r = hold(arg, a->fd, err);
	if (r >= 0 && a->fd >= 0)
		r = finish_file(a, e, err);
	return r < 0 ? err_wrap(err, "entry '%.512s'", e->name) : 0;
}

int apply_finish_entries(struct apply *a, struct layer_result *result, struct err *err)
{
	int r = folders_finish(&a->folders, &a->tree, err);

	if (r < 0)
		return r;
	result->entries = a->entries;
	result->file_bytes = a->file_bytes;
	result->lost_xattrs = a->policy.lost_xattrs;
	result->lost_owners = a->policy.lost_owners;
	result->stand_ins = a->stand_ins;
	return 0;
}

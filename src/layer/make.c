/*
 * The walk. Everything is opened below its parent's descriptor and never through a link; what a file
 * says of itself (owner attributes, the overlay's marks) is read from its attributes in one listing.
 */
#include "layer/make.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "codec/owner.h"
#include "codec/tar.h"
#include "layer/attrs.h"
#include "layer/inodes.h"
#include "layer/names.h"
#include "layer/sink.h"
#include "layer/whiteout.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { XATTR_LIST_ROOM = 65536 };

static const char whiteout_prefix[] = ".wh.";

struct maker {
	const struct layer_make *m;
	struct sink *sink;
	struct layer_result *result;
	uint64_t entries_max;
	struct inodes inodes;
	struct buf header;
	char path[LAYER_PATH_MAX + 2]; /* of the current entry; room for a folder's slash */
	size_t path_len;

	/* Of the current entry. */
	char list[XATTR_LIST_ROOM];
	struct buf values;
	struct tar_xattr xattrs[TAR_XATTRS_MAX];
	size_t xattrs_len;
	bool opaque, has_owner;
	struct owner owner;
};

/* The entry that is looked at: FD (readable), or NAME in the working folder where FD is -1. */
struct subject {
	int fd;
	const char *name;
	struct stat st;
};

/* --- attributes --- */

static ssize_t get_xattr(const struct subject *s, const char *name, void *dst, size_t room)
{
	return s->fd >= 0 ? fgetxattr(s->fd, name, dst, room) : lgetxattr(s->name, name, dst, room);
}

static ssize_t list_xattrs(const struct subject *s, char *dst, size_t room)
{
	return s->fd >= 0 ? flistxattr(s->fd, dst, room) : llistxattr(s->name, dst, room);
}

/* Marks of the overlay: opaque is taken; what makes the upper folder more than its content can't be. */
static int take_overlay_mark(struct maker *k, const struct subject *s, const char *mark, struct err *err)
{
	char value[4];

	if (strcmp(mark, "redirect") == 0 || strcmp(mark, "metacopy") == 0) {
		err_set(err, EOPNOTSUPP, "the overlay has made it a reference to another file (%s)", mark);
		return err_hint(err, "mount the overlay with redirect_dir=off,metacopy=off");
	}
	if (strcmp(mark, "opaque") == 0)
		k->opaque = get_xattr(s, "user.overlay.opaque", value, sizeof(value)) == 1 && value[0] == 'y';
	return 0;
}

/* The value of one attribute, kept in k->values until the next entry. */
static int take_xattr(struct maker *k, const struct subject *s, const char *name, struct err *err)
{
	ssize_t len;
	size_t at = k->values.len;

	if (k->xattrs_len == TAR_XATTRS_MAX)
		return err_set(err, E2BIG, "it has more than %d attributes", TAR_XATTRS_MAX);
	if (buf_reserve(&k->values, TAR_XATTR_SIZE_MAX) < 0)
		return k->values.error == -E2BIG
			       ? err_set(err, E2BIG, "its attributes are larger than %d bytes", TAR_META_MAX)
			       : err_oom(err);
	len = get_xattr(s, name, k->values.data + at, TAR_XATTR_SIZE_MAX);
	if (len < 0)
		return errno == ENODATA ? 0 : err_errno(err, errno, "read the attribute %s", name);
	if (strcmp(name, owner_attr_name(s->st.st_mode)) == 0 &&
	    owner_decode(s->st.st_mode, k->values.data + at, (size_t)len, &k->owner) == 0) {
		k->has_owner = true;
		return 0;
	}
	if (attrs_is_private(name))
		return 0;
	/* Its place, since the buffer may move; made a pointer when all are there. */
	k->xattrs[k->xattrs_len++] = (struct tar_xattr){ name, (const void *)(uintptr_t)at, (size_t)len };
	k->values.len += (size_t)len;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct tar_xattr *)a)->name, ((const struct tar_xattr *)b)->name);
}

/* What a layer carries: capabilities and the user's own. Those of a security module belong to this machine. */
static bool is_carried(const char *name)
{
	return str_starts_with(name, "user.") || strcmp(name, "security.capability") == 0;
}

static int read_xattrs(struct maker *k, const struct subject *s, struct err *err)
{
	ssize_t len;

	k->xattrs_len = 0;
	k->opaque = k->has_owner = false;
	len = list_xattrs(s, k->list, sizeof(k->list));
	if (len <= 0)
		return len == 0 || errno == EOPNOTSUPP ? 0 : err_errno(err, errno, "list its attributes");
	buf_reset(&k->values);
	for (const char *name = k->list; name < k->list + len; name += strlen(name) + 1) {
		const char *mark = str_skip_prefix(name, "user.overlay.");
		int r = 0;

		if (mark && !k->m->plain)
			r = take_overlay_mark(k, s, mark, err);
		else if (is_carried(name))
			r = take_xattr(k, s, name, err);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < k->xattrs_len; i++)
		k->xattrs[i].value = k->values.data + (uintptr_t)k->xattrs[i].value;
	qsort(k->xattrs, k->xattrs_len, sizeof(k->xattrs[0]), by_name);
	return 0;
}

/* --- entries --- */

static void drop_unwritable_xattrs(struct maker *k)
{
	size_t kept = 0;

	for (size_t i = 0; i < k->xattrs_len; i++) {
		if (strchr(k->xattrs[i].name, '='))
			k->result->lost_xattrs++;
		else
			k->xattrs[kept++] = k->xattrs[i];
	}
	k->xattrs_len = kept;
}

static int write_entry(struct maker *k, struct tar_entry *e, struct err *err)
{
	int r;

	if (++k->result->entries > k->entries_max)
		return err_set(err, E2BIG, "the tree has more than %" PRIu64 " entries", k->entries_max);
	buf_reset(&k->header);
	r = tar_write_header(&k->header, e);
	if (r == -EINVAL) {
		drop_unwritable_xattrs(k);
		e->xattrs_len = k->xattrs_len;
		r = tar_write_header(&k->header, e);
	}
	if (r < 0)
		return err_errno(err, -r, "write its header");
	return sink_write(k->sink, k->header.data, k->header.len, err);
}

/* What stat and the attributes say, without name, type and size. */
static void fill_entry(const struct maker *k, const struct subject *s, struct tar_entry *e)
{
	*e = (struct tar_entry){
		.name = k->path,
		.link = "",
		.mode = s->st.st_mode & 07777,
		.uid = k->has_owner ? k->owner.uid : s->st.st_uid,
		.gid = k->has_owner ? k->owner.gid : s->st.st_gid,
		.mtime = s->st.st_mtim.tv_sec,
		.mtime_nsec = (uint32_t)s->st.st_mtim.tv_nsec,
		.xattrs = k->xattrs,
		.xattrs_len = k->xattrs_len,
	};
	if (k->m->clamp_mtime && e->mtime >= k->m->max_mtime) {
		e->mtime = k->m->max_mtime;
		e->mtime_nsec = 0;
	}
}

/* 1: it was a further name of a file and is written. */
static int write_hardlink(struct maker *k, const struct subject *s, struct err *err)
{
	const char *first;
	struct tar_entry e;
	int r;

	if (s->st.st_nlink < 2)
		return 0;
	r = inodes_meet(&k->inodes, s->st.st_dev, s->st.st_ino, k->path, &first);
	if (r <= 0)
		return r < 0 ? err_errno(err, -r, "note its name") : 0;
	fill_entry(k, s, &e);
	e.type = TAR_HARDLINK;
	e.link = first;
	e.xattrs_len = 0;
	r = write_entry(k, &e, err);
	return r < 0 ? r : 1;
}

static int write_content(struct maker *k, const struct subject *s, struct err *err)
{
	uint64_t left = (uint64_t)s->st.st_size;

	while (left > 0) {
		uint8_t *at;
		size_t room;
		ssize_t n;
		int r = sink_room(k->sink, &at, &room, err);

		if (r < 0)
			return r;
		n = read(s->fd, at, room < left ? room : (size_t)left);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, errno, "read");
		if (n == 0)
			return err_set(err, EAGAIN, "it became shorter while it was read");
		sink_advance(k->sink, (size_t)n);
		left -= (uint64_t)n;
	}
	return sink_zeros(k->sink, tar_padding((uint64_t)s->st.st_size), err);
}

static int write_file(struct maker *k, struct subject *s, struct err *err)
{
	struct tar_entry e;
	int r = write_hardlink(k, s, err);

	if (r != 0)
		return r < 0 ? r : 0;
	r = read_xattrs(k, s, err);
	if (r < 0)
		return r;
	fill_entry(k, s, &e);
	e.type = TAR_FILE;
	e.size = (uint64_t)s->st.st_size;
	k->result->file_bytes += e.size;
	r = write_entry(k, &e, err);
	return r < 0 ? r : write_content(k, s, err);
}

/* An overlay's mark of a deleted file: the entry .wh.NAME. */
static int write_whiteout(struct maker *k, const struct subject *s, struct err *err)
{
	size_t name_len = strlen(s->name), at = k->path_len - name_len;
	struct tar_entry e;

	if (k->path_len + sizeof(whiteout_prefix) > sizeof(k->path) ||
	    name_len + sizeof(whiteout_prefix) - 1 > LAYER_NAME_MAX)
		return err_set(err, ENAMETOOLONG, "its deletion can't be said: the name is too long");
	memmove(k->path + at + sizeof(whiteout_prefix) - 1, k->path + at, name_len + 1);
	memcpy(k->path + at, whiteout_prefix, sizeof(whiteout_prefix) - 1);
	k->xattrs_len = 0;
	k->has_owner = false;
	k->result->stand_ins += whiteout_is_stand_in(&s->st);
	fill_entry(k, s, &e);
	e.type = TAR_FILE;
	e.mode = 0;
	e.uid = e.gid = 0;
	return write_entry(k, &e, err);
}

static int write_opaque(struct maker *k, const struct tar_entry *folder, struct err *err)
{
	static const char name[] = ".wh..wh..opq";
	struct tar_entry e = *folder;
	size_t len = k->path_len;
	int r;

	if (len + sizeof(name) > sizeof(k->path))
		return err_set(err, ENAMETOOLONG, "the path is too long");
	memcpy(k->path + len, name, sizeof(name));
	e.type = TAR_FILE;
	e.mode = 0;
	e.uid = e.gid = 0;
	e.xattrs_len = 0;
	r = write_entry(k, &e, err);
	k->path[len] = '\0';
	return r;
}

/* Links, devices, fifos, sockets: by name in the working folder. */
static int write_node(struct maker *k, struct subject *s, struct err *err)
{
	char target[LAYER_PATH_MAX + 1];
	struct tar_entry e;
	mode_t type;
	int r;

	if (!k->m->plain && whiteout_is(&s->st))
		return write_whiteout(k, s, err);
	r = write_hardlink(k, s, err);
	if (r != 0)
		return r < 0 ? r : 0;
	r = read_xattrs(k, s, err);
	if (r < 0)
		return r;
	fill_entry(k, s, &e);
	type = k->has_owner && k->owner.type ? k->owner.type : s->st.st_mode & S_IFMT;
	if (type == S_IFSOCK) {
		k->result->skipped_sockets++;
		return 0;
	}
	e.type = type == S_IFLNK ? TAR_SYMLINK : type == S_IFIFO ? TAR_FIFO : type == S_IFCHR ? TAR_CHAR : TAR_BLOCK;
	if (e.type == TAR_SYMLINK) {
		ssize_t n = readlinkat(AT_FDCWD, s->name, target, sizeof(target) - 1);

		if (n < 0)
			return err_errno(err, errno, "read the link");
		target[n] = '\0';
		e.link = target;
		e.mode = 0777;
	} else if (e.type != TAR_FIFO) {
		bool stand_in = S_ISSOCK(s->st.st_mode);

		e.dev_major = stand_in ? k->owner.major : major(s->st.st_rdev);
		e.dev_minor = stand_in ? k->owner.minor : minor(s->st.st_rdev);
	}
	return write_entry(k, &e, err);
}

static int walk(struct maker *k, int dir_fd, int depth, struct err *err);

/* A folder and what is in it; the path of an inner one gets its slash here. */
static int write_folder(struct maker *k, struct subject *s, int depth, struct err *err)
{
	struct tar_entry e;
	bool is_root = depth == 0;
	int r = read_xattrs(k, s, err);

	if (r < 0)
		return r;
	fill_entry(k, s, &e);
	e.type = TAR_FOLDER;
	if (is_root) {
		/* The root is said only if it isn't what everyone makes of it: then the bytes of most layers are docker's. */
		bool usual = e.mode == 0755 && e.uid == 0 && e.gid == 0 && e.xattrs_len == 0;

		e.name = "./";
		if (k->m->plain || usual)
			return walk(k, s->fd, depth, err);
	} else {
		k->path[k->path_len++] = '/';
		k->path[k->path_len] = '\0';
	}
	r = write_entry(k, &e, err);
	if (r >= 0 && k->opaque && !k->m->plain && !is_root)
		r = write_opaque(k, &e, err);
	return r < 0 ? r : walk(k, s->fd, depth, err);
}

/* Opens what can be opened and looks at it. Links, nodes and sockets are only looked at. */
static int open_subject(int dir_fd, const char *name, uint8_t type, struct subject *ret, struct err *err)
{
	int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | (type == DT_DIR ? O_DIRECTORY : 0);

	*ret = (struct subject){ -1, name };
	if (type != DT_REG && type != DT_DIR) {
		if (fstatat(dir_fd, name, &ret->st, AT_SYMLINK_NOFOLLOW) < 0)
			return err_errno(err, errno, "look at it");
		if (!S_ISREG(ret->st.st_mode) && !S_ISDIR(ret->st.st_mode))
			return 0;
	}
	ret->fd = openat(dir_fd, name, flags);
	if (ret->fd < 0)
		return err_errno(err, errno, "open");
	if (fstat(ret->fd, &ret->st) < 0) {
		close(TAKE_FD(ret->fd));
		return err_errno(err, errno, "look at it");
	}
	return 0;
}

static int write_subject(struct maker *k, struct subject *s, int depth, struct err *err)
{
	if (S_ISDIR(s->st.st_mode))
		return write_folder(k, s, depth, err);
	if (S_ISREG(s->st.st_mode))
		return write_file(k, s, err);
	return write_node(k, s, err);
}

static int visit(struct maker *k, int dir_fd, const char *name, uint8_t type, int depth, struct err *err)
{
	size_t len = strlen(name);
	struct subject s;
	int r;

	if (k->path_len + len > LAYER_PATH_MAX || depth > LAYER_DEPTH_MAX)
		return err_set(err, E2BIG, "the path '%.64s…' is too long or too deep", k->path);
	memcpy(k->path + k->path_len, name, len + 1);
	k->path_len += len;
	if (!k->m->plain && str_starts_with(name, whiteout_prefix)) {
		err_set(err, EINVAL, "'%.256s': in a layer, names that begin with .wh. mean deleted files", k->path);
		return err_hint(err, "rename the file, or delete it in the same step");
	}
	r = open_subject(dir_fd, name, type, &s, err);
	if (r >= 0)
		r = write_subject(k, &s, depth, err);
	if (s.fd >= 0)
		close(s.fd);
	return r;
}

static int walk(struct maker *k, int dir_fd, int depth, struct err *err)
{
	struct names CLEANUP(names_done) names = { 0 };
	size_t path_len = k->path_len;
	int r = names_read(&names, dir_fd, err);
	bool here = false;

	for (size_t i = 0; i < names.len && r >= 0; i++) {
		uint8_t type = names.items[i].type;

		/* Needed for what has no descriptor; a walk through a folder below has left it. */
		if (!here && type != DT_REG && type != DT_DIR) {
			if (fchdir(dir_fd) < 0)
				return err_errno(err, errno, "enter the folder");
			here = true;
		}
		r = visit(k, dir_fd, names_at(&names, i), type, depth + 1, err);
		if (r < 0 && k->path_len > path_len) {
			/* Said once, by the innermost. */
			err_wrap(err, "'%.512s'", k->path);
			k->path_len = 0;
		}
		if (r < 0)
			return r;
		if (type == DT_DIR || type == DT_UNKNOWN)
			here = false;
		k->path_len = path_len;
		k->path[path_len] = '\0';
	}
	return r;
}

static int write_all(struct maker *k, struct err *err)
{
	struct subject root = { .fd = k->m->tree_fd, .name = "." };
	int r;

	if (fstat(root.fd, &root.st) < 0)
		return err_errno(err, errno, "look at the tree");
	r = write_folder(k, &root, 0, err);
	if (r < 0)
		return r;
	buf_reset(&k->header);
	if (tar_write_end(&k->header) < 0)
		return err_oom(err);
	r = sink_write(k->sink, k->header.data, k->header.len, err);
	return r < 0 ? r : sink_finish(k->sink, k->result, err);
}

int make_archive(const struct layer_make *m, const struct layer_limits *limits, struct layer_result *result,
		 struct err *err)
{
	struct maker *k = calloc(1, sizeof(*k));
	int r;

	if (!k)
		return err_oom(err);
	k->m = m;
	k->result = result;
	k->entries_max = limits->entries ? limits->entries : LAYER_ENTRIES_MAX;
	/* Twice the attributes: the header of an entry has them in it. */
	k->header = BUF_INIT(2 * TAR_META_MAX);
	k->values = BUF_INIT(TAR_META_MAX);
	inodes_init(&k->inodes);
	r = sink_open(m->out_fd, m->compression, m->level, &k->sink, err);
	if (r >= 0)
		r = write_all(k, err);
	sink_free(k->sink);
	inodes_done(&k->inodes);
	buf_done(&k->header);
	buf_done(&k->values);
	free(k);
	return r;
}

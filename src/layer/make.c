/*
 * The walk. Everything is opened below its parent's descriptor and never through a link; what a file
 * says of itself (owner attributes, the overlay's marks) is read from its attributes in one listing.
 */
#include "layer/make.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "codec/owner.h"
#include "codec/tar.h"
#include "layer/inodes.h"
#include "layer/sink.h"
#include "layer/subject.h"
#include "layer/walk.h"
#include "layer/whiteout.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static const char whiteout_prefix[] = ".wh.";

struct maker {
	const struct layer_make *m;
	const struct choices *choices; /* NULL: the whole tree */
	size_t number;		       /* with choices: of the next file */
	struct sink *sink;
	struct layer_result *result;
	uint64_t entries_max;
	struct inodes inodes;
	struct buf header;
	struct walk walk;
	struct attributes attrs; /* of the current entry */
};

/* --- entries --- */

static void drop_unwritable_xattrs(struct maker *k)
{
	size_t kept = 0;

	for (size_t i = 0; i < k->attrs.len; i++) {
		if (strchr(k->attrs.items[i].name, '='))
			k->result->lost_xattrs++;
		else
			k->attrs.items[kept++] = k->attrs.items[i];
	}
	k->attrs.len = kept;
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
		e->xattrs_len = k->attrs.len;
		r = tar_write_header(&k->header, e);
	}
	if (r < 0)
		return err_errno(err, -r, "write its header");
	return sink_write(k->sink, k->header.data, k->header.len, err);
}

static int read_attributes(struct maker *k, const struct subject *s, struct err *err)
{
	return attributes_read(&k->attrs, s, !k->m->plain, err);
}

/* What stat and the attributes say, without name, type and size. */
static void fill_entry(const struct maker *k, const struct subject *s, struct tar_entry *e)
{
	*e = (struct tar_entry){
		.name = k->walk.path,
		.link = "",
		.mode = s->st.st_mode & 07777,
		.uid = k->attrs.has_owner ? k->attrs.owner.uid : s->st.st_uid,
		.gid = k->attrs.has_owner ? k->attrs.owner.gid : s->st.st_gid,
		.mtime = s->st.st_mtim.tv_sec,
		.mtime_nsec = (uint32_t)s->st.st_mtim.tv_nsec,
		.xattrs = k->attrs.items,
		.xattrs_len = k->attrs.len,
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
	r = inodes_meet(&k->inodes, s->st.st_dev, s->st.st_ino, k->walk.path, &first);
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
	r = read_attributes(k, s, err);
	if (r < 0)
		return r;
	fill_entry(k, s, &e);
	e.type = TAR_FILE;
	e.size = (uint64_t)s->st.st_size;
	k->result->file_bytes += e.size;
	r = write_entry(k, &e, err);
	return r < 0 ? r : write_content(k, s, err);
}

/* The entry .wh.NAME in the folder whose path has FOLDER_LEN bytes (with its slash). */
static int write_deletion(struct maker *k, size_t folder_len, const char *name, struct tar_entry *e, struct err *err)
{
	char path[sizeof(k->walk.path)];
	size_t len = strlen(name), prefix_len = sizeof(whiteout_prefix) - 1;

	if (folder_len + prefix_len + len >= sizeof(path) || prefix_len + len > LAYER_NAME_MAX)
		return err_set(err, ENAMETOOLONG, "the deletion of '%.64s…' can't be said: the name is too long", name);
	memcpy(path, k->walk.path, folder_len);
	memcpy(path + folder_len, whiteout_prefix, prefix_len);
	memcpy(path + folder_len + prefix_len, name, len + 1);
	e->name = path;
	e->link = "";
	e->type = TAR_FILE;
	e->mode = 0;
	e->uid = e->gid = 0;
	e->xattrs_len = 0;
	return write_entry(k, e, err);
}

/* An overlay's mark of a deleted file. */
static int write_whiteout(struct maker *k, const struct subject *s, struct err *err)
{
	struct tar_entry e;

	k->result->stand_ins += whiteout_is_stand_in(&s->st);
	k->attrs.len = 0;
	fill_entry(k, s, &e);
	return write_deletion(k, k->walk.path_len - strlen(s->name), s->name, &e, err);
}

/* PATH of the folder has its slash. */
static int write_opaque(struct maker *k, const struct tar_entry *folder, struct err *err)
{
	struct tar_entry e = *folder;

	return write_deletion(k, strlen(folder->name), ".wh..opq", &e, err);
}

/* What the folder NUMBER has lost, with the folder's own time. */
static int write_deletions(struct maker *k, const struct subject *s, uint32_t number, struct err *err)
{
	size_t len = k->walk.path_len;
	const char *name;
	int r = 0;

	if (len > 0)
		k->walk.path[len++] = '/';
	for (size_t i = 0; r >= 0 && (name = choices_deletion(k->choices, number, i)); i++) {
		struct tar_entry e;

		k->attrs.len = 0;
		fill_entry(k, s, &e);
		r = write_deletion(k, len, name, &e, err);
	}
	k->walk.path[k->walk.path_len] = '\0';
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
	r = read_attributes(k, s, err);
	if (r < 0)
		return r;
	fill_entry(k, s, &e);
	type = k->attrs.has_owner && k->attrs.owner.type ? k->attrs.owner.type : s->st.st_mode & S_IFMT;
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

		e.dev_major = stand_in ? k->attrs.owner.major : major(s->st.st_rdev);
		e.dev_minor = stand_in ? k->attrs.owner.minor : minor(s->st.st_rdev);
	}
	return write_entry(k, &e, err);
}

/* Whether the root is said: only if it isn't what everyone makes of it. Then the bytes of most layers are docker's. */
static bool says_root(const struct maker *k, const struct tar_entry *e)
{
	bool usual = e->mode == 0755 && e->uid == 0 && e->gid == 0 && e->xattrs_len == 0;

	return !k->m->plain && (!usual || (k->choices && k->choices->root_changed));
}

/* The folder itself; its path is that of the walk and a slash. */
static int write_folder(struct maker *k, struct subject *s, struct err *err)
{
	struct walk *w = &k->walk;
	bool is_root = w->depth == 0;
	struct tar_entry e;
	int r = read_attributes(k, s, err);

	if (r < 0)
		return r;
	fill_entry(k, s, &e);
	e.type = TAR_FOLDER;
	if (is_root) {
		e.name = "./";
		return says_root(k, &e) ? write_entry(k, &e, err) : 0;
	}
	w->path[w->path_len] = '/';
	w->path[w->path_len + 1] = '\0';
	r = write_entry(k, &e, err);
	if (r >= 0 && k->attrs.opaque && !k->m->plain)
		r = write_opaque(k, &e, err);
	w->path[w->path_len] = '\0';
	return r;
}

static int write_subject(struct maker *k, struct subject *s, struct err *err)
{
	int r;

	if (S_ISDIR(s->st.st_mode)) {
		r = write_folder(k, s, err);
		return r < 0 ? r : 1;
	}
	return S_ISREG(s->st.st_mode) ? write_file(k, s, err) : write_node(k, s, err);
}

static int tree_changed(struct err *err)
{
	err_set(err, EAGAIN, "the tree was changed while it was read");
	return err_hint(err, "stop what writes there, and try again");
}

/* Only what was chosen. */
static int visit_chosen(struct maker *k, struct subject *s, struct err *err)
{
	uint32_t number = (uint32_t)k->number;
	const struct choice *c = choices_at(k->choices, number, k->walk.path);
	int r;

	if (!c)
		return tree_changed(err);
	k->number = c->wanted ? number + 1 : c->next;
	if (!c->wanted)
		return 0;
	r = write_subject(k, s, err);
	if (r > 0) {
		int written = write_deletions(k, s, number, err);

		return written < 0 ? written : r;
	}
	return r;
}

static int visit(struct walk *w, struct subject *s, struct err *err)
{
	struct maker *k = w->arg;

	if (!k->m->plain && w->depth > 0 && str_starts_with(s->name, whiteout_prefix)) {
		err_set(err, EINVAL, "in a layer, names that begin with .wh. mean deleted files");
		return err_hint(err, "rename the file, or delete it in the same step");
	}
	return k->choices ? visit_chosen(k, s, err) : write_subject(k, s, err);
}

static int write_all(struct maker *k, struct err *err)
{
	int r = walk_tree(&k->walk, k->m->tree_fd, err);

	if (r >= 0 && k->choices && k->number != k->choices->len)
		r = tree_changed(err);
	if (r < 0)
		return r;
	buf_reset(&k->header);
	if (tar_write_end(&k->header) < 0)
		return err_oom(err);
	r = sink_write(k->sink, k->header.data, k->header.len, err);
	return r < 0 ? r : sink_finish(k->sink, k->result, err);
}

int make_archive(const struct layer_make *m, const struct choices *choices, const struct layer_limits *limits,
		 struct layer_result *result, struct err *err)
{
	struct maker *k = calloc(1, sizeof(*k));
	int r;

	if (!k)
		return err_oom(err);
	k->m = m;
	k->choices = choices;
	k->result = result;
	k->entries_max = limits->entries ? limits->entries : LAYER_ENTRIES_MAX;
	k->walk.visit = visit;
	k->walk.arg = k;
	/* Twice the attributes: the header of an entry has them in it. */
	k->header = BUF_INIT(2 * TAR_META_MAX);
	attributes_init(&k->attrs);
	inodes_init(&k->inodes);
	r = sink_open(m->out_fd, m->compression, m->level, &k->sink, err);
	if (r >= 0)
		r = write_all(k, err);
	sink_free(k->sink);
	inodes_done(&k->inodes);
	buf_done(&k->header);
	attributes_done(&k->attrs);
	free(k);
	return r;
}

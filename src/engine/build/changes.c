#include "engine/build/changes.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/str.h"
#include "engine/tree_copy.h"
#include "layer/whiteout.h"
#include "sys/fs.h"
#include "sys/userns.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { LIST_MAX = 1 << 30, DEPTH_MAX = 1024 };

/* One name of a list; the path follows, ended by NUL, and padding to 8 bytes. */
struct entry {
	uint64_t ino, size;
	int64_t mtime_s, ctime_s;
	uint32_t mtime_ns, ctime_ns, mode, uid, gid, rdev, length; /* length: of the path with its NUL and padding */
	char path[];
};

struct entries {
	struct buf text;
	const struct entry **items; /* sorted by path */
	size_t len;
};

static void entries_done(struct entries *e)
{
	buf_done(&e->text);
	free(e->items);
}

void build_tree_done(struct build_tree *t)
{
	free(t->path);
	if (t->list >= 0)
		close(t->list);
	*t = BUILD_TREE_INIT;
}

/* --- listing --- */

static int add_entry(struct buf *list, const char *path, const struct stat *st, struct err *err)
{
	static const char zero[8];
	size_t len = strlen(path) + 1, padded = (len + 7) & ~(size_t)7;
	struct entry e = { .ino = st->st_ino,
			   .size = S_ISDIR(st->st_mode) ? 0 : (uint64_t)st->st_size,
			   .mtime_s = st->st_mtim.tv_sec,
			   .ctime_s = st->st_ctim.tv_sec,
			   .mtime_ns = (uint32_t)st->st_mtim.tv_nsec,
			   .ctime_ns = (uint32_t)st->st_ctim.tv_nsec,
			   .mode = st->st_mode,
			   .uid = st->st_uid,
			   .gid = st->st_gid,
			   .rdev = (uint32_t)st->st_rdev,
			   .length = (uint32_t)padded };

	buf_add(list, &e, offsetof(struct entry, path));
	/* The next entry must be aligned: what stands before the path is 4 bytes short of a multiple of 8. */
	buf_add(list, path, len);
	buf_add(list, zero, padded - len);
	return buf_add(list, zero, (8 - offsetof(struct entry, path) % 8) % 8) < 0
		       ? err_set(err, -list->error, "list the files of the image")
		       : 0;
}

static size_t entry_size(const struct entry *e)
{
	return offsetof(struct entry, path) + e->length + (8 - offsetof(struct entry, path) % 8) % 8;
}

static int list_folder(int fd, const char *path, int depth, struct buf *list, struct err *err)
{
	autoclosedir DIR *dir = fdopendir(fd);
	struct dirent *d;
	int r = 0;

	if (!dir) {
		close(fd);
		return err_oom(err);
	}
	if (depth > DEPTH_MAX)
		return err_set(err, E2BIG, "folders are nested deeper than %d", DEPTH_MAX);
	while (r >= 0 && (errno = 0, d = readdir(dir))) {
		autofree char *below = NULL;
		struct stat st;
		int inner;

		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		below = *path ? str_format("%s/%s", path, d->d_name) : strdup(d->d_name);
		if (!below)
			return err_oom(err);
		if (fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return err_errno(err, errno, "look at '%s'", below);
		r = add_entry(list, below, &st, err);
		if (r < 0 || !S_ISDIR(st.st_mode))
			continue;
		inner = openat(dirfd(dir), d->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		r = inner < 0 ? err_errno(err, errno, "open '%s'", below)
			      : list_folder(inner, below, depth + 1, list, err);
	}
	return r;
}

static int list_tree(const char *tree, struct buf *list, struct err *err)
{
	int fd = open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? err_errno(err, errno, "open '%s'", tree) : list_folder(fd, "", 0, list, err);
}

static int compare_entries(const void *a, const void *b)
{
	return strcmp((*(const struct entry *const *)a)->path, (*(const struct entry *const *)b)->path);
}

static int sort_entries(struct entries *e, struct err *err)
{
	const char *p = buf_str(&e->text), *end = p + e->text.len;
	size_t count = 0;

	for (const char *q = p; q < end; q += entry_size((const struct entry *)(const void *)q))
		count++;
	e->items = calloc(count + 1, sizeof(const struct entry *));
	if (!e->items)
		return err_oom(err);
	for (; p < end; p += entry_size((const struct entry *)(const void *)p))
		e->items[e->len++] = (const struct entry *)(const void *)p;
	qsort(e->items, e->len, sizeof(const struct entry *), compare_entries);
	return 0;
}

/* The index of PATH, its first LEN bytes; -1. */
static ssize_t find(const struct entries *e, const char *path, size_t len)
{
	size_t low = 0, high = e->len;

	while (low < high) {
		size_t middle = (low + high) / 2;
		int c = strncmp(e->items[middle]->path, path, len);

		if (c == 0 && e->items[middle]->path[len])
			c = 1;
		if (c == 0)
			return (ssize_t)middle;
		if (c < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return -1;
}

/* --- what differs --- */

struct collect {
	struct entries before, after;
	bool *wanted; /* one an entry of AFTER: goes to the upper folder */
	int upper;
};

static bool differs(const struct entry *a, const struct entry *b)
{
	return memcmp(a, b, offsetof(struct entry, length)) != 0;
}

/* The folders that PATH lies in come along. */
static void want_parents(struct collect *c, const char *path)
{
	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		ssize_t at = find(&c->after, path, (size_t)(slash - path));

		if (at >= 0)
			c->wanted[at] = true;
	}
}

static const struct entry *lookup(const struct entries *e, const char *path, size_t len)
{
	ssize_t at = find(e, path, len);

	return at < 0 ? NULL : e->items[at];
}

/* Whether the deleted PATH needs a whiteout: its folder is still the same one. */
static bool needs_whiteout(const struct collect *c, const char *path)
{
	const char *slash = strrchr(path, '/');
	const struct entry *old, *now;

	if (!slash)
		return true;
	old = lookup(&c->before, path, (size_t)(slash - path));
	now = lookup(&c->after, path, (size_t)(slash - path));
	return old && now && S_ISDIR(now->mode) && old->ino == now->ino;
}

/* --- the upper folder --- */

static bool is_wanted(void *arg, const char *path)
{
	const struct collect *c = arg;
	ssize_t at = find(&c->after, path, strlen(path));

	return at >= 0 && c->wanted[at];
}

/* Made anew in the place of another: nothing of that shows through. */
static int mark_opaque(const struct collect *c, const struct entry *e, struct err *err)
{
	const struct entry *old = lookup(&c->before, e->path, strlen(e->path));
	autoclose int fd = -1;

	if (!S_ISDIR(e->mode) || !old || !S_ISDIR(old->mode) || old->ino == e->ino)
		return 0;
	fd = openat(c->upper, e->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fsetxattr(fd, "user.overlay.opaque", "y", 1, 0) < 0)
		return err_errno(err, errno, "mark '%s' as opaque", e->path);
	return 0;
}

static int make_whiteout(const struct collect *c, const char *path, struct err *err)
{
	int r = whiteout_make(c->upper, path);

	return r < 0 ? err_errno(err, -r, "say that '%s' of a layer below was deleted", path) : 0;
}

/* The innermost first: what was put into a folder has changed its time. */
static int set_times(const struct collect *c, struct err *err)
{
	for (size_t i = c->after.len; i-- > 0;) {
		const struct entry *e = c->after.items[i];
		struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { e->mtime_s, e->mtime_ns } };

		if (c->wanted[i] && S_ISDIR(e->mode) && utimensat(c->upper, e->path, times, AT_SYMLINK_NOFOLLOW) < 0)
			return err_errno(err, errno, "set the time of '%s'", e->path);
	}
	return 0;
}

static int fill_upper(struct collect *c, const struct build_tree *tree, const char *upper, struct err *err)
{
	struct strv trees = { 0 };
	struct tree_copy copy = { .layers = &trees, .dest = upper, .want = is_wanted, .want_arg = c };
	int r = strv_add(&trees, tree->path) < 0 ? err_oom(err) : tree_copy_here(&copy, err);

	strv_done(&trees);
	for (size_t i = 0; i < c->after.len && r >= 0; i++)
		if (c->wanted[i])
			r = mark_opaque(c, c->after.items[i], err);
	for (size_t i = 0; i < c->before.len && r >= 0; i++) {
		const char *path = c->before.items[i]->path;

		if (find(&c->after, path, strlen(path)) < 0 && needs_whiteout(c, path))
			r = make_whiteout(c, path, err);
	}
	return r < 0 ? r : set_times(c, err);
}

static void choose(struct collect *c)
{
	for (size_t i = 0; i < c->after.len; i++) {
		const struct entry *e = c->after.items[i], *old = lookup(&c->before, e->path, strlen(e->path));

		if (old && !differs(old, e))
			continue;
		c->wanted[i] = true;
		want_parents(c, e->path);
	}
	for (size_t i = 0; i < c->before.len; i++) {
		const char *path = c->before.items[i]->path;

		if (find(&c->after, path, strlen(path)) < 0 && needs_whiteout(c, path))
			want_parents(c, path);
	}
}

/* --- in a child, as root of the user namespace --- */

struct request {
	const struct build_tree *tree;
	const char *upper;
	const struct strv *lowers;
};

/* LIST becomes what is said of the tree before the next step. */
static int keep_list(const struct build_tree *t, const struct buf *list, struct err *err)
{
	if (ftruncate(t->list, 0) < 0 || lseek(t->list, 0, SEEK_SET) < 0)
		return err_errno(err, errno, "keep the list of files");
	return fs_write_all(t->list, buf_str(list), list->len, err);
}

/* Lays the lowers over the tree, and lists it. */
static int add_layers(void *arg, struct err *err)
{
	const struct request *q = arg;
	struct tree_copy copy = { .layers = q->lowers, .dest = q->tree->path };
	autobuf struct buf list = BUF_INIT(LIST_MAX);
	int r = tree_copy_here(&copy, err);

	if (r >= 0)
		r = list_tree(q->tree->path, &list, err);
	return r < 0 ? r : keep_list(q->tree, &list, err);
}

static int collect(void *arg, struct err *err)
{
	const struct request *q = arg;
	CLEANUP(entries_done)
	struct entries before = { .text = BUF_INIT(LIST_MAX) }, after = { .text = BUF_INIT(LIST_MAX) };
	autofree bool *wanted = NULL;
	autoclose int upper = open(q->upper, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct collect c;
	int r;

	if (upper < 0 || lseek(q->tree->list, 0, SEEK_SET) < 0)
		return err_errno(err, errno, "open '%s'", q->upper);
	r = fs_read_fd(q->tree->list, LIST_MAX, &before.text, err);
	if (r >= 0)
		r = list_tree(q->tree->path, &after.text, err);
	if (r >= 0)
		r = sort_entries(&before, err);
	if (r >= 0)
		r = sort_entries(&after, err);
	if (r < 0)
		return r;
	wanted = calloc(after.len + 1, sizeof(*wanted));
	if (!wanted)
		return err_oom(err);
	c = (struct collect){ before, after, wanted, upper };
	choose(&c);
	r = fill_upper(&c, q->tree, q->upper, err);
	return r < 0 ? r : keep_list(q->tree, &after.text, err);
}

static const struct idmap *map_of(const struct idmap *ids)
{
	return ids->mode == ID_MODE_ROOT ? NULL : ids;
}

int build_tree_make(const struct idmap *ids, const struct strv *lowers, const char *path, struct build_tree *ret,
		    struct err *err)
{
	if (mkdir(path, 0755) < 0 || chmod(path, 0755) < 0)
		return err_errno(err, errno, "make '%s'", path);
	ret->path = strdup(path);
	ret->list = memfd_create("files", MFD_CLOEXEC);
	if (!ret->path || ret->list < 0)
		return err_oom(err);
	return build_tree_add(ids, lowers, ret, err);
}

int build_tree_add(const struct idmap *ids, const struct strv *lowers, struct build_tree *t, struct err *err)
{
	struct request q = { t, NULL, lowers };

	return userns_run(map_of(ids), 0, add_layers, &q, err);
}

int build_tree_collect(const struct idmap *ids, const struct build_tree *t, const char *upper, struct err *err)
{
	struct request q = { t, upper, NULL };
	int r = userns_run(map_of(ids), 0, collect, &q, err);

	return r < 0 ? err_wrap(err, "collect what the step has changed") : 0;
}

#include "engine/build/changes.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/str.h"
#include "engine/tree_copy.h"
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

enum { LIST_MAX = 1 << 30, DEPTH_MAX = 1024, XATTR_NAMES_MAX = 64 * 1024 };

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
	int tree, upper;
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

static int copy_xattrs(int from, int to, struct err *err)
{
	autofree char *names = malloc(XATTR_NAMES_MAX), *value = malloc(XATTR_SIZE_MAX);
	ssize_t len = names && value ? flistxattr(from, names, XATTR_NAMES_MAX) : -1;

	for (const char *name = names; name && len > 0 && name < names + len; name += strlen(name) + 1) {
		ssize_t n = fgetxattr(from, name, value, XATTR_SIZE_MAX);

		if (n >= 0 && fsetxattr(to, name, value, (size_t)n, 0) < 0 && errno != EPERM && errno != EOPNOTSUPP)
			return err_errno(err, errno, "copy attribute '%s'", name);
	}
	return names && value ? 0 : err_oom(err);
}

static int move_folder(const struct collect *c, const struct entry *e, struct err *err)
{
	const struct entry *old = lookup(&c->before, e->path, strlen(e->path));
	autoclose int from = openat(c->tree, e->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), to = -1;
	int r;

	if (mkdirat(c->upper, e->path, 0700) < 0)
		return err_errno(err, errno, "make '%s'", e->path);
	to = openat(c->upper, e->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (from < 0 || to < 0)
		return err_errno(err, errno, "open '%s'", e->path);
	r = copy_xattrs(from, to, err);
	if (r < 0)
		return r;
	if (fchown(to, e->uid, e->gid) < 0 || fchmod(to, e->mode & 07777) < 0)
		return err_errno(err, errno, "give '%s' its owner and mode", e->path);
	/* Made anew in the place of another: nothing of that shows through. */
	if (old && S_ISDIR(old->mode) && old->ino != e->ino && fsetxattr(to, "user.overlay.opaque", "y", 1, 0) < 0)
		return err_errno(err, errno, "mark '%s' as opaque", e->path);
	return 0;
}

static int whiteout_refused(const char *path, int code, struct err *err)
{
	err_errno(err, code, "'%s' of a layer below was deleted, and a mark that says so (a whiteout) can't be made",
		  path);
	return err_hint(err, "put the store on another file system, with --root or XDG_DATA_HOME");
}

static int move_all(const struct collect *c, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < c->after.len && r >= 0; i++) {
		const struct entry *e = c->after.items[i];

		if (!c->wanted[i])
			continue;
		if (S_ISDIR(e->mode))
			r = move_folder(c, e, err);
		else if (renameat(c->tree, e->path, c->upper, e->path) < 0)
			r = err_errno(err, errno, "move '%s'", e->path);
	}
	for (size_t i = 0; i < c->before.len && r >= 0; i++) {
		const char *path = c->before.items[i]->path;

		if (find(&c->after, path, strlen(path)) >= 0 || !needs_whiteout(c, path))
			continue;
		if (mknodat(c->upper, path, S_IFCHR, 0) < 0)
			r = whiteout_refused(path, errno, err);
	}
	/* Last, and the innermost first: what was moved into a folder has changed its time. */
	for (size_t i = c->after.len; i-- > 0 && r >= 0;) {
		const struct entry *e = c->after.items[i];
		struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { e->mtime_s, e->mtime_ns } };

		if (c->wanted[i] && S_ISDIR(e->mode) && utimensat(c->upper, e->path, times, AT_SYMLINK_NOFOLLOW) < 0)
			r = err_errno(err, errno, "set the time of '%s'", e->path);
	}
	return r;
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
};

static int write_list(void *arg, struct err *err)
{
	const struct request *q = arg;
	autobuf struct buf list = BUF_INIT(LIST_MAX);
	int r = list_tree(q->tree->path, &list, err);

	return r < 0 ? r : fs_write_all(q->tree->list, buf_str(&list), list.len, err);
}

static int collect(void *arg, struct err *err)
{
	const struct request *q = arg;
	CLEANUP(entries_done)
	struct entries before = { .text = BUF_INIT(LIST_MAX) }, after = { .text = BUF_INIT(LIST_MAX) };
	autofree bool *wanted = NULL;
	autoclose int tree = open(q->tree->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoclose int upper = open(q->upper, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct collect c;
	int r;

	if (tree < 0 || upper < 0 || lseek(q->tree->list, 0, SEEK_SET) < 0)
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
	c = (struct collect){ before, after, wanted, tree, upper };
	choose(&c);
	return move_all(&c, err);
}

static const struct idmap *map_of(const struct idmap *ids)
{
	return ids->mode == ID_MODE_ROOT ? NULL : ids;
}

int build_tree_make(const struct idmap *ids, const struct strv *lowers, const char *path, struct build_tree *ret,
		    struct err *err)
{
	struct tree_copy copy = { .layers = lowers, .dest = path };
	struct request q = { ret, NULL };
	int r;

	if (mkdir(path, 0755) < 0 || chmod(path, 0755) < 0)
		return err_errno(err, errno, "make '%s'", path);
	ret->path = strdup(path);
	ret->list = memfd_create("files", MFD_CLOEXEC);
	if (!ret->path || ret->list < 0)
		return err_oom(err);
	r = tree_copy_run(&copy, ids, err);
	return r < 0 ? r : userns_run(map_of(ids), 0, write_list, &q, err);
}

int build_tree_collect(const struct idmap *ids, const struct build_tree *t, const char *upper, struct err *err)
{
	struct request q = { t, upper };
	int r = userns_run(map_of(ids), 0, collect, &q, err);

	return r < 0 ? err_wrap(err, "collect what the step has changed") : 0;
}

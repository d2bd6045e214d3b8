#include "build/sources.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "base/vec.h"
#include "codec/pattern.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

DEFINE_VEC(root_list, struct source_root)
DEFINE_VEC(entry_list, struct source_entry)

void sources_done(struct sources *s)
{
	for (size_t i = 0; i < s->roots_len; i++) {
		free(s->roots[i].path);
		free(s->roots[i].name);
	}
	free(s->roots);
	for (size_t i = 0; i < s->entries_len; i++)
		free(s->entries[i].path);
	free(s->entries);
	buf_done(&s->signature);
	*s = SOURCES_INIT;
}

static int add_root(struct sources *s, const char *path, const char *name, bool is_dir, struct err *err)
{
	struct root_list list = { s->roots, s->roots_len, s->roots_cap };
	struct source_root root = { strdup(path), strdup(name), is_dir };

	if (!root.path || !root.name || root_list_push(&list, root) < 0) {
		free(root.path);
		free(root.name);
		return err_oom(err);
	}
	s->roots = list.items;
	s->roots_len = list.len;
	s->roots_cap = list.cap;
	return 0;
}

static int64_t to_ns(struct timespec t)
{
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int sign(struct sources *s, const char *path, const struct stat *st, struct err *err)
{
	struct {
		uint64_t dev, ino, size;
		int64_t mtime, ctime;
		uint32_t mode, zero;
	} what = { .mode = st->st_mode };

	/* A folder's times and size change with names that may be left out; what matters of it is listed by itself. */
	if (!S_ISDIR(st->st_mode)) {
		what.dev = st->st_dev;
		what.ino = st->st_ino;
		what.size = (uint64_t)st->st_size;
		what.mtime = to_ns(st->st_mtim);
		what.ctime = to_ns(st->st_ctim);
		s->bytes += S_ISREG(st->st_mode) ? what.size : 0;
		if (what.ctime > s->newest_ns)
			s->newest_ns = what.ctime;
	}
	if (buf_add(&s->signature, path, strlen(path) + 1) < 0 || buf_add(&s->signature, &what, sizeof(what)) < 0)
		return err_errno(err, -s->signature.error, "list the files of the context");
	return 0;
}

static int add_entry(struct sources *s, const char *path, bool is_dir, struct err *err)
{
	struct entry_list list = { s->entries, s->entries_len, s->entries_cap };
	struct source_entry entry = { strdup(path), s->roots_len - 1, is_dir };

	if (list.len >= SOURCES_MAX) {
		free(entry.path);
		return err_set(err, E2BIG, "more than %d files", SOURCES_MAX);
	}
	if (!entry.path || entry_list_push(&list, entry) < 0) {
		free(entry.path);
		return err_oom(err);
	}
	s->entries = list.items;
	s->entries_len = list.len;
	s->entries_cap = list.cap;
	return 0;
}

int sources_add_found(struct sources *s, const char *path, const char *name, bool is_dir, struct err *err)
{
	int r = add_root(s, path, name, is_dir, err);

	return r < 0 ? r : add_entry(s, path, is_dir, err);
}

/* The names in the folder FD (consumed), sorted. */
static int list_names(int fd, struct strv *ret, struct err *err)
{
	autoclosedir DIR *dir = fdopendir(fd);
	struct dirent *e;

	if (!dir) {
		int code = errno;

		close(fd);
		return err_errno(err, code, "read a folder of the context");
	}
	while ((errno = 0, e = readdir(dir))) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (strv_add(ret, e->d_name) < 0)
			return err_oom(err);
	}
	if (errno)
		return err_errno(err, errno, "read a folder of the context");
	strv_sort(ret);
	return 0;
}

static char *join(const char *dir, const char *name)
{
	return strcmp(dir, ".") == 0 ? strdup(name) : str_format("%s/%s", dir, name);
}

static int walk_dir(struct sources *s, int dir_fd, const char *path, const struct dockerignore *ignore, int depth,
		    struct err *err);

/* Takes in NAME of the folder PARENT_FD, which is PATH below the context, unless it is left out. */
static int walk_entry(struct sources *s, int parent_fd, const char *name, const char *path,
		      const struct dockerignore *ignore, int depth, struct err *err)
{
	bool excluded = ignore && strcmp(path, ".") != 0 && dockerignore_excludes(ignore, path);
	size_t entries = s->entries_len, signature = s->signature.len;
	struct stat st;
	int fd, r;

	if (excluded && !dockerignore_may_include_below(ignore, path))
		return 0;
	if (fstatat(parent_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(err, errno, "'%s' in the context", path);
	if (S_ISSOCK(st.st_mode) || (excluded && !S_ISDIR(st.st_mode)))
		return 0;
	r = add_entry(s, path, S_ISDIR(st.st_mode), err);
	if (r >= 0)
		r = sign(s, path, &st, err);
	if (r < 0 || !S_ISDIR(st.st_mode) || s->shallow)
		return r;
	fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, errno, "open folder '%s' of the context", path);
	r = walk_dir(s, fd, path, ignore, depth + 1, err);
	/* A folder that is left out comes along only for what was taken back below it. */
	if (r >= 0 && excluded && s->entries_len == entries + 1) {
		free(s->entries[entries].path);
		s->entries_len = entries;
		s->signature.len = signature;
	}
	return r;
}

/* All that is in the folder DIR_FD, which is consumed. */
static int walk_dir(struct sources *s, int dir_fd, const char *path, const struct dockerignore *ignore, int depth,
		    struct err *err)
{
	autoclose int fd = dup(dir_fd);
	autostrv struct strv names = { 0 };
	int r = list_names(dir_fd, &names, err);

	if (r < 0)
		return r;
	if (fd < 0)
		return err_errno(err, errno, "dup");
	if (depth > SOURCES_DEPTH_MAX)
		return err_set(err, E2BIG, "folders of the context are nested deeper than %d", SOURCES_DEPTH_MAX);
	for (size_t i = 0; i < names.len && r >= 0; i++) {
		autofree char *below = join(path, names.items[i]);

		r = below ? walk_entry(s, fd, names.items[i], below, ignore, depth, err) : err_oom(err);
	}
	return r;
}

/* Where PATH leads with all links followed, relative to the context. -ENOENT. */
static int resolve(int context_fd, const char *path, char **ret, struct stat *st, struct err *err)
{
	autoclose int fd = fs_open_in_root(context_fd, path, O_PATH, 0, err);
	char link[64], base[PATH_MAX], real[PATH_MAX];
	ssize_t base_len, len;

	if (fd < 0)
		return fd;
	if (fstat(fd, st) < 0)
		return err_errno(err, errno, "'%s' in the context", path);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", context_fd);
	base_len = readlink(link, base, sizeof(base) - 1);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, real, sizeof(real) - 1);
	if (base_len < 0 || len < base_len)
		return err_errno(err, base_len < 0 || len < 0 ? errno : ENOENT, "'%s' in the context", path);
	real[len] = '\0';
	if (base_len == 1) /* "/" */
		base_len = 0;
	*ret = strdup(len == base_len || strcmp(real + base_len, "/") == 0 ? "." : real + base_len + 1);
	return *ret ? 0 : err_oom(err);
}

/* Takes in the file or folder PATH (which exists) as a root. *RET_ANY tells whether anything of it was not left out. */
static int add_path(struct sources *s, int context_fd, const struct dockerignore *ignore, const char *path,
		    bool *ret_any, struct err *err)
{
	size_t before = s->entries_len;
	autofree char *real = NULL;
	struct stat st;
	int r = resolve(context_fd, path, &real, &st, err);

	if (r < 0)
		return r;
	r = add_root(s, real, path_basename(path), S_ISDIR(st.st_mode), err);
	if (r < 0)
		return r;
	r = walk_entry(s, context_fd, real, real, ignore, 0, err);
	*ret_any = s->entries_len > before;
	if (r >= 0 && !*ret_any) {
		s->roots_len--;
		free(s->roots[s->roots_len].path);
		free(s->roots[s->roots_len].name);
	}
	return r;
}

/* Takes in what matches REST (patterns, parted by slashes) in the folder DIR of the context. */
static int add_matches(struct sources *s, int context_fd, const struct dockerignore *ignore, const char *dir,
		       const char *rest, struct err *err)
{
	size_t len = strcspn(rest, "/");
	autofree char *word = strndup(rest, len);
	CLEANUP(pattern_freep) struct pattern *pattern = NULL;
	autostrv struct strv names = { 0 };
	int fd, r;

	if (!word)
		return err_oom(err);
	r = pattern_new(word, 0, &pattern, err);
	if (r < 0)
		return r;
	fd = fs_open_in_root(context_fd, dir, O_RDONLY | O_DIRECTORY, 0, NULL);
	if (fd < 0)
		return fd == -ENOENT || fd == -ENOTDIR ? 0
						       : err_errno(err, -fd, "open folder '%s' of the context", dir);
	r = list_names(fd, &names, err);
	for (size_t i = 0; i < names.len && r >= 0; i++) {
		autofree char *path = NULL;
		bool any;

		if (!pattern_matches(pattern, names.items[i]))
			continue;
		path = join(dir, names.items[i]);
		if (!path)
			return err_oom(err);
		if (rest[len])
			r = add_matches(s, context_fd, ignore, path, rest + len + 1, err);
		else
			r = add_path(s, context_fd, ignore, path, &any, err);
		if (r == -ENOENT) /* a link that leads nowhere */
			r = 0;
	}
	return r;
}

/* As written in the Dockerfile: cleaned, never above the context, without the slash in front. */
static char *clean_source(const char *text)
{
	autofree char *rooted = str_format("/%s", text);
	char *clean = rooted ? path_clean(rooted) : NULL;

	if (!clean)
		return NULL;
	if (clean[1])
		memmove(clean, clean + 1, strlen(clean));
	else
		clean[0] = '.';
	return clean;
}

int sources_add(struct sources *s, int context_fd, const struct dockerignore *ignore, const char *pattern,
		struct err *err)
{
	autofree char *path = clean_source(pattern);
	bool any = false;
	int r;

	if (!path)
		return err_oom(err);
	if (pattern_is_wild(path)) {
		r = add_matches(s, context_fd, ignore, ".", path, err);
		return r < 0 ? err_wrap(err, "'%s'", pattern) : 0;
	}
	r = add_path(s, context_fd, ignore, path, &any, err);
	if (r == -ENOENT || r == -ENOTDIR)
		return err_set(err, ENOENT, "'%s' is not there", pattern);
	if (r >= 0 && !any)
		return err_set(err, ENOENT, "'%s' is left out by .dockerignore", pattern);
	return r < 0 ? err_wrap(err, "'%s'", pattern) : 0;
}

bool sources_dest_is_dir(const char *dest)
{
	const char *last = path_basename(dest);

	return !*last || strcmp(last, ".") == 0 || strcmp(last, "..") == 0;
}

char *sources_dest(const struct sources *s, size_t at, const char *dest, bool into)
{
	const struct source_entry *entry = &s->entries[at];
	const struct source_root *root = &s->roots[entry->root];
	const char *below;

	if (!root->is_dir)
		return into ? path_join(dest, root->name) : strdup(dest);
	if (strcmp(entry->path, root->path) == 0)
		return strdup(dest);
	below = strcmp(root->path, ".") == 0 ? entry->path : entry->path + strlen(root->path) + 1;
	return path_join(dest, below);
}

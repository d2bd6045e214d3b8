#include "layer/tree.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void tree_init(struct tree *t, int root_fd, bool in_root, const char *prefix)
{
	memset(t, 0, sizeof(*t));
	t->root_fd = root_fd;
	t->in_root = in_root;
	t->prefix = prefix;
	t->cwd_fd = -1;
}

static void forget_all(struct tree *t)
{
	for (size_t i = 0; i < TREE_CACHE; i++) {
		struct tree_folder *f = &t->cache[i];

		if (!f->path)
			continue;
		close(f->fd);
		free(TAKE_PTR(f->path));
	}
	t->cwd_fd = -1;
}

void tree_done(struct tree *t)
{
	forget_all(t);
}

static bool is_dots(const char *p, size_t len)
{
	return len == 2 && p[0] == '.' && p[1] == '.';
}

int tree_clean_name(const char *raw, char dst[static LAYER_PATH_MAX + 1], struct err *err)
{
	size_t at = 0, depth = 0;

	if (raw[0] == '/' && raw[1] != '\0') {
		err_set(err, EBADMSG, "the name is absolute");
		return err_hint(err, "make the archive with names relative to its root");
	}
	while (*raw) {
		size_t len = (size_t)(strchrnul(raw, '/') - raw);

		if (is_dots(raw, len))
			return err_set(err, EBADMSG, "the name has '..' in it: an attempt to break out");
		if (len > LAYER_NAME_MAX)
			return err_set(err, E2BIG, "a name is longer than %d bytes", LAYER_NAME_MAX);
		if (len > 0 && !(len == 1 && raw[0] == '.')) {
			if (at + len + 1 > LAYER_PATH_MAX)
				return err_set(err, E2BIG, "the path is longer than %d bytes", LAYER_PATH_MAX);
			if (++depth > LAYER_DEPTH_MAX)
				return err_set(err, E2BIG, "the path has more than %d folders", LAYER_DEPTH_MAX);
			if (at > 0)
				dst[at++] = '/';
			memcpy(dst + at, raw, len);
			at += len;
			dst[at] = '\0';
		}
		raw += len + (raw[len] == '/');
	}
	dst[at] = '\0';
	return 0;
}

/* --- the cache --- */

/* FNV-1a. */
static uint32_t hash_path(const char *path, size_t len)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (uint8_t)path[i]) * 16777619u;
	return hash;
}

/* Takes FD; on failure it is closed. */
static int remember(struct tree *t, const char *path, size_t len, uint32_t hash, int fd, struct err *err)
{
	struct tree_folder *f = &t->cache[hash % TREE_CACHE];
	char *copy = strndup(path, len);

	if (!copy) {
		close(fd);
		return err_oom(err);
	}
	if (f->path) {
		if (f->fd == t->cwd_fd)
			t->cwd_fd = -1;
		close(f->fd);
		free(f->path);
	}
	*f = (struct tree_folder){ fd, hash, copy };
	return fd;
}

/* --- opening --- */

static int open_path(struct tree *t, const char *path, size_t len)
{
	char full[2 * LAYER_PATH_MAX + 4];
	const int flags = O_PATH | O_DIRECTORY;
	int n = snprintf(full, sizeof(full), "%s%s%.*s", t->prefix, t->prefix[0] && len ? "/" : "", (int)len, path);

	if (n == 0)
		memcpy(full, ".", 2);
	if (t->in_root)
		return fs_open_in_root(t->root_fd, full, flags, 0, NULL);
	return fs_open_beneath_follow(t->root_fd, full, flags, 0, NULL);
}

static int explain_open(const char *path, size_t len, int code, struct err *err)
{
	if (code == EXDEV) {
		err_set(err, EBADMSG, "'%.*s' leads out of the folder through a symbolic link: an attempt to break out",
			(int)len, path);
		return err_hint(err, "an archive must not hold files below a link that it made to another place");
	}
	if (code == ENOTDIR)
		return err_set(err, EBADMSG, "'%.*s' is not a folder, but something is said to be in it", (int)len,
			       path);
	if (code == ELOOP)
		return err_set(err, EBADMSG, "'%.*s' is a loop of symbolic links", (int)len, path);
	return err_errno(err, code, "open folder '%.*s'", (int)len, path);
}

static size_t parent_len(const char *path, size_t len)
{
	while (len > 0 && path[len - 1] != '/')
		len--;
	return len > 0 ? len - 1 : 0;
}

/*
 * A link that leads nowhere, in an existing root (/var/lock -> /run/lock in an image without /run/lock):
 * what it leads to is made, as a container that has it as its root would see it.
 */
static int make_link_target(const struct tree *t, int parent_fd, const char *name, const char *path, size_t len,
			    struct err *err)
{
	char target[LAYER_PATH_MAX + 1], clean[LAYER_PATH_MAX + 1];
	autofree char *base = NULL, *full = NULL;
	ssize_t n = readlinkat(parent_fd, name, target, sizeof(target) - 1);
	struct tree inner;
	int r;

	if (n < 0 || !t->in_root || t->links == TREE_LINKS_MAX)
		return err_set(err, EBADMSG, "'%.*s' is a link that leads nowhere, but something is said to be in it",
			       (int)len, path);
	target[n] = '\0';
	base = str_format("/%s/%.*s", t->prefix, (int)parent_len(path, len), path);
	full = base ? path_resolve(base, target) : NULL;
	if (!full)
		return err_oom(err);
	r = tree_clean_name(full + 1, clean, err);
	if (r < 0)
		return r;
	tree_init(&inner, t->root_fd, true, "");
	inner.on_make = t->on_make;
	inner.on_make_arg = t->on_make_arg;
	inner.links = t->links + 1;
	r = tree_open_folder(&inner, clean, strlen(clean), err);
	tree_done(&inner);
	return r < 0 ? err_wrap(err, "the link '%.*s'", (int)len, path) : 0;
}

/* One missing folder, whose parent PARENT_FD is. */
static int make_folder(struct tree *t, int parent_fd, const char *path, size_t len, struct err *err)
{
	char name[LAYER_NAME_MAX + 1];
	size_t from = parent_len(path, len);

	from += path[from] == '/';
	memcpy(name, path + from, len - from);
	name[len - from] = '\0';
	if (mkdirat(parent_fd, name, 0755) == 0) {
		int r = t->on_make ? t->on_make(t->on_make_arg, parent_fd, name, err) : 0;

		/* The caller closes PARENT_FD, and its number will be another folder's. */
		t->cwd_fd = -1;
		return r;
	}
	/* A link that leads nowhere is there, but can't be opened. */
	if (errno == EEXIST)
		return make_link_target(t, parent_fd, name, path, len, err);
	return err_errno(err, errno, "make folder '%.*s'", (int)len, path);
}

int tree_open_folder(struct tree *t, const char *path, size_t len, struct err *err)
{
	uint32_t hash = hash_path(path, len);
	const struct tree_folder *f = &t->cache[hash % TREE_CACHE];
	size_t exists = len;
	int fd;

	if (f->path && f->hash == hash && strncmp(f->path, path, len) == 0 && f->path[len] == '\0')
		return f->fd;
	/* Back to the nearest that exists, then forth again. */
	while ((fd = open_path(t, path, exists)) == -ENOENT && exists > 0)
		exists = parent_len(path, exists);
	if (fd < 0)
		return explain_open(path, exists, -fd, err);
	while (exists < len) {
		size_t next = exists + (exists > 0);
		int parent = fd, r;

		while (next < len && path[next] != '/')
			next++;
		r = make_folder(t, parent, path, next, err);
		fd = r < 0 ? r : open_path(t, path, next);
		close(parent);
		if (r < 0)
			return r;
		if (fd < 0)
			return explain_open(path, next, -fd, err);
		exists = next;
	}
	return remember(t, path, len, hash, fd, err);
}

int tree_open_parent(struct tree *t, const char *name, const char **ret_base, struct err *err)
{
	size_t len = strlen(name), parent = parent_len(name, len);

	*ret_base = len == 0 ? "." : name + parent + (name[parent] == '/');
	return tree_open_folder(t, name, parent, err);
}

int tree_remove(struct tree *t, int dir_fd, const char *name, struct err *err)
{
	struct stat st;
	int r = 0, own_fd;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_errno(err, errno, "look at what is there");
	if (!S_ISDIR(st.st_mode) && !S_ISLNK(st.st_mode)) {
		if (unlinkat(dir_fd, name, 0) < 0)
			r = err_errno(err, errno, "remove what is there");
		return r;
	}
	/* The cache may know the folder, or one behind the link, by this name; DIR_FD itself stays in use. */
	if (S_ISDIR(st.st_mode)) {
		/* It must be readable for that; DIR_FD is an O_PATH descriptor. */
		own_fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		r = own_fd < 0 ? err_errno(err, errno, "open folder") : fs_remove_tree(own_fd, name, err);
		if (own_fd >= 0)
			close(own_fd);
		t->removed_folder = true;
	} else if (unlinkat(dir_fd, name, 0) < 0) {
		r = err_errno(err, errno, "remove what is there");
	}
	for (size_t i = 0; i < TREE_CACHE; i++) {
		struct tree_folder *f = &t->cache[i];

		if (!f->path || f->fd == dir_fd)
			continue;
		if (f->fd == t->cwd_fd)
			t->cwd_fd = -1;
		close(f->fd);
		free(TAKE_PTR(f->path));
	}
	return r;
}

int tree_enter(struct tree *t, int dir_fd, struct err *err)
{
	if (t->cwd_fd == dir_fd)
		return 0;
	if (fchdir(dir_fd) < 0)
		return err_errno(err, errno, "enter the folder");
	t->cwd_fd = dir_fd;
	return 0;
}

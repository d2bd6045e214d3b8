#include "engine/tree_copy.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "codec/owner.h"
#include "layer/whiteout.h"
#include "sys/fs.h"
#include "sys/userns.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { DEPTH_MAX = 1024, ATTRIBUTES_MAX = 64 * 1024, LINK_BUCKETS = 4096 };

/* A file with more than one name, and the first name that it got in the copy. */
struct link {
	dev_t dev;
	ino_t ino;
	char *path;
	struct link *next;
};

struct state {
	const struct tree_copy *copy;
	int root; /* of the copy */
	struct link *links[LINK_BUCKETS];
};

static void state_done(struct state *s)
{
	for (size_t i = 0; i < LINK_BUCKETS; i++) {
		for (struct link *l = s->links[i], *next; l; l = next) {
			next = l->next;
			free(l->path);
			free(l);
		}
	}
	if (s->root >= 0)
		close(s->root);
}

/* --- attributes --- */

/* All but those with which the overlay marks its own things. What the file system refuses is left out, as the kernel's copy-up does. */
static void copy_xattrs(int from, int to)
{
	static const char marker[] = "user.overlay.";
	autofree char *names = malloc(ATTRIBUTES_MAX), *value = malloc(ATTRIBUTES_MAX);
	ssize_t len = names && value ? flistxattr(from, names, ATTRIBUTES_MAX) : -1;

	for (ssize_t at = 0; at < len; at += (ssize_t)strlen(names + at) + 1) {
		ssize_t n;

		if (str_starts_with(names + at, marker))
			continue;
		n = fgetxattr(from, names + at, value, ATTRIBUTES_MAX);
		if (n >= 0)
			(void)!fsetxattr(to, names + at, value, (size_t)n, 0);
	}
}

/* Owner before mode, since a change of owner takes the set-id bits away. */
static int copy_metadata(int from, int to, const struct stat *st, struct err *err)
{
	const struct timespec times[2] = { st->st_atim, st->st_mtim };

	if (fchown(to, st->st_uid, st->st_gid) < 0)
		return err_errno(err, errno, "set the owner");
	copy_xattrs(from, to);
	if (fchmod(to, st->st_mode & 07777) < 0)
		return err_errno(err, errno, "set the mode");
	return futimens(to, times) < 0 ? err_errno(err, errno, "set the time") : 0;
}

/* --- one entry --- */

static struct link **find_link(struct state *s, const struct stat *st)
{
	struct link **at = &s->links[(st->st_ino ^ st->st_dev) % LINK_BUCKETS];

	while (*at && ((*at)->ino != st->st_ino || (*at)->dev != st->st_dev))
		at = &(*at)->next;
	return at;
}

/* 1: NAME is now a link to the first name; 0: it is the first. */
static int follow_link(struct state *s, const struct stat *st, int to, const char *name, const char *path,
		       struct err *err)
{
	struct link **at = find_link(s, st), *fresh;

	if (*at)
		return linkat(s->root, (*at)->path, to, name, 0) < 0
			       ? err_errno(err, errno, "link to '%s'", (*at)->path)
			       : 1;
	fresh = calloc(1, sizeof(*fresh));
	if (!fresh || !(fresh->path = strdup(path))) {
		free(fresh);
		return err_oom(err);
	}
	fresh->dev = st->st_dev;
	fresh->ino = st->st_ino;
	*at = fresh;
	return 0;
}

static int copy_file(struct state *s, int from, int to, const char *name, const char *path, const struct stat *st,
		     struct err *err)
{
	autoclose int in = -1, out = -1;
	int r;

	if (s->copy->hard_links)
		return linkat(from, name, to, name, 0) < 0 ? err_errno(err, errno, "link") : 0;
	r = st->st_nlink > 1 ? follow_link(s, st, to, name, path, err) : 0;
	if (r != 0)
		return r < 0 ? r : 0;
	in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (in < 0 || out < 0)
		return err_errno(err, errno, "open");
	r = fs_copy_data(in, out, (uint64_t)st->st_size, err);
	return r < 0 ? r : copy_metadata(in, out, st, err);
}

/*
 * Owner and times of a link, fifo or device. Where one id is mapped, its owner, or what a stand-in stands for, is in an
 * attribute; there is no call by descriptor for it.
 */
static int copy_node_metadata(int from, int to, const char *name, const struct stat *st, struct err *err)
{
	const struct timespec times[2] = { st->st_atim, st->st_mtim };
	autofree char *source_path = str_format("/proc/self/fd/%d/%s", from, name),
		      *dest_path = str_format("/proc/self/fd/%d/%s", to, name);
	char value[256];
	ssize_t n;

	if (!source_path || !dest_path)
		return err_oom(err);
	if (fchownat(to, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(err, errno, "set the owner");
	if (!S_ISLNK(st->st_mode) && fchmodat(to, name, st->st_mode & 07777, 0) < 0)
		return err_errno(err, errno, "set the mode");
	n = lgetxattr(source_path, OWNER_ATTR_CAPABILITY, value, sizeof(value));
	if (n >= 0)
		(void)!lsetxattr(dest_path, OWNER_ATTR_CAPABILITY, value, (size_t)n, 0);
	return utimensat(to, name, times, AT_SYMLINK_NOFOLLOW) < 0 ? err_errno(err, errno, "set the time") : 0;
}

static int copy_symlink(int from, int to, const char *name, const struct stat *st, struct err *err)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(from, name, target, sizeof(target) - 1);

	if (n < 0)
		return err_errno(err, errno, "read the link");
	target[n] = '\0';
	if (symlinkat(target, to, name) < 0)
		return err_errno(err, errno, "make the link");
	return copy_node_metadata(from, to, name, st, err);
}

/* Fifos and, where we have the right, devices; where we haven't, they are left out, as nobody could open them anyway. */
static int copy_special(int from, int to, const char *name, const struct stat *st, struct err *err)
{
	if (mknodat(to, name, st->st_mode, st->st_rdev) < 0)
		return errno == EPERM ? 0 : err_errno(err, errno, "make");
	return copy_node_metadata(from, to, name, st, err);
}

static int copy_dir(struct state *s, int from, int to, const char *path, int depth, struct err *err);

static bool is_opaque(int fd)
{
	char value;

	return fgetxattr(fd, "user.overlay.opaque", &value, 1) == 1 && value == 'y';
}

static int enter_dir(struct state *s, int from, int to, const char *name, const char *path, const struct stat *st,
		     int depth, struct err *err)
{
	autoclose int in = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), out = -1;
	struct stat there;
	int r = 0;

	if (in < 0)
		return err_errno(err, errno, "open");
	if (fstatat(to, name, &there, AT_SYMLINK_NOFOLLOW) == 0 && (!S_ISDIR(there.st_mode) || is_opaque(in)))
		r = fs_remove_tree(to, name, err);
	if (r < 0)
		return r;
	if (mkdirat(to, name, 0700) < 0 && errno != EEXIST)
		return err_errno(err, errno, "make the folder");
	out = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (out < 0)
		return err_errno(err, errno, "open the folder");
	r = copy_dir(s, in, out, path, depth + 1, err);
	return r < 0 ? r : copy_metadata(in, out, st, err);
}

static int copy_entry(struct state *s, int from, int to, const char *name, const char *path, int depth, struct err *err)
{
	struct stat st;
	int r;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(err, errno, "look at '%s'", path);
	if (S_ISDIR(st.st_mode)) {
		r = enter_dir(s, from, to, name, path, &st, depth, err);
		return r < 0 ? err_wrap(err, "'%s'", path) : 0;
	}
	r = fs_remove_tree(to, name, err);
	if (r < 0 || whiteout_is(&st))
		return r;
	if (S_ISREG(st.st_mode))
		r = copy_file(s, from, to, name, path, &st, err);
	else if (S_ISLNK(st.st_mode))
		r = copy_symlink(from, to, name, &st, err);
	else
		r = copy_special(from, to, name, &st, err);
	return r < 0 ? err_wrap(err, "'%s'", path) : 0;
}

static int copy_dir(struct state *s, int from, int to, const char *path, int depth, struct err *err)
{
	int copy = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	autoclosedir DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *d;

	if (!dir)
		return err_errno(err, errno, "read '%s'", path);
	if (depth > DEPTH_MAX)
		return err_set(err, ELOOP, "'%s': more than %d folders deep", path, DEPTH_MAX);
	while (r >= 0 && (d = readdir(dir))) {
		autofree char *child = NULL;

		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		child = *path ? path_join(path, d->d_name) : strdup(d->d_name);
		if (child && s->copy->want && !s->copy->want(s->copy->want_arg, child))
			continue;
		r = child ? copy_entry(s, from, to, d->d_name, child, depth, err) : err_oom(err);
	}
	return r;
}

/* --- all layers, the lowest first --- */

static int copy_layer(struct state *s, const char *layer, struct err *err)
{
	autoclose int from = open(layer, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;
	int r;

	if (from < 0 || fstat(from, &st) < 0)
		return err_errno(err, errno, "open layer '%s'", layer);
	r = copy_dir(s, from, s->root, "", 0, err);
	return r < 0 ? r : copy_metadata(from, s->root, &st, err);
}

static int copy_folder(struct state *s, struct err *err)
{
	const char *path = s->copy->source_path;
	autoclose int from = fs_open_in_root(s->copy->source_fd, path, O_RDONLY | O_DIRECTORY, 0, err);
	struct stat st;
	int r;

	if (from < 0)
		return from;
	if (fstat(from, &st) < 0)
		return err_errno(err, errno, "look at '%s'", path);
	r = copy_dir(s, from, s->root, "", 0, err);
	return r < 0 ? r : copy_metadata(from, s->root, &st, err);
}

int tree_copy_here(const struct tree_copy *copy, struct err *err)
{
	CLEANUP(state_done)
	struct state s = { .copy = copy, .root = open(copy->dest, O_RDONLY | O_DIRECTORY | O_CLOEXEC) };
	int r = s.root < 0 ? err_errno(err, errno, "open '%s'", copy->dest) : 0;

	umask(0);
	if (r >= 0 && !copy->layers)
		return copy_folder(&s, err);
	for (size_t i = copy->layers->len; r >= 0 && i-- > 0;)
		r = copy_layer(&s, copy->layers->items[i], err);
	return r;
}

static int copy_all(void *arg, struct err *err)
{
	return tree_copy_here(arg, err);
}

int tree_copy_run(const struct tree_copy *copy, const struct idmap *ids, struct err *err)
{
	struct tree_copy c = *copy;

	return userns_run(ids->mode == ID_MODE_ROOT ? NULL : ids, 0, copy_all, &c, err);
}

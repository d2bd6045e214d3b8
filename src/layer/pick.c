#include "layer/pick.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "layer/names.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

struct walker {
	const struct picker *k;
	char below[LAYER_PATH_MAX + 1];
	size_t below_len;
	struct picked picked;
};

static int read_link(int dir_fd, const char *name, struct picked *p, struct err *err)
{
	ssize_t n = readlinkat(dir_fd, name, p->link, sizeof(p->link) - 1);

	if (n < 0)
		return err_errno(err, errno, "read the link");
	p->link[n] = '\0';
	return 0;
}

static int read_owner(int dir_fd, const char *name, struct picked *p, struct err *err)
{
	const char *attr = owner_attr_name(p->st.st_mode);
	uint8_t value[OWNER_VALUE_MAX];
	ssize_t n;

	p->owner = (struct owner){ .uid = p->st.st_uid, .gid = p->st.st_gid };
	if (p->fd >= 0) {
		n = fgetxattr(p->fd, attr, value, sizeof(value));
	} else {
		if (fchdir(dir_fd) < 0)
			return err_errno(err, errno, "enter the folder");
		n = lgetxattr(name, attr, value, sizeof(value));
	}
	/* None, or none that is ours: the inode tells. */
	if (n >= 0)
		(void)owner_decode(p->st.st_mode, value, (size_t)n, &p->owner);
	return 0;
}

static int look(struct walker *w, int dir_fd, const char *name, struct err *err)
{
	struct picked *p = &w->picked;
	int r = 0;

	p->fd = -1;
	p->link[0] = '\0';
	p->below = w->below;
	if (fstatat(dir_fd, name, &p->st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(err, errno, "look at it");
	if (S_ISREG(p->st.st_mode) || S_ISDIR(p->st.st_mode)) {
		p->fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (p->fd < 0)
			return err_errno(err, errno, "open");
	} else if (S_ISLNK(p->st.st_mode)) {
		r = read_link(dir_fd, name, p, err);
	}
	return r >= 0 && w->k->owners ? read_owner(dir_fd, name, p, err) : r;
}

static int visit(struct walker *w, int dir_fd, const char *name, int depth, struct err *err);

static int visit_children(struct walker *w, int fd, int depth, struct err *err)
{
	struct names CLEANUP(names_done) names = { 0 };
	size_t len = w->below_len;
	int r = names_read(&names, fd, err);

	if (depth >= LAYER_DEPTH_MAX)
		return err_set(err, E2BIG, "more than %d folders within each other", LAYER_DEPTH_MAX);
	for (size_t i = 0; i < names.len && r >= 0; i++) {
		const char *name = names_at(&names, i);
		size_t name_len = strlen(name);

		if (len + name_len + 1 > LAYER_PATH_MAX)
			return err_set(err, E2BIG, "a path is longer than %d bytes", LAYER_PATH_MAX);
		if (len > 0)
			w->below[w->below_len++] = '/';
		memcpy(w->below + w->below_len, name, name_len + 1);
		w->below_len += name_len;
		r = visit(w, fd, name, depth + 1, err);
		if (r < 0)
			return err_wrap(err, "'%.256s'", name);
		w->below_len = len;
		w->below[len] = '\0';
	}
	return r;
}

static int visit(struct walker *w, int dir_fd, const char *name, int depth, struct err *err)
{
	int r = look(w, dir_fd, name, err), fd = w->picked.fd;

	if (r >= 0)
		r = w->k->each(w->k->arg, &w->picked, err);
	if (r >= 0 && w->k->recurse && S_ISDIR(w->picked.st.st_mode))
		r = visit_children(w, fd, depth, err);
	if (fd >= 0)
		close(fd);
	return r;
}

void pick_parent_done(struct pick_parent *p)
{
	free(p->path);
	if (p->fd >= 0)
		close(p->fd);
	*p = PICK_PARENT_INIT;
}

/* The folder of LEN bytes of PATH, "" being the root; borrowed. */
static int open_parent(const struct picker *k, const char *path, size_t len, struct err *err)
{
	struct pick_parent *p = k->parent;

	if (p->path && strncmp(p->path, path, len) == 0 && p->path[len] == '\0')
		return p->fd;
	pick_parent_done(p);
	p->path = strndup(path, len);
	if (!p->path)
		return err_oom(err);
	p->fd = fs_open_in_root(k->root_fd, len ? p->path : ".", O_RDONLY | O_DIRECTORY, 0, err);
	if (p->fd < 0) {
		int r = p->fd;

		pick_parent_done(p);
		return r;
	}
	return p->fd;
}

int pick(const struct picker *k, const char *path, struct err *err)
{
	autofree char *clean = path_clean(path);
	autofree struct walker *w = calloc(1, sizeof(*w));
	const char *base, *slash;
	int dir_fd, r;

	if (!clean || !w)
		return err_oom(err);
	w->k = k;
	slash = strrchr(clean, '/');
	base = slash ? slash + 1 : clean;
	dir_fd = open_parent(k, clean, slash ? (size_t)(slash - clean) : 0, err);
	if (dir_fd < 0)
		return dir_fd;
	r = visit(w, dir_fd, base[0] ? base : ".", 0, err);
	return r < 0 ? err_wrap(err, "'%.512s'", clean) : 0;
}

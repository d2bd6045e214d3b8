#include "layer/walk.h"

#include "base/cleanup.h"
#include "layer/names.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

static int walk(struct walk *w, int dir_fd, struct err *err);

static int visit(struct walk *w, struct subject *s, struct err *err)
{
	size_t len = w->path_len;
	int r = w->visit(w, s, err);

	if (r <= 0)
		return r;
	r = walk(w, s->fd, err);
	w->path_len = len;
	w->path[len] = '\0';
	return r >= 0 && w->leave ? w->leave(w, err) : r;
}

static int enter(struct walk *w, int dir_fd, const char *name, uint8_t type, struct err *err)
{
	size_t len = strlen(name), slash = w->path_len > 0;
	struct subject s;
	int r;

	if (w->path_len + slash + len > LAYER_PATH_MAX || w->depth > LAYER_DEPTH_MAX)
		return err_set(err, E2BIG, "the path '%.64s…' is too long or too deep", w->path);
	if (slash)
		w->path[w->path_len++] = '/';
	memcpy(w->path + w->path_len, name, len + 1);
	w->path_len += len;
	r = subject_open(dir_fd, name, type, &s, err);
	if (r >= 0)
		r = visit(w, &s, err);
	if (s.fd >= 0)
		close(s.fd);
	return r;
}

static int walk(struct walk *w, int dir_fd, struct err *err)
{
	struct names CLEANUP(names_done) names = { 0 };
	size_t path_len = w->path_len;
	int r = names_read(&names, dir_fd, err);
	bool here = false;

	w->depth++;
	for (size_t i = 0; i < names.len && r >= 0; i++) {
		uint8_t type = names.items[i].type;

		/* Needed for what has no descriptor; a walk through a folder below has left it. */
		if (!here && type != DT_REG && type != DT_DIR) {
			if (fchdir(dir_fd) < 0)
				return err_errno(err, errno, "enter the folder");
			here = true;
		}
		r = enter(w, dir_fd, names_at(&names, i), type, err);
		if (r < 0) {
			/* Said once, by the innermost. */
			if (!w->failed)
				err_wrap(err, "'%.512s'", w->path);
			w->failed = true;
			return r;
		}
		if (type == DT_DIR || type == DT_UNKNOWN)
			here = false;
		w->path_len = path_len;
		w->path[path_len] = '\0';
	}
	w->depth--;
	return r;
}

int walk_tree(struct walk *w, int tree_fd, struct err *err)
{
	struct subject root = { .fd = tree_fd, .name = "." };

	w->path[0] = '\0';
	w->path_len = 0;
	w->depth = 0;
	w->failed = false;
	if (fstat(tree_fd, &root.st) < 0)
		return err_errno(err, errno, "look at the tree");
	return visit(w, &root, err);
}

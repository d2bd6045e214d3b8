#include "layer/folders.h"

#include "layer/attrs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int folders_add(struct folders *f, const char *path, uint32_t mode, int64_t mtime, uint32_t mtime_nsec, struct err *err)
{
	char *copy;

	if (f->len == f->cap) {
		size_t cap = f->cap ? f->cap * 2 : 64;
		struct pending_folder *grown = reallocarray(f->items, cap, sizeof(*grown));

		if (!grown)
			return err_oom(err);
		f->items = grown;
		f->cap = cap;
	}
	copy = strdup(path);
	if (!copy)
		return err_oom(err);
	f->items[f->len++] = (struct pending_folder){ copy, mode, mtime_nsec, mtime };
	return 0;
}

void folders_done(struct folders *f)
{
	for (size_t i = 0; i < f->len; i++)
		free(f->items[i].path);
	free(f->items);
}

static int finish(const struct pending_folder *p, struct tree *t, struct err *err)
{
	struct attrs_target target = { -1, .type = S_IFDIR };
	struct stat st;
	int r = tree_open_parent(t, p->path, &target.name, err);

	if (r < 0)
		return r;
	target.dir_fd = r;
	if (t->removed_folder && (fstatat(r, target.name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode)))
		return 0;
	if (p->mode & 06000 && fchmodat(target.dir_fd, target.name, p->mode & 07777, 0) < 0)
		return err_errno(err, errno, "set its mode");
	return attrs_set_mtime(&target, p->mtime, p->mtime_nsec, err);
}

int folders_finish(const struct folders *f, struct tree *t, struct err *err)
{
	for (size_t i = 0; i < f->len; i++) {
		int r = finish(&f->items[i], t, err);

		if (r < 0)
			return err_wrap(err, "folder '%.256s'", f->items[i].path);
	}
	return 0;
}

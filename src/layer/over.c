#include "layer/over.h"

#include "base/cleanup.h"
#include "layer/attrs.h"
#include "layer/names.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { FIRST_CAP = 1024, XATTR_LIST_ROOM = 65536 };

/* --- names of this archive --- */

/*
 * FNV-1a of 64 bits from a random start, or an archive could choose names that all want the same slot. 0 stands for a
 * free slot.
 */
static uint64_t hash_of(const struct over *o, const char *path, size_t len)
{
	uint64_t hash = o->seed;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (uint8_t)path[i]) * UINT64_C(0x100000001b3);
	hash ^= hash >> 32;
	return hash ? hash : 1;
}

static uint64_t *find(uint64_t *slots, size_t cap, uint64_t hash)
{
	for (size_t at = (size_t)(hash >> 20);; at++) {
		uint64_t *slot = &slots[at & (cap - 1)];

		if (*slot == 0 || *slot == hash)
			return slot;
	}
}

static int grow(struct over *o)
{
	size_t cap = o->cap ? o->cap * 2 : FIRST_CAP;
	uint64_t *slots = calloc(cap, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	if (!o->seed && getrandom(&o->seed, sizeof(o->seed), 0) != sizeof(o->seed)) {
		free(slots);
		return -EIO;
	}
	for (size_t i = 0; i < o->cap; i++)
		if (o->slots[i])
			*find(slots, cap, o->slots[i]) = o->slots[i];
	free(o->slots);
	o->slots = slots;
	o->cap = cap;
	return 0;
}

/* 1: it is new. */
static int add(struct over *o, const char *path, size_t len)
{
	uint64_t hash, *slot;

	if (o->len * 2 >= o->cap && grow(o) < 0)
		return -ENOMEM;
	hash = hash_of(o, path, len);
	slot = find(o->slots, o->cap, hash);
	if (*slot)
		return 0;
	*slot = hash;
	o->len++;
	return 1;
}

static bool has(const struct over *o, const char *path)
{
	return o->cap && *find(o->slots, o->cap, hash_of(o, path, strlen(path)));
}

void over_done(struct over *o)
{
	free(o->slots);
	*o = (struct over){ 0 };
}

/* --- what it is put into --- */

/* PATH is a folder that this archive has said nothing of so far; its mode stays as it is. */
static int keep_times(struct tree *t, struct folders *folders, const struct tar_entry *e, const char *path,
		      struct err *err)
{
	autoclose int fd = fs_open_in_root(t->root_fd, *path ? path : ".", O_PATH | O_DIRECTORY, 0, NULL);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return folders_add(folders, path, 0, e->mtime, e->mtime_nsec, err);
	return folders_add(folders, path, 0, st.st_mtim.tv_sec, (uint32_t)st.st_mtim.tv_nsec, err);
}

int over_note(struct over *o, struct tree *t, struct folders *folders, const struct tar_entry *e, const char *name,
	      bool is_whiteout, struct err *err)
{
	char path[LAYER_PATH_MAX + 1];
	size_t len = strlen(name), at = 0;
	int r = 0;

	memcpy(path, name, len + 1);
	/* "", "a", "a/b" of "a/b/c". */
	while (r >= 0 && len > 0) {
		char kept = path[at];

		path[at] = '\0';
		r = add(o, path, at);
		if (r < 0)
			return err_oom(err);
		if (r > 0)
			r = keep_times(t, folders, e, path, err);
		path[at] = kept;
		at += kept == '/';
		while (at < len && path[at] != '/')
			at++;
		if (at == len)
			break;
	}
	if (r < 0 || is_whiteout)
		return r < 0 ? r : 0;
	return add(o, name, len) < 0 ? err_oom(err) : 0;
}

/* --- deletion --- */

struct emptying {
	const struct over *o;
	struct tree *t;
	char path[LAYER_PATH_MAX + LAYER_NAME_MAX + 2];
	size_t len;
};

static int empty_folder(struct emptying *e, int dir_fd, int depth, struct err *err);

/* NAME in the folder DIR_FD, which e->path leads to. */
static int delete_one(struct emptying *e, int dir_fd, const char *name, int depth, struct err *err)
{
	size_t len = e->len, name_len = strlen(name);
	int r;

	if (len + name_len + 2 > sizeof(e->path) || depth > LAYER_DEPTH_MAX)
		return err_set(err, E2BIG, "the folders of the tree are too deep");
	if (len > 0)
		e->path[e->len++] = '/';
	memcpy(e->path + e->len, name, name_len + 1);
	e->len += name_len;
	if (!has(e->o, e->path)) {
		r = tree_remove(e->t, dir_fd, name, err);
	} else {
		autoclose int inner = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		/* Anything but a folder is wholly of this archive. */
		r = inner < 0 ? 0 : empty_folder(e, inner, depth + 1, err);
	}
	e->len = len;
	e->path[len] = '\0';
	return r;
}

static int empty_folder(struct emptying *e, int dir_fd, int depth, struct err *err)
{
	struct names CLEANUP(names_done) names = { 0 };
	int r = names_read(&names, dir_fd, err);

	for (size_t i = 0; r >= 0 && i < names.len; i++)
		r = delete_one(e, dir_fd, names_at(&names, i), depth, err);
	return r;
}

int over_empty(const struct over *o, struct tree *t, const char *path, struct err *err)
{
	struct emptying e = { .o = o, .t = t, .len = strlen(path) };
	int parent = tree_open_folder(t, path, e.len, err);
	/* What the tree has in its cache is no readable descriptor, and goes when something is removed. */
	autoclose int fd = parent < 0 ? -1 : openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (parent < 0)
		return parent;
	if (fd < 0)
		return err_errno(err, errno, "open the folder");
	memcpy(e.path, path, e.len + 1);
	return empty_folder(&e, fd, 0, err);
}

int over_delete(const struct over *o, struct tree *t, int dir_fd, const char *base, const char *path, struct err *err)
{
	struct stat st;

	if (!has(o, path))
		return tree_remove(t, dir_fd, base, err);
	if (fstatat(dir_fd, base, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
		return over_empty(o, t, path, err);
	return 0;
}

int over_clear_attrs(int dir_fd, const char *base, struct err *err)
{
	autoclose int fd = openat(dir_fd, base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	autofree char *list = malloc(XATTR_LIST_ROOM);
	ssize_t len;

	if (!list)
		return err_oom(err);
	len = fd < 0 ? -1 : flistxattr(fd, list, XATTR_LIST_ROOM);
	if (len < 0)
		return errno == EOPNOTSUPP ? 0 : err_errno(err, errno, "list its attributes");
	for (const char *name = list; name < list + len; name += strlen(name) + 1)
		/* What isn't ours to remove (security.selinux) is the machine's, not the image's. */
		if (!attrs_is_private(name))
			(void)fremovexattr(fd, name);
	return 0;
}

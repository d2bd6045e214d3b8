/*
 * Mark and sweep. The exclusive lock means that nobody relies on anything that no root names (invariant
 * 5 in store.h), so what is not marked may go. In doubt (a root that can't be read) nothing goes.
 */
#include "store/gc.h"

#include "base/str.h"
#include "store/marks.h"
#include "store/ref.h"
#include "store/usage.h"
#include "sys/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Word that was left; and that of a collector at work, which stays if it is killed. */
#define GC_WANTED "lock/gc-wanted"
#define GC_RUNNING "lock/gc-running"

/* Moves what is not marked out of FOLDER. Half-written files that a kill left in blobs/ have other names, and go too. */
static int sweep(struct store *s, const char *folder, const struct marks *marks, uint64_t *count, uint64_t *bytes,
		 struct err *err)
{
	autoclosedir DIR *dir = marks_open_folder(s, folder, err);
	struct dirent *d;
	int r = 0;

	if (!dir)
		return -EIO;
	while (r >= 0 && (d = readdir(dir))) {
		autofree char *path = path_join(folder, d->d_name);

		if (!path)
			return err_oom(err);
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0 || marks_have(marks, d->d_name))
			continue;
		*bytes += store_thing_size(s, path);
		++*count;
		r = store_trash(s, path, err);
	}
	return r;
}

static int mark_all(struct store *s, struct marks *marks, struct err *err)
{
	int r = 0;

	for (int root = 0; r >= 0 && root < MARK_ROOTS; root++)
		r = marks_add(s, (enum mark_root)root, marks, err);
	marks_sort(marks);
	return r;
}

static void make_mark(struct store *s, const char *path)
{
	autoclose int fd = openat(s->root_fd, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	(void)fd;
}

void gc_leave_word(struct store *s)
{
	make_mark(s, GC_WANTED);
}

static int collect(struct store *s, struct gc_result *result, struct err *err)
{
	struct marks marks = { 0 };
	autoclose int lock = -1;
	int r;

	/* In this order: what is left from now on is for the next one, and there is word at any moment. */
	make_mark(s, GC_RUNNING);
	unlinkat(s->root_fd, GC_WANTED, 0);
	r = mark_all(s, &marks, err);
	if (r >= 0)
		r = sweep(s, "blobs/sha256", &marks, &result->blobs, &result->bytes, err);
	if (r >= 0)
		r = sweep(s, "layers", &marks, &result->layers, &result->bytes, err);
	free(marks.items);
	if (r < 0)
		return r;
	/* A kill between a name's change and the index's may have left the index behind. */
	lock = fs_lock(s->root_fd, "lock/refs", true, false, err);
	r = lock < 0 ? lock : refs_write_index(s, err);
	if (r >= 0)
		unlinkat(s->root_fd, GC_RUNNING, 0);
	return r;
}

int gc_collect(struct store *s, struct gc_result *ret, struct err *err)
{
	struct gc_result result = { 0 };
	autoclose int lock = -1;
	int r = 0;

	store_settle(s);
	lock = openat(s->root_fd, "lock/store", O_RDWR | O_CLOEXEC);
	if (lock < 0)
		return err_errno(err, errno, "open '%s/lock/store'", s->root);
	if (flock(lock, LOCK_EX | LOCK_NB) < 0) {
		result.skipped = true;
		gc_leave_word(s);
	} else {
		r = collect(s, &result, err);
	}
	if (r >= 0 && ret)
		*ret = result;
	return r < 0 ? err_wrap(err, "collect what no image uses") : 0;
}

int gc_if_wanted(struct store *s, struct gc_result *ret, struct err *err)
{
	if (faccessat(s->root_fd, GC_WANTED, F_OK, 0) < 0 && faccessat(s->root_fd, GC_RUNNING, F_OK, 0) < 0)
		return 0;
	return gc_collect(s, ret, err);
}

#include "engine/container/diff.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/num.h"
#include "base/str.h"
#include "base/vec.h"
#include "layer/whiteout.h"
#include "sys/fs.h"
#include "sys/userns.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/xattr.h>
#include <unistd.h>

struct walk {
	const struct layered *lowers;
	diff_fn fn;
	void *arg;
};

static bool is_opaque(int fd)
{
	char value;

	return fgetxattr(fd, "user.overlay.opaque", &value, 1) == 1 && value == 'y';
}

static int list_names(int fd, struct strv *names, struct err *err)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoclosedir DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *d;

	if (!dir)
		return err_errno(err, errno, "read a folder");
	while ((d = readdir(dir)))
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0 && strv_add(names, d->d_name) < 0)
			return err_oom(err);
	if (names->len)
		strv_sort(names);
	return 0;
}

static int emit(const struct walk *w, char kind, const char *path, const struct stat *st, struct err *err)
{
	struct diff_entry e = { .kind = kind, .path = path };

	if (st) {
		e.mode = st->st_mode;
		e.size = S_ISREG(st->st_mode) ? (uint64_t)st->st_size : 0;
	}
	return w->fn(&e, w->arg, err);
}

/* An opaque folder: what the layers below had there and this one has not, is deleted. */
static int emit_hidden(const struct walk *w, const char *path, const struct strv *kept, struct err *err)
{
	autostrv struct strv names = { 0 };
	int r = layered_list(w->lowers, path, &names, err);

	if (r == -ENOENT || r == -ENOTDIR) {
		err_clear(err);
		return 0;
	}
	for (size_t i = 0; r >= 0 && i < names.len; i++) {
		autofree char *child = NULL;

		if (strv_contains(kept, names.items[i]))
			continue;
		child = path_join(path, names.items[i]);
		r = child ? emit(w, 'D', child, NULL, err) : err_oom(err);
	}
	return r;
}

static int walk_dir(const struct walk *w, int fd, const char *path, int depth, struct err *err);

static int walk_entry(const struct walk *w, int dir_fd, const char *name, const char *path, int depth, struct err *err)
{
	struct stat st, below;
	bool was_there;
	int r;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(err, errno, "look at '%s'", path);
	was_there = layered_stat(w->lowers, path, &below) == 0;
	if (whiteout_is(&st))
		return was_there ? emit(w, 'D', path, NULL, err) : 0;
	r = emit(w, was_there ? 'C' : 'A', path, &st, err);
	if (r >= 0 && S_ISDIR(st.st_mode)) {
		autoclose int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (fd < 0)
			return err_errno(err, errno, "open '%s'", path);
		r = walk_dir(w, fd, path, depth + 1, err);
	}
	return r;
}

static int walk_dir(const struct walk *w, int fd, const char *path, int depth, struct err *err)
{
	autostrv struct strv names = { 0 };
	int r;

	if (depth > DIFF_DEPTH_MAX)
		return err_set(err, ELOOP, "'%s': more than %d folders deep", path, DIFF_DEPTH_MAX);
	r = list_names(fd, &names, err);
	if (r < 0)
		return err_wrap(err, "'%s'", path);
	if (is_opaque(fd))
		r = emit_hidden(w, path, &names, err);
	for (size_t i = 0; r >= 0 && i < names.len; i++) {
		autofree char *child = path_join(path, names.items[i]);

		r = child ? walk_entry(w, fd, names.items[i], child, depth, err) : err_oom(err);
	}
	return r;
}

/* --- in a child, for files of other ids: the entries come back as records in a memory file --- */

struct remote {
	int upper_fd, out;
	const struct layered *lowers;
	struct buf pending;
};

enum { PENDING_MAX = 64 * 1024 };

static int flush(struct remote *r, struct err *err)
{
	int result = fs_write_all(r->out, r->pending.data, r->pending.len, err);

	buf_reset(&r->pending);
	return result;
}

/* "<kind><mode> <size> <path>" and a NUL. */
static int send_entry(const struct diff_entry *e, void *arg, struct err *err)
{
	struct remote *r = arg;

	if (buf_addf(&r->pending, "%c%o %llu %s", e->kind, (unsigned)e->mode, (unsigned long long)e->size, e->path) <
		    0 ||
	    buf_add(&r->pending, "", 1) < 0)
		return err_oom(err);
	return r->pending.len > PENDING_MAX / 2 ? flush(r, err) : 0;
}

static int walk_in_child(void *arg, struct err *err)
{
	struct remote *remote = arg;
	struct walk w = { .lowers = remote->lowers, .fn = send_entry, .arg = remote };
	int r = walk_dir(&w, remote->upper_fd, "/", 0, err);

	return r < 0 ? r : flush(remote, err);
}

static int replay(char *text, size_t len, diff_fn fn, void *arg, struct err *err)
{
	for (char *p = text, *end = text + len; p < end; p += strlen(p) + 1) {
		char *rest = p + 1, *mode = strsep(&rest, " "), *size = rest ? strsep(&rest, " ") : NULL;
		struct diff_entry e = { .kind = *p, .path = rest };
		uint64_t bits;
		int r;

		if (!size || !rest || num_parse_u64(mode, 8, &bits) < 0 || num_parse_u64(size, 10, &e.size) < 0)
			return err_set(err, EBADMSG, "the list of differences is broken");
		e.mode = (mode_t)bits;
		r = fn(&e, arg, err);
		if (r < 0)
			return r;
		p = rest;
	}
	return 0;
}

static int diff_as(const struct idmap *ids, int upper_fd, const struct layered *lowers, diff_fn fn, void *arg,
		   struct err *err)
{
	autoclose int out = memfd_create("diff", MFD_CLOEXEC);
	struct remote remote = { .upper_fd = upper_fd, .out = out, .lowers = lowers, .pending = BUF_INIT(PENDING_MAX) };
	autobuf struct buf text = BUF_INIT((size_t)1 << 30);
	int r;

	if (out < 0)
		return err_errno(err, errno, "make a memory file");
	r = userns_run(ids, 0, walk_in_child, &remote, err);
	if (r < 0)
		return r;
	if (lseek(out, 0, SEEK_SET) < 0)
		return err_errno(err, errno, "read a memory file");
	r = fs_read_fd(out, text.max, &text, err);
	return r < 0 ? r : replay(text.data, text.len, fn, arg, err);
}

int diff_layer(int upper_fd, const struct layered *lowers, const struct idmap *ids, diff_fn fn, void *arg,
	       struct err *err)
{
	struct walk w = { .lowers = lowers, .fn = fn, .arg = arg };

	if (ids->mode == ID_MODE_RANGE)
		return diff_as(ids, upper_fd, lowers, fn, arg, err);
	return walk_dir(&w, upper_fd, "/", 0, err);
}

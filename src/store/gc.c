/*
 * Mark and sweep. The exclusive lock means that nobody relies on anything that no root names (invariant
 * 5 in store.h), so what is not marked may go. In doubt (a root that can't be read) nothing goes.
 */
#include "store/gc.h"

#include "base/str.h"
#include "base/vec.h"
#include "store/blob.h"
#include "store/containers.h"
#include "store/refs_files.h"
#include "sys/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROOTS_FILE_MAX = 1 << 20 };

/* Word that was left; and that of a collector at work, which stays if it is killed. */
#define GC_WANTED "lock/gc-wanted"
#define GC_RUNNING "lock/gc-running"

DEFINE_VEC(digests, struct digest)

static int keep(struct digests *marks, const struct digest *d, struct err *err)
{
	return digests_push(marks, *d) < 0 ? err_oom(err) : 0;
}

/* --- marking --- */

static int mark_config(struct store *s, struct digests *marks, const struct digest *id, struct err *err)
{
	autobuf struct buf text = BUF_INIT(IMAGE_DOCUMENT_MAX);
	struct image_config c;
	int r = blob_read(s, id, &text, err);

	if (r >= 0)
		r = image_config_parse(text.data, text.len, &c, err);
	if (r < 0)
		return r == -ENOENT || r == -EBADMSG ? 0 : r;
	for (size_t i = 0; r >= 0 && i < c.diff_ids_len; i++)
		r = keep(marks, &c.diff_ids[i], err);
	image_config_done(&c);
	return r;
}

/* A root's digest, and if it is a manifest's, what that names. What isn't there or is no manifest names nothing. */
static int mark(struct store *s, struct digests *marks, const struct digest *d, struct err *err)
{
	autobuf struct buf text = BUF_INIT(IMAGE_DOCUMENT_MAX);
	struct image_manifest m;
	uint64_t size = 0;
	autoclose int fd = -1;
	int r = keep(marks, d, err);

	if (r < 0)
		return r;
	fd = blob_open(s, d, &size, err);
	if (fd == -ENOENT || size > IMAGE_DOCUMENT_MAX)
		return 0;
	r = fd < 0 ? fd : fs_read_fd(fd, IMAGE_DOCUMENT_MAX, &text, err);
	if (r < 0)
		return r;
	r = image_manifest_parse(text.data, text.len, &m, err);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	r = keep(marks, &m.config.digest, err);
	for (size_t i = 0; r >= 0 && i < m.layers_len; i++)
		r = keep(marks, &m.layers[i].digest, err);
	if (r >= 0)
		r = mark_config(s, marks, &m.config.digest, err);
	image_manifest_done(&m);
	return r;
}

static int mark_file(struct store *s, struct digests *marks, const char *path, struct err *err)
{
	autobuf struct buf text = BUF_INIT(ROOTS_FILE_MAX);
	int r = fs_read_file(s->root_fd, path, ROOTS_FILE_MAX - 1, &text, err);
	char *rest = text.data;

	if (r < 0)
		return r == -ENOENT ? 0 : err_wrap(err, "the roots in '%s/%s'", s->root, path);
	for (char *line; rest && r >= 0 && (line = strsep(&rest, "\n"));) {
		struct digest d;

		if (*line && digest_parse(line, &d, NULL) >= 0)
			r = mark(s, marks, &d, err);
	}
	return r;
}

static int mark_containers(struct store *s, struct digests *marks, struct err *err)
{
	autostrv struct strv ids = { 0 };
	int r = containers_list(s, &ids, err);

	for (size_t i = 0; r >= 0 && i < ids.len; i++) {
		autofree char *path = str_format("containers/%s/roots", ids.items[i]);

		r = path ? mark_file(s, marks, path, err) : err_oom(err);
	}
	return r;
}

static DIR *open_folder(struct store *s, const char *folder, struct err *err)
{
	int fd = openat(s->root_fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

	if (!dir) {
		err_errno(err, errno, "read '%s/%s'", s->root, folder);
		if (fd >= 0)
			close(fd);
	}
	return dir;
}

static int mark_cache(struct store *s, struct digests *marks, struct err *err)
{
	autoclosedir DIR *dir = open_folder(s, "cache/roots", err);
	struct dirent *d;
	int r = 0;

	if (!dir)
		return -EIO;
	while (r >= 0 && (d = readdir(dir))) {
		autofree char *path = str_format("cache/roots/%s", d->d_name);

		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			r = path ? mark_file(s, marks, path, err) : err_oom(err);
	}
	return r;
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct digest));
}

static int mark_all(struct store *s, struct digests *marks, struct err *err)
{
	autorefs struct refs refs = { 0 };
	int r = refs_list_strict(s, &refs, err);

	for (size_t i = 0; r >= 0 && i < refs.len; i++)
		r = mark(s, marks, &refs.items[i].manifest, err);
	if (r >= 0)
		r = mark_containers(s, marks, err);
	if (r >= 0)
		r = mark_cache(s, marks, err);
	if (r >= 0 && marks->len > 0)
		qsort(marks->items, marks->len, sizeof(*marks->items), compare);
	return r;
}

/* --- sweeping --- */

static bool marked(const struct digests *marks, const char *name, size_t hex_len)
{
	char hex[DIGEST_HEX_MAX] = "";
	struct digest d;

	if (hex_len != DIGEST_HEX_MAX - 1)
		return false;
	memcpy(hex, name, hex_len);
	return digest_parse_hex(hex, &d, NULL) >= 0 && marks->len > 0 &&
	       bsearch(&d, marks->items, marks->len, sizeof(d), compare);
}

/* Moves what is not marked out of FOLDER. Half-written files that a kill left in blobs/ have other names, and go too. */
static int sweep(struct store *s, const char *folder, const struct digests *marks, uint64_t *count, uint64_t *bytes,
		 struct err *err)
{
	autoclosedir DIR *dir = open_folder(s, folder, err);
	struct dirent *d;
	int r = 0;

	if (!dir)
		return -EIO;
	while (r >= 0 && (d = readdir(dir))) {
		autofree char *path = path_join(folder, d->d_name);
		size_t hex_len = strcspn(d->d_name, ".");
		struct stat st;

		if (!path)
			return err_oom(err);
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		if ((!d->d_name[hex_len] || strcmp(d->d_name + hex_len, ".one") == 0) &&
		    marked(marks, d->d_name, hex_len))
			continue;
		if (fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
			*bytes += (uint64_t)st.st_size;
		++*count;
		r = store_trash(s, path, err);
	}
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
	struct digests marks = { 0 };
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

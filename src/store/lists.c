#include "store/lists.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LISTS "lists"

static void path_of(const char *name, char dst[static 96])
{
	char hex[DIGEST_HEX_MAX];
	struct digest d;

	digest_of(name, strlen(name), &d);
	digest_format_hex(&d, hex);
	snprintf(dst, 96, LISTS "/%s", hex);
}

int lists_lock(struct store *s, struct err *err)
{
	return fs_lock(s->root_fd, "lock/refs", true, false, err);
}

static int read_path(struct store *s, const char *path, struct image_index *ret, struct err *err)
{
	autobuf struct buf text = BUF_INIT(IMAGE_DOCUMENT_MAX + 1);
	int r = fs_read_file(s->root_fd, path, IMAGE_DOCUMENT_MAX, &text, err);

	return r < 0 ? r : image_index_parse(buf_str(&text), text.len, ret, err);
}

int list_read(struct store *s, const char *name, struct image_index *ret, struct err *err)
{
	char path[96];
	int r;

	path_of(name, path);
	r = read_path(s, path, ret, err);
	if (r == -ENOENT) {
		err_clear(err);
		err_set(err, ENOENT, "there is no list '%s'", name);
		return err_hint(err, "'cloche manifest create' makes one");
	}
	return r;
}

int list_exists(struct store *s, const char *name)
{
	char path[96];

	path_of(name, path);
	return faccessat(s->root_fd, path, F_OK, 0) == 0;
}

int list_write(struct store *s, const char *name, const struct image_index *index, struct err *err)
{
	autobuf struct buf text = BUF_INIT(IMAGE_DOCUMENT_MAX);
	char path[96];
	int r = image_index_write(index, &text, err);

	if (r >= 0)
		r = fs_make_dirs(s->root_fd, LISTS, 0700, err);
	/* Before the list leads to them, the store's images are on disk. */
	if (r >= 0)
		r = store_sync_blobs(s, err);
	path_of(name, path);
	return r < 0 ? r : fs_write_file(s->root_fd, path, text.data, text.len, 0600, FS_SYNC, err);
}

int list_delete(struct store *s, const char *name, struct err *err)
{
	char path[96];

	path_of(name, path);
	if (unlinkat(s->root_fd, path, 0) == 0)
		return 0;
	return errno == ENOENT ? err_set(err, ENOENT, "there is no list '%s'", name)
			       : err_errno(err, errno, "remove the list '%s'", name);
}

static int add_list(struct store *s, const char *path, struct marks *ret, struct err *err)
{
	struct image_index index;
	int r = read_path(s, path, &index, err);

	if (r < 0)
		return r == -ENOENT ? 0 : err_wrap(err, "'%s/%s'", s->root, path);
	for (size_t i = 0; r >= 0 && i < index.manifests_len; i++)
		r = marks_push(ret, index.manifests[i].digest) < 0 ? err_oom(err) : 0;
	image_index_done(&index);
	return r;
}

int lists_add_manifests(struct store *s, struct marks *ret, struct err *err)
{
	int fd = openat(s->root_fd, LISTS, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	autoclosedir DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *d;

	if (!dir)
		return errno == ENOENT ? 0 : err_errno(err, errno, "read '%s/" LISTS "'", s->root);
	while (r >= 0 && (d = readdir(dir))) {
		autofree char *path = str_format(LISTS "/%s", d->d_name);
		struct digest name;

		/* What is written aside has other names. */
		if (digest_parse_hex(d->d_name, &name, NULL) >= 0)
			r = path ? add_list(s, path, ret, err) : err_oom(err);
	}
	return r;
}

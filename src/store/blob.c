#include "store/blob.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

void blob_path(const struct digest *d, char dst[static BLOB_PATH_MAX])
{
	memcpy(dst, "blobs/sha256/", 13);
	digest_format_hex(d, dst + 13);
}

int blob_has(struct store *s, const struct digest *d, uint64_t size, struct err *err)
{
	char path[BLOB_PATH_MAX];
	struct stat st;

	blob_path(d, path);
	if (fstatat(s->root_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_errno(err, errno, "look at '%s/%s'", s->root, path);
	if (S_ISREG(st.st_mode) && (size == UINT64_MAX || (uint64_t)st.st_size == size))
		return 1;
	return store_trash(s, path, err);
}

int blob_open(struct store *s, const struct digest *d, uint64_t *ret_size, struct err *err)
{
	char path[BLOB_PATH_MAX];
	autoclose int fd = -1;
	struct stat st;

	blob_path(d, path);
	fd = openat(s->root_fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, errno, "blob sha256:%s", path + 13);
	if (ret_size) {
		if (fstat(fd, &st) < 0)
			return err_errno(err, errno, "blob sha256:%s", path + 13);
		*ret_size = (uint64_t)st.st_size;
	}
	return TAKE_FD(fd);
}

int blob_read(struct store *s, const struct digest *d, struct buf *buf, struct err *err)
{
	autoclose int fd = blob_open(s, d, NULL, err);
	char hex[DIGEST_HEX_MAX];
	int r;

	if (fd < 0)
		return fd;
	r = fs_read_fd(fd, IMAGE_DOCUMENT_MAX, buf, err);
	if (r >= 0)
		return 0;
	digest_format_hex(d, hex);
	return err_wrap(err, "blob sha256:%s", hex);
}

/* Whether the blob, which has LEN bytes, holds DATA: a disk that rots makes no good document out of a name. */
static bool holds(struct store *s, const struct digest *d, const void *data, size_t len)
{
	autobuf struct buf text = BUF_INIT(IMAGE_DOCUMENT_MAX);

	return blob_read(s, d, &text, NULL) >= 0 && text.len == len && memcmp(buf_str(&text), data, len) == 0;
}

int blob_put(struct store *s, const void *data, size_t len, struct digest *ret_digest, struct err *err)
{
	char path[BLOB_PATH_MAX];
	struct digest d;
	int r;

	digest_of(data, len, &d);
	s->is_synced = false;
	r = blob_has(s, &d, len, err);
	if (r == 0 || (r > 0 && !holds(s, &d, data, len))) {
		blob_path(&d, path);
		r = fs_write_file(s->root_fd, path, data, len, 0644, 0, err);
		if (r < 0)
			return err_wrap(err, "the store '%s'", s->root);
	}
	if (r >= 0 && ret_digest)
		*ret_digest = d;
	return r < 0 ? r : 0;
}

int blob_commit(struct store_tmp *tmp, const char *name, const struct digest *d, uint64_t size, struct err *err)
{
	struct store *s = tmp->store;
	char path[BLOB_PATH_MAX];
	struct stat st;
	int r;

	if (fstatat(tmp->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(err, errno, "look at '%s/%s'", tmp->name, name);
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != size)
		return err_set(err, EBADMSG, "a blob has %" PRIu64 " bytes, not %" PRIu64, (uint64_t)st.st_size, size);
	s->is_synced = false;
	r = blob_has(s, d, size, err);
	if (r != 0) {
		unlinkat(tmp->dir_fd, name, 0);
		return r < 0 ? r : 0;
	}
	blob_path(d, path);
	if (fchmodat(tmp->dir_fd, name, 0644, 0) < 0 || renameat(tmp->dir_fd, name, s->root_fd, path) < 0)
		return err_errno(err, errno, "name the blob '%s/%s'", s->root, path);
	return 0;
}

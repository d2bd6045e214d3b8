#include "store/layers.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "oci/json.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { INFO_MAX = 4096 };

void layer_path(const struct store *s, const struct digest *diff_id, char dst[static LAYER_DIR_MAX])
{
	char hex[DIGEST_HEX_MAX];

	digest_format_hex(diff_id, hex);
	snprintf(dst, LAYER_DIR_MAX, "layers/%s%s", hex, s->variant[0] ? s->variant : s->single ? ".one" : "");
}

int layer_exists(struct store *s, const struct digest *diff_id, struct err *err)
{
	char path[LAYER_DIR_MAX];

	layer_path(s, diff_id, path);
	if (faccessat(s->root_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	return errno == ENOENT ? 0 : err_errno(err, errno, "look at '%s/%s'", s->root, path);
}

int layer_open_fs(struct store *s, const struct digest *diff_id, struct err *err)
{
	char folder[LAYER_DIR_MAX], path[LAYER_DIR_MAX + 4];
	int fd;

	layer_path(s, diff_id, folder);
	snprintf(path, sizeof(path), "%s/fs", folder);
	fd = openat(s->root_fd, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 ? fd : err_errno(err, errno, "open layer '%s/%s'", s->root, path);
}

/*
 * One file for all: the byte at an offset made from the diff id is what is locked, so no lock file stays
 * behind and none must be cleaned up. Two layers that share the offset only wait for each other.
 */
int layer_lock(struct store *s, const struct digest *diff_id, struct err *err)
{
	autoclose int fd = openat(s->root_fd, "lock/layers", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1 };
	uint64_t offset = 0;

	if (fd < 0)
		return err_errno(err, errno, "open '%s/lock/layers'", s->root);
	memcpy(&offset, diff_id->bytes, LAYER_LOCK_BYTES);
	lock.l_start = (off_t)offset;
	while (fcntl(fd, F_OFD_SETLKW, &lock) < 0)
		if (errno != EINTR)
			return err_errno(err, errno, "lock '%s/lock/layers'", s->root);
	return TAKE_FD(fd);
}

int layer_info_read(struct store *s, const struct digest *diff_id, struct layer_info *ret, struct err *err)
{
	char folder[LAYER_DIR_MAX];

	layer_path(s, diff_id, folder);
	return layer_info_read_at(s, folder, ret, err);
}

int layer_info_read_at(struct store *s, const char *folder, struct layer_info *ret, struct err *err)
{
	autobuf struct buf text = BUF_INIT(INFO_MAX);
	autofree char *path = str_format("%s/info.json", folder);
	autojson json_t *root = NULL;
	int64_t files = 0, tree_size = 0, tar_size = 0;
	struct json_at top;
	int r;

	r = path ? fs_read_file(s->root_fd, path, INFO_MAX, &text, err) : err_oom(err);
	if (r >= 0)
		r = json_parse(text.data, text.len, "info.json", &root, err);
	if (r < 0)
		return r;
	top = json_top(root, "info.json");
	r = json_get_int(&top, "files", 0, INT64_MAX, &files, err);
	if (r >= 0)
		r = json_get_int(&top, "tree_size", 0, INT64_MAX, &tree_size, err);
	if (r >= 0)
		r = json_get_int(&top, "tar_size", 0, INT64_MAX, &tar_size, err);
	if (r < 0)
		return r;
	*ret = (struct layer_info){ (uint64_t)files, (uint64_t)tree_size, (uint64_t)tar_size };
	return 0;
}

static int write_info(int dir_fd, const char *name, const struct digest *diff_id, const struct layer_info *info,
		      struct err *err)
{
	autofree char *path = str_format("%s/info.json", name);
	autojson json_t *root = json_object();
	autobuf struct buf text = BUF_INIT(INFO_MAX);
	char digest[DIGEST_STR_MAX];
	int r;

	digest_format(diff_id, digest);
	if (!path || !root || json_add_string(root, "diff_id", digest) < 0 ||
	    json_add_int(root, "files", (int64_t)info->files) < 0 ||
	    json_add_int(root, "tree_size", (int64_t)info->tree_size) < 0 ||
	    json_add_int(root, "tar_size", (int64_t)info->tar_size) < 0)
		return err_oom(err);
	r = json_write(root, &text, err);
	return r < 0 ? r : fs_write_file(dir_fd, path, text.data, text.len, 0644, 0, err);
}

int layer_commit(struct store_tmp *tmp, const char *name, const struct digest *diff_id, const struct layer_info *info,
		 struct err *err)
{
	struct store *s = tmp->store;
	char path[LAYER_DIR_MAX];
	int r = write_info(tmp->dir_fd, name, diff_id, info, err);

	if (r < 0)
		return r;
	layer_path(s, diff_id, path);
	if (renameat2(tmp->dir_fd, name, s->root_fd, path, RENAME_NOREPLACE) < 0 && errno != EEXIST)
		return err_errno(err, errno, "name the layer '%s/%s'", s->root, path);
	return 0;
}

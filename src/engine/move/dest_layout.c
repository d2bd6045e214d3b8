/*
 * OCI image layouts and dir:. Every file is written aside and renamed; index.json, which makes an image of what was written,
 * comes last. An image with the same name in the layout is replaced, all else stays.
 *
 * oci-archive: is a layout in a folder beside the file; in the end it is packed into a file that is renamed.
 */
#include "engine/move/dest.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "layer/client.h"
#include "oci/json.h"
#include "store/blob.h"
#include "sys/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LAYOUT_TEXT "{\"imageLayoutVersion\":\"1.0.0\"}"
#define DIR_VERSION "Directory Transport Version: 1.1\n"

void dest_done(struct dest *d)
{
	remote_done(&d->remote);
	if (d->dir_fd >= 0)
		close(d->dir_fd);
	if (d->aside)
		fs_remove_tree(AT_FDCWD, d->aside, NULL);
	free(d->folder);
	free(d->aside);
	strv_done(&d->members);
	place_done(&d->place);
	*d = (struct dest){ .dir_fd = -1 };
}

static bool is_dir(const struct dest *d)
{
	return d->place.kind == PLACE_DIR;
}

static void blob_name(const struct dest *d, const struct digest *digest, char dst[static 96])
{
	if (is_dir(d))
		digest_format_hex(digest, dst);
	else
		blob_path(digest, dst);
}

static int add_member(struct dest *d, const char *name, struct err *err)
{
	if (d->place.kind != PLACE_OCI_ARCHIVE || strv_contains(&d->members, name))
		return 0;
	return strv_add(&d->members, name) < 0 ? err_oom(err) : 0;
}

static int has(struct dest *d, const struct descriptor *blob, const char *mount_from, struct err *err)
{
	char name[96];
	struct stat st;

	(void)mount_from;
	(void)err;
	blob_name(d, &blob->digest, name);
	return fstatat(d->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
	       (uint64_t)st.st_size == blob->size;
}

static int write_aside(struct dest *d, const char *aside, const struct descriptor *blob, int in, struct err *err)
{
	autoclose int out = openat(d->dir_fd, aside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);

	if (out < 0)
		return err_errno(err, errno, "create '%s/%s'", d->folder, aside);
	return fs_copy_data(in, out, blob->size, err) < 0 ? err_wrap(err, "write '%s/%s'", d->folder, aside) : 0;
}

static int start(struct dest *d, const struct descriptor *blob, int fd, struct dest_blob *ret, struct err *err)
{
	char name[96], aside[128];
	int r;

	(void)ret;
	blob_name(d, &blob->digest, name);
	snprintf(aside, sizeof(aside), "%s.%d.part", name, getpid());
	r = write_aside(d, aside, blob, fd, err);
	if (r >= 0 && renameat(d->dir_fd, aside, d->dir_fd, name) < 0)
		r = err_errno(err, errno, "rename to '%s/%s'", d->folder, name);
	if (r < 0) {
		unlinkat(d->dir_fd, aside, 0);
		return r;
	}
	return add_member(d, name, err);
}

static int write_text(struct dest *d, const char *name, const void *text, size_t len, struct err *err)
{
	int r = fs_write_file(d->dir_fd, name, text, len, 0644, 0, err);

	return r < 0 ? err_wrap(err, "'%s'", d->folder) : add_member(d, name, err);
}

/* --- index.json --- */

/* What is there, without what has our name. */
static int read_index(struct dest *d, struct image_index *ret, struct err *err)
{
	autobuf struct buf text = BUF_INIT(IMAGE_DOCUMENT_MAX + 1);
	struct image_index old;
	int r = fs_read_file(d->dir_fd, "index.json", IMAGE_DOCUMENT_MAX, &text, err);

	if (r == -ENOENT) {
		err_clear(err);
		ret->media_type = strdup(MEDIA_OCI_INDEX);
		return ret->media_type ? 0 : err_oom(err);
	}
	if (r >= 0)
		r = image_index_parse(buf_str(&text), text.len, &old, err);
	if (r < 0)
		return err_wrap(err, "'%s/index.json'", d->folder);
	ret->media_type = TAKE_PTR(old.media_type);
	ret->annotations = old.annotations;
	old.annotations = (struct str_map){ 0 };
	for (size_t i = 0; r >= 0 && i < old.manifests_len; i++) {
		const char *name = str_map_get(&old.manifests[i].annotations, ANNOTATION_REF_NAME);

		if (d->place.name ? !name || strcmp(name, d->place.name) != 0 : name != NULL)
			r = image_index_add(ret, &old.manifests[i], err);
	}
	image_index_done(&old);
	return r;
}

static int write_index(struct dest *d, const struct document *doc, struct err *err)
{
	autobuf struct buf text = BUF_INIT(IMAGE_DOCUMENT_MAX);
	struct image_index index = { 0 };
	struct descriptor entry = { 0 };
	int r = read_index(d, &index, err);

	if (r >= 0)
		r = descriptor_init(&entry, doc->media_type, &doc->digest, doc->text.len, err);
	if (r >= 0 && d->place.name && str_map_set(&entry.annotations, ANNOTATION_REF_NAME, d->place.name) < 0)
		r = err_oom(err);
	if (r >= 0)
		r = image_index_add(&index, &entry, err);
	if (r >= 0)
		r = image_index_write(&index, &text, err);
	if (r >= 0)
		r = write_text(d, "index.json", text.data, text.len, err);
	descriptor_done(&entry);
	image_index_done(&index);
	return r;
}

static int put(struct dest *d, const struct document *doc, bool is_top, struct err *err)
{
	char name[128], hex[96];
	int r;

	blob_name(d, &doc->digest, hex);
	if (is_dir(d))
		snprintf(name, sizeof(name), "%s%smanifest.json", is_top ? "" : hex, is_top ? "" : ".");
	else
		snprintf(name, sizeof(name), "%s", hex);
	r = write_text(d, name, buf_str(&doc->text), doc->text.len, err);
	return r >= 0 && is_top && !is_dir(d) ? write_index(d, doc, err) : r;
}

/* --- the archive --- */

enum { FOLDERS = 2 };

static int open_members(struct dest *d, struct layer_item *items, size_t *ret_opened, struct err *err)
{
	for (size_t i = 0; i < d->members.len; i++) {
		int fd = openat(d->dir_fd, d->members.items[i], O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

		if (fd < 0)
			return err_errno(err, errno, "open '%s/%s'", d->folder, d->members.items[i]);
		items[FOLDERS + i] = (struct layer_item){ .dest = d->members.items[i], .fd = fd };
		*ret_opened = i + 1;
	}
	return 0;
}

static int pack_into(struct dest *d, int out_fd, struct err *err)
{
	autofree struct layer_item *items = calloc(d->members.len + FOLDERS, sizeof(*items));
	struct layer_request q = { .verb = LAYER_PACK,
				   .pack = { .out_fd = out_fd, .items = items, .uid = geteuid(), .gid = getegid() } };
	size_t opened = 0;
	int r;

	if (!items)
		return err_oom(err);
	items[0] = (struct layer_item){ .dest = "blobs/", .fd = -1 };
	items[1] = (struct layer_item){ .dest = "blobs/sha256/", .fd = -1 };
	strv_sort(&d->members);
	q.pack.items_len = d->members.len + FOLDERS;
	r = open_members(d, items, &opened, err);
	if (r >= 0)
		r = layer_run(&q, NULL, err);
	for (size_t i = 0; i < opened; i++)
		close(items[FOLDERS + i].fd);
	return r;
}

static int pack(struct dest *d, struct err *err)
{
	autofree char *aside = str_format("%s.%d.part", d->place.path, getpid());
	autoclose int fd = -1;
	int r;

	if (!aside)
		return err_oom(err);
	fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_errno(err, errno, "create '%s'", aside);
	r = pack_into(d, fd, err);
	if (r >= 0 && rename(aside, d->place.path) < 0)
		r = err_errno(err, errno, "rename to '%s'", d->place.path);
	if (r < 0)
		unlink(aside);
	return r;
}

static int finish(struct dest *d, struct err *err)
{
	return d->place.kind == PLACE_OCI_ARCHIVE ? pack(d, err) : 0;
}

static const struct dest_ops layout_ops = { has, start, put, finish };

/* --- opening --- */

static bool is_empty(int dir_fd)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoclosedir DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *e;

	while (dir && (e = readdir(dir)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			return false;
	return dir != NULL;
}

/* What is there already must be of the same kind; then it is added to, or for dir: replaced. */
static int check_folder(struct dest *d, struct err *err)
{
	const char *mark = is_dir(d) ? "version" : "oci-layout", *text = is_dir(d) ? DIR_VERSION : LAYOUT_TEXT;

	if (faccessat(d->dir_fd, mark, F_OK, 0) == 0)
		return 0;
	if (!is_empty(d->dir_fd)) {
		err_set(err, ENOTEMPTY, "'%s' has other files in it", d->folder);
		return err_hint(err, "name a folder that is new, empty, or written by %s before",
				place_prefix(d->place.kind));
	}
	return write_text(d, mark, text, strlen(text), err);
}

static int name_folder(struct dest *d, struct err *err)
{
	if (d->place.kind != PLACE_OCI_ARCHIVE) {
		d->folder = strdup(d->place.path);
		return d->folder ? 0 : err_oom(err);
	}
	d->folder = str_format("%s.%d.tmp", d->place.path, getpid());
	if (!d->folder)
		return err_oom(err);
	if (mkdir(d->folder, 0700) < 0)
		return err_errno(err, errno, "make folder '%s'", d->folder);
	d->aside = strdup(d->folder);
	return d->aside ? 0 : err_oom(err);
}

int dest_open_layout(struct dest *d, struct err *err)
{
	int r = name_folder(d, err);

	d->ops = &layout_ops;
	if (r < 0)
		return r;
	d->dir_fd = fs_open_dir_make(AT_FDCWD, d->folder, 0755, err);
	if (d->dir_fd < 0)
		return err_wrap(err, "folder '%s'", d->folder);
	r = check_folder(d, err);
	return r >= 0 && !is_dir(d) ? fs_make_dirs(d->dir_fd, "blobs/sha256", 0755, err) : r;
}

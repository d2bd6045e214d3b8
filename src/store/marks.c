#include "store/marks.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "store/blob.h"
#include "store/containers.h"
#include "store/lists.h"
#include "store/refs_files.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROOTS_FILE_MAX = 1 << 20 };

static int keep(struct marks *marks, const struct digest *d, struct err *err)
{
	return marks_push(marks, *d) < 0 ? err_oom(err) : 0;
}

static int mark_config(struct store *s, struct marks *marks, const struct digest *id, struct err *err)
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
static int mark(struct store *s, struct marks *marks, const struct digest *d, struct err *err)
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

static int mark_file(struct store *s, struct marks *marks, const char *path, struct err *err)
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

static int mark_containers(struct store *s, struct marks *marks, struct err *err)
{
	autostrv struct strv ids = { 0 };
	int r = containers_list(s, &ids, err);

	for (size_t i = 0; r >= 0 && i < ids.len; i++) {
		autofree char *path = str_format("containers/%s/roots", ids.items[i]);

		r = path ? mark_file(s, marks, path, err) : err_oom(err);
	}
	return r;
}

DIR *marks_open_folder(struct store *s, const char *folder, struct err *err)
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

static int mark_cache(struct store *s, struct marks *marks, struct err *err)
{
	autoclosedir DIR *dir = marks_open_folder(s, "cache/roots", err);
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

static int mark_refs(struct store *s, bool named, struct marks *marks, struct err *err)
{
	autorefs struct refs refs = { 0 };
	int r = refs_list_strict(s, &refs, err);

	for (size_t i = 0; r >= 0 && i < refs.len; i++)
		if (named == (refs.items[i].name != NULL))
			r = mark(s, marks, &refs.items[i].manifest, err);
	return r;
}

/* What lists of images lead to is kept as what names do. */
static int mark_lists(struct store *s, struct marks *marks, struct err *err)
{
	struct marks manifests = { 0 };
	int r = lists_add_manifests(s, &manifests, err);

	for (size_t i = 0; r >= 0 && i < manifests.len; i++)
		r = mark(s, marks, &manifests.items[i], err);
	free(manifests.items);
	return r;
}

static int mark_names(struct store *s, struct marks *marks, struct err *err)
{
	int r = mark_refs(s, true, marks, err);

	return r < 0 ? r : mark_lists(s, marks, err);
}

int marks_add(struct store *s, enum mark_root root, struct marks *m, struct err *err)
{
	switch (root) {
	case MARK_CONTAINERS:
		return mark_containers(s, m, err);
	case MARK_NAMES:
		return mark_names(s, m, err);
	case MARK_UNTAGGED:
		return mark_refs(s, false, m, err);
	case MARK_CACHE:
		return mark_cache(s, m, err);
	case MARK_ROOTS:
		break;
	}
	return err_set(err, EINVAL, "there are no such roots");
}

void marks_sort(struct marks *m)
{
	if (m->len > 0)
		qsort(m->items, m->len, sizeof(*m->items), compare);
}

bool marks_have(const struct marks *m, const char *name)
{
	size_t hex_len = strcspn(name, ".");
	char hex[DIGEST_HEX_MAX] = "";
	struct digest d;

	if (hex_len != DIGEST_HEX_MAX - 1 ||
	    (name[hex_len] && strcmp(name + hex_len, ".one") != 0 && strncmp(name + hex_len, ".keep-", 6) != 0))
		return false;
	memcpy(hex, name, hex_len);
	return digest_parse_hex(hex, &d, NULL) >= 0 && m->len > 0 && bsearch(&d, m->items, m->len, sizeof(d), compare);
}

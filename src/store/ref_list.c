/* All names: the walk through refs/, and index.json, which is made from it. */
#include "store/ref.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "store/blob.h"
#include "store/refs_files.h"
#include "sys/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { REFS_DEPTH_MAX = 128 }; /* a name has at most 255 characters, so half as many components */
enum { JSON_INDEX_MAX = 4 << 20 };

struct listing {
	struct store *store;
	bool strict;
	struct refs *refs;
};

static int add_ref(const struct listing *l, const char *path, struct err *err)
{
	struct ref ref = { 0 };
	int r = ref_read_file(l->store, path, &ref.manifest, err);

	/* Removed by someone else just now, or damaged: the others are no worse for it. */
	if (r < 0)
		return l->strict && r != -ENOENT ? r : 0;
	if (!str_starts_with(path, REFS_UNTAGGED "/")) {
		ref.name = strdup(path + strlen("refs/"));
		if (!ref.name)
			return err_oom(err);
	}
	if (refs_push(l->refs, ref) < 0) {
		free(ref.name);
		return err_oom(err);
	}
	return 0;
}

static int walk(const struct listing *l, const char *folder, int depth, struct err *err)
{
	int fd = openat(l->store->root_fd, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), r = 0;
	autoclosedir DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *d;

	if (!dir) {
		if (errno == ENOENT && depth > 0)
			return 0;
		return err_errno(err, errno, "read '%s/%s'", l->store->root, folder);
	}
	while (r >= 0 && (d = readdir(dir))) {
		autofree char *path = NULL;

		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		path = path_join(folder, d->d_name);
		if (!path)
			return err_oom(err);
		if (d->d_type == DT_DIR && depth < REFS_DEPTH_MAX)
			r = walk(l, path, depth + 1, err);
		else if (d->d_type == DT_REG)
			r = add_ref(l, path, err);
	}
	return r;
}

static int compare(const void *a, const void *b)
{
	const struct ref *x = a, *y = b;

	if (x->name && y->name)
		return strcmp(x->name, y->name);
	if (x->name || y->name)
		return x->name ? -1 : 1;
	return memcmp(x->manifest.bytes, y->manifest.bytes, DIGEST_SIZE);
}

static int list(struct store *s, bool strict, struct refs *ret, struct err *err)
{
	struct refs refs = { 0 };
	struct listing l = { s, strict, &refs };
	int r = walk(&l, "refs", 0, err);

	if (r < 0) {
		refs_done(&refs);
		return r;
	}
	if (refs.len > 0)
		qsort(refs.items, refs.len, sizeof(*refs.items), compare);
	*ret = refs;
	return 0;
}

int refs_list(struct store *s, struct refs *ret, struct err *err)
{
	return list(s, false, ret, err);
}

int refs_list_strict(struct store *s, struct refs *ret, struct err *err)
{
	return list(s, true, ret, err);
}

/* --- index.json --- */

/* What the old index said of this manifest: saves reading it again. */
static const struct descriptor *known(const struct image_index *old, const struct digest *manifest)
{
	for (size_t i = 0; i < old->manifests_len; i++)
		if (digest_equal(&old->manifests[i].digest, manifest))
			return &old->manifests[i];
	return NULL;
}

static int describe(struct store *s, const struct digest *manifest, struct descriptor *ret, struct err *err)
{
	autobuf struct buf text = BUF_INIT(IMAGE_DOCUMENT_MAX);
	struct image_manifest m;
	int r = blob_read(s, manifest, &text, err);

	if (r >= 0)
		r = image_manifest_parse(text.data, text.len, &m, err);
	if (r < 0)
		return r;
	r = descriptor_init(ret, m.media_type, manifest, text.len, err);
	image_manifest_done(&m);
	return r;
}

static int add_entry(struct store *s, const struct image_index *old, const struct ref *ref, struct image_index *index,
		     struct err *err)
{
	const struct descriptor *same = known(old, &ref->manifest);
	struct descriptor d;
	int r;

	if (same)
		r = descriptor_init(&d, same->media_type, &same->digest, same->size, err);
	else if (describe(s, &ref->manifest, &d, NULL) < 0)
		return 0; /* a damaged image must not keep the others from being listed */
	else
		r = 0;
	if (r >= 0 && ref->name && str_map_set(&d.annotations, ANNOTATION_REF_NAME, ref->name) < 0)
		r = err_oom(err);
	if (r >= 0)
		r = image_index_add(index, &d, err);
	descriptor_done(&d);
	return r;
}

static int write_aside(struct store *s, const struct buf *text, struct err *err)
{
	autotmp struct store_tmp tmp = STORE_TMP_INIT;
	int r = store_tmp_open(s, &tmp, err);

	if (r >= 0)
		r = fs_write_file(tmp.dir_fd, "index.json", text->data, text->len, 0644, 0, err);
	if (r >= 0 && renameat(tmp.dir_fd, "index.json", s->root_fd, "index.json") < 0)
		r = err_errno(err, errno, "rename to '%s/index.json'", s->root);
	return r;
}

int refs_write_index(struct store *s, struct err *err)
{
	autobuf struct buf old_text = BUF_INIT(JSON_INDEX_MAX), text = BUF_INIT(JSON_INDEX_MAX);
	struct image_index old = { 0 }, index = { 0 };
	autorefs struct refs refs = { 0 };
	int r = refs_list(s, &refs, err);

	if (r < 0)
		return r;
	if (fs_read_file(s->root_fd, "index.json", JSON_INDEX_MAX - 1, &old_text, NULL) >= 0)
		image_index_parse(old_text.data, old_text.len, &old, NULL);
	index.media_type = strdup(MEDIA_OCI_INDEX);
	r = index.media_type ? 0 : err_oom(err);
	for (size_t i = 0; r >= 0 && i < refs.len; i++)
		r = add_entry(s, &old, &refs.items[i], &index, err);
	if (r >= 0)
		r = image_index_write(&index, &text, err);
	if (r >= 0 && (text.len != old_text.len || memcmp(text.data, old_text.data, text.len) != 0))
		r = write_aside(s, &text, err);
	image_index_done(&old);
	image_index_done(&index);
	return r < 0 ? err_wrap(err, "index.json") : 0;
}

/*
 * OCI image layouts (image-layout.md), in a folder or a tar, and skopeo's dir:, which has the same things under other names:
 * manifest.json, <hex> for a blob, <hex>.manifest.json for what an index leads to.
 */
#include "engine/move/source.h"

#include "base/cleanup.h"
#include "store/blob.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void source_blob_name(const struct source *s, const struct digest *d, char dst[static 96])
{
	if (s->place.kind == PLACE_DIR)
		digest_format_hex(d, dst);
	else
		blob_path(d, dst);
}

static int get(struct source *s, const struct digest *instance, struct document *ret, struct err *err)
{
	bool is_dir = s->place.kind == PLACE_DIR;
	char name[128], blob[96];
	char *type = NULL;
	int r;

	source_blob_name(s, instance ? instance : &s->top, blob);
	if (is_dir)
		snprintf(name, sizeof(name), "%s%smanifest.json", instance ? blob : "", instance ? "." : "");
	else
		snprintf(name, sizeof(name), "%s", blob);
	if (!is_dir && !instance && s->top_type && !(type = strdup(s->top_type)))
		return err_oom(err);
	r = archive_read(&s->archive, name, IMAGE_DOCUMENT_MAX, &ret->text, err);
	if (r < 0) {
		free(type);
		return r;
	}
	r = document_describe(ret, type, err);
	if (r >= 0 && !is_dir && !instance && !digest_equal(&ret->digest, &s->top))
		r = err_set(err, EBADMSG, "the manifest that index.json leads to has another digest");
	return r;
}

/* A member within a tar goes to a file of its own. */
static int copy_part(const struct archive_input *in, struct err *err)
{
	autoclose int fd = move_temporary(err);
	uint64_t at = 0;
	off_t from = (off_t)in->in.offset;

	if (fd < 0)
		return fd;
	while (at < in->size) {
		ssize_t n = copy_file_range(in->in.fd, &from, fd, NULL, (size_t)(in->size - at), 0);
		char chunk[65536];

		if (n < 0 && (errno == EXDEV || errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP)) {
			uint64_t want = in->size - at < sizeof(chunk) ? in->size - at : sizeof(chunk);

			n = pread(in->in.fd, chunk, (size_t)want, from);
			if (n > 0 && fs_write_all(fd, chunk, (size_t)n, err) < 0)
				return -err->code;
			from += n > 0 ? n : 0;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, errno, "read the archive");
		if (n == 0)
			return err_set(err, EBADMSG, "the archive ends within a blob");
		at += (uint64_t)n;
	}
	return TAKE_FD(fd);
}

static int start(struct source *s, const struct descriptor *d, struct source_blob *ret, struct err *err)
{
	struct archive_input in;
	char name[96];
	int r;

	source_blob_name(s, &d->digest, name);
	r = archive_input(&s->archive, name, &in, err);
	if (r < 0)
		return r;
	if (in.size != d->size)
		r = err_set(err, EBADMSG, "'%s' has %llu bytes, the manifest says %llu", name,
			    (unsigned long long)in.size, (unsigned long long)d->size);
	else if (in.owned_fd)
		ret->fd = TAKE_FD(in.in.fd);
	else
		r = ret->fd = copy_part(&in, err);
	archive_input_done(&in);
	return r < 0 ? r : 0;
}

/* --- which image --- */

static bool is_named(const struct descriptor *d, const char *name)
{
	const char *ref = str_map_get(&d->annotations, ANNOTATION_REF_NAME);

	return ref && strcmp(ref, name) == 0;
}

static int no_such_name(const struct source *s, const struct image_index *index, struct err *err)
{
	autobuf struct buf names = BUF_INIT(400);

	for (size_t i = 0; i < index->manifests_len; i++) {
		const char *name = str_map_get(&index->manifests[i].annotations, ANNOTATION_REF_NAME);

		if (name)
			buf_addf(&names, "%s%s", names.len ? ", " : "", name);
	}
	if (s->place.name)
		err_set(err, ENOENT, "there is no image '%s' in it", s->place.name);
	else
		err_set(err, EINVAL, "it has %zu images: say which", index->manifests_len);
	return err_hint(err, "these have names: %s",
			names.len && !names.error ? names.data : "none, or too many to list");
}

static int choose(struct source *s, struct err *err)
{
	autobuf struct buf text = BUF_INIT(IMAGE_DOCUMENT_MAX + 1);
	const struct descriptor *found = NULL;
	struct image_index index;
	int r = archive_read(&s->archive, "index.json", IMAGE_DOCUMENT_MAX, &text, err);

	if (r >= 0)
		r = image_index_parse(buf_str(&text), text.len, &index, err);
	if (r < 0)
		return r;
	if (!s->place.name && index.manifests_len == 1)
		found = &index.manifests[0];
	for (size_t i = 0; s->place.name && i < index.manifests_len; i++)
		if (is_named(&index.manifests[i], s->place.name))
			found = &index.manifests[i];
	if (found) {
		s->top = found->digest;
		s->top_type = strdup(found->media_type);
		r = s->top_type ? 0 : err_oom(err);
	} else {
		r = no_such_name(s, &index, err);
	}
	image_index_done(&index);
	return r;
}

static const struct source_ops layout_ops = { get, start };

int source_open_layout(struct source *s, struct err *err)
{
	bool is_folder = s->place.kind != PLACE_OCI_ARCHIVE;
	int r = 0;

	s->ops = &layout_ops;
	s->fd = open(s->place.path, O_RDONLY | O_CLOEXEC | (is_folder ? O_DIRECTORY : O_NONBLOCK));
	if (s->fd < 0)
		return err_errno(err, errno, "open '%s'", s->place.path);
	if (!is_folder)
		r = store_tmp_open(s->engine->store, &s->tmp, err);
	if (r >= 0)
		r = archive_open(&s->tmp, s->fd, &s->archive, err);
	if (r >= 0 && s->place.kind != PLACE_DIR)
		r = choose(s, err);
	return r < 0 ? err_wrap(err, "'%s'", s->place.path) : 0;
}

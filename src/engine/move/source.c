#include "engine/move/source.h"

#include "base/cleanup.h"
#include "layer/client.h"
#include "oci/json.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- documents --- */

void document_done(struct document *d)
{
	buf_done(&d->text);
	free(d->media_type);
	*d = DOCUMENT_INIT;
}

/* The type that a document without one must have: an index has manifests. */
static int tell_type(struct document *d, struct err *err)
{
	autojson json_t *root = NULL;
	struct json_at top;
	int r = json_parse(buf_str(&d->text), d->text.len, "manifest", &root, err);

	if (r < 0)
		return r;
	top = json_top(root, "manifest");
	r = json_check(&top, JSON_WANT_OBJECT, err);
	if (r >= 0)
		r = json_get_string(&top, "mediaType", &d->media_type, err);
	if (r < 0 || d->media_type)
		return r;
	d->media_type = strdup(json_object_get(root, "manifests") ? MEDIA_OCI_INDEX : MEDIA_OCI_MANIFEST);
	return d->media_type ? 0 : err_oom(err);
}

int document_describe(struct document *d, char *media_type, struct err *err)
{
	int r = 0;

	free(d->media_type);
	d->media_type = media_type;
	digest_of(buf_str(&d->text), d->text.len, &d->digest);
	if (!media_type || !*media_type) {
		free(TAKE_PTR(d->media_type));
		r = tell_type(d, err);
	}
	return r;
}

/* --- registries --- */

static int get_remote(struct source *s, const struct digest *instance, struct document *ret, struct err *err)
{
	struct registry_manifest m;
	char ref[REMOTE_TAG_MAX], *type;
	int r;

	remote_tag(&s->remote, ref);
	if (instance)
		digest_format(instance, ref);
	r = registry_get_manifest(s->remote.registry, s->remote.repo, ref, &ret->text, &m, err);
	if (r < 0)
		return r;
	/* Some registries call every document application/json: then the text says what it is. */
	if (media_kind(m.media_type) == MEDIA_KIND_OTHER)
		return document_describe(ret, NULL, err);
	type = strdup(m.media_type);
	return type ? document_describe(ret, type, err) : err_oom(err);
}

int move_temporary(struct err *err)
{
	const char *folder = getenv("TMPDIR");
	int fd;

	if (!folder || folder[0] != '/')
		folder = "/var/tmp";
	fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0) {
		/* Not every file system knows files without names. */
		char name[4096];

		if (snprintf(name, sizeof(name), "%s/cloche-XXXXXX", folder) < (int)sizeof(name)) {
			fd = mkostemp(name, O_CLOEXEC);
			if (fd >= 0)
				unlink(name);
		}
	}
	if (fd < 0) {
		err_errno(err, errno, "make a temporary file in '%s'", folder);
		return err_hint(err, "$TMPDIR may name another folder");
	}
	return fd;
}

static int start_remote(struct source *s, const struct descriptor *d, struct source_blob *ret, struct err *err)
{
	int r;

	ret->fd = move_temporary(err);
	if (ret->fd < 0)
		return ret->fd;
	r = registry_start_get(s->remote.registry, s->remote.repo, &d->digest, d->size, ret->fd, &ret->transfer, err);
	ret->is_under_way = r >= 0;
	return r;
}

static const struct source_ops remote_ops = { get_remote, start_remote };

/* --- all of them --- */

void source_done(struct source *s)
{
	remote_done(&s->remote);
	archive_done(&s->archive);
	store_tmp_done(&s->tmp);
	if (s->fd >= 0)
		close(s->fd);
	free(s->top_type);
	place_done(&s->place);
	*s = (struct source){ .fd = -1, .tmp = STORE_TMP_INIT };
}

static int open_place(struct source *s, const struct remote_options *options, struct err *err)
{
	switch (s->place.kind) {
	case PLACE_DOCKER:
		s->ops = &remote_ops;
		return remote_open(options, s->place.name, REMOTE_ITSELF, &s->remote, err);
	case PLACE_OCI:
	case PLACE_OCI_ARCHIVE:
	case PLACE_DIR:
		return source_open_layout(s, err);
	case PLACE_DOCKER_ARCHIVE:
	case PLACE_STORE:
		break;
	}
	return source_open_store(s, err);
}

int source_open(struct place *place, const struct remote_options *options, struct engine *e, struct source *ret,
		struct err *err)
{
	struct source s = { .place = *place, .engine = e, .fd = -1, .tmp = STORE_TMP_INIT };
	int r;

	s.archive = (struct archive){ .fd = -1, .dir_fd = -1 };
	*place = (struct place){ .index = -1 };
	/* The archive points at its folder of tmp/, so it is opened where it stays. */
	*ret = s;
	r = open_place(ret, options, err);
	if (r < 0)
		source_done(ret);
	return r;
}

static int check_document(const struct digest *wanted, const struct document *d, struct err *err)
{
	char text[DIGEST_STR_MAX];

	if (digest_equal(wanted, &d->digest))
		return 0;
	digest_format(wanted, text);
	return err_set(err, EBADMSG, "manifest %s: the content has another digest", text);
}

int source_get(struct source *s, const struct digest *instance, struct document *ret, struct err *err)
{
	int r = s->ops->get(s, instance, ret, err);

	return r >= 0 && instance ? check_document(instance, ret, err) : r;
}

int source_start_blob(struct source *s, const struct descriptor *d, struct source_blob *ret, struct err *err)
{
	*ret = (struct source_blob){ .fd = -1, .descriptor = d };
	return s->ops->start(s, d, ret, err);
}

static int verify(const struct source_blob *b, struct err *err)
{
	struct layer_request q = { .verb = LAYER_DIGEST };
	struct stat st;

	if (fstat(b->fd, &st) < 0 || lseek(b->fd, 0, SEEK_SET) < 0)
		return err_errno(err, errno, "look at a blob");
	if ((uint64_t)st.st_size != b->descriptor->size)
		return err_set(err, EBADMSG, "it has %llu bytes, the manifest says %llu",
			       (unsigned long long)st.st_size, (unsigned long long)b->descriptor->size);
	if (b->is_trusted)
		return 0;
	q.digest = (struct layer_input){
		.fd = b->fd, .has_digest = true, .digest = b->descriptor->digest, .expected_size = b->descriptor->size
	};
	return layer_run(&q, NULL, err);
}

int source_wait_blob(struct source *s, struct source_blob *b, struct err *err)
{
	char digest[DIGEST_STR_MAX];
	int r = b->is_under_way ? registry_wait(s->remote.registry, b->transfer, err) : 0;

	b->is_under_way = false;
	if (r >= 0)
		r = verify(b, err);
	if (r >= 0 && lseek(b->fd, 0, SEEK_SET) < 0)
		r = err_errno(err, errno, "rewind a blob");
	if (r < 0) {
		digest_format(&b->descriptor->digest, digest);
		return err_wrap(err, "blob %s", digest);
	}
	return 0;
}

void source_blob_done(struct source_blob *b)
{
	if (b->fd >= 0)
		close(b->fd);
	b->fd = -1;
}

int source_get_small(struct source *s, const struct descriptor *d, struct buf *ret, struct err *err)
{
	struct source_blob b;
	int r;

	if (d->size > IMAGE_DOCUMENT_MAX)
		return err_set(err, E2BIG, "a configuration of %llu bytes is over the limit of %d",
			       (unsigned long long)d->size, IMAGE_DOCUMENT_MAX);
	r = source_start_blob(s, d, &b, err);
	if (r >= 0)
		r = source_wait_blob(s, &b, err);
	if (r >= 0)
		r = fs_read_fd(b.fd, IMAGE_DOCUMENT_MAX, ret, err);
	source_blob_done(&b);
	return r;
}

#include "engine/move/dest.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- registries --- */

static int has_remote(struct dest *d, const struct descriptor *blob, const char *mount_from, struct err *err)
{
	int r = registry_has_blob(d->remote.registry, d->remote.repo, &blob->digest, err);

	if (r != 0 || !mount_from)
		return r;
	/* A registry that won't take it over, for whatever reason, gets the bytes. */
	r = registry_mount_blob(d->remote.registry, d->remote.repo, mount_from, &blob->digest, NULL);
	return r > 0;
}

static int start_remote(struct dest *d, const struct descriptor *blob, int fd, struct dest_blob *ret, struct err *err)
{
	int r = registry_start_put(d->remote.registry, d->remote.repo, NULL, &blob->digest, blob->size, fd,
				   &ret->transfer, err);

	ret->is_under_way = r >= 0;
	return r;
}

static int put_remote(struct dest *d, const struct document *doc, bool is_top, struct err *err)
{
	const char *tag = is_top && d->remote.ref.tag[0] ? d->remote.ref.tag : NULL;

	return registry_put_manifest(d->remote.registry, d->remote.repo, tag, doc->media_type, buf_str(&doc->text),
				     doc->text.len, NULL, err);
}

static int finish_remote(struct dest *d, struct err *err)
{
	(void)d;
	(void)err;
	return 0;
}

static const struct dest_ops remote_ops = { has_remote, start_remote, put_remote, finish_remote };

static int open_remote(struct dest *d, const struct remote_options *options, struct err *err)
{
	d->ops = &remote_ops;
	return remote_open(options, d->place.name, REMOTE_ITSELF, &d->remote, err);
}

/* --- all of them --- */

int dest_open(struct place *place, const struct remote_options *options, struct dest *ret, struct err *err)
{
	int r;

	*ret = (struct dest){ .place = *place, .dir_fd = -1 };
	*place = (struct place){ .index = -1 };
	if (place_needs_store(ret->place.kind, true))
		r = err_set(err, EINVAL, "%s takes whole images only", place_prefix(ret->place.kind));
	else if (ret->place.kind == PLACE_DOCKER)
		r = open_remote(ret, options, err);
	else
		r = dest_open_layout(ret, err);
	if (r < 0)
		dest_done(ret);
	return r;
}

int dest_has_blob(struct dest *d, const struct descriptor *blob, const char *mount_from, struct err *err)
{
	return d->ops->has(d, blob, mount_from, err);
}

int dest_start_blob(struct dest *d, const struct descriptor *blob, int fd, struct dest_blob *ret, struct err *err)
{
	*ret = (struct dest_blob){ .descriptor = blob };
	return d->ops->start(d, blob, fd, ret, err);
}

int dest_wait_blob(struct dest *d, struct dest_blob *b, struct err *err)
{
	char digest[DIGEST_STR_MAX];

	if (!b->is_under_way)
		return 0;
	b->is_under_way = false;
	if (registry_wait(d->remote.registry, b->transfer, err) >= 0)
		return 0;
	digest_format(&b->descriptor->digest, digest);
	return err_wrap(err, "blob %s", digest);
}

int dest_put(struct dest *d, const struct document *doc, bool is_top, struct err *err)
{
	char digest[DIGEST_STR_MAX];

	if (is_top && d->remote.ref.has_digest && !digest_equal(&d->remote.ref.digest, &doc->digest)) {
		digest_format(&doc->digest, digest);
		return err_set(err, EINVAL, "the destination names another digest than that of the image, %s", digest);
	}
	return d->ops->put(d, doc, is_top, err);
}

int dest_finish(struct dest *d, struct err *err)
{
	return d->ops->finish(d, err);
}

int dest_is_unchanged(struct dest *d, const struct digest *top)
{
	struct registry_manifest m;
	char ref[REMOTE_TAG_MAX];

	if (d->place.kind != PLACE_DOCKER)
		return 0;
	remote_tag(&d->remote, ref);
	return registry_get_manifest(d->remote.registry, d->remote.repo, ref, NULL, &m, NULL) >= 0 &&
	       digest_equal(&m.digest, top);
}

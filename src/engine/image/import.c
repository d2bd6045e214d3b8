#include "engine/image/import.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "build/apply.h"
#include "engine/image/changes.h"
#include "layer/client.h"
#include "oci/image.h"
#include "store/blob.h"
#include "store/image.h"
#include "store/layers.h"
#include "store/ref.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int set_text(char **dst, const char *value, struct err *err)
{
	char *copy = value ? strdup(value) : NULL;

	if (value && !copy)
		return err_oom(err);
	free(*dst);
	*dst = copy;
	return 0;
}

static int make_config(const struct import_options *o, struct image_config *ret, struct err *err)
{
	autofree char *comment = o->message ? strdup(o->message) : str_format("Imported from %s", o->origin);
	struct image_config c;
	struct timespec now;
	char created[TIME_RFC3339_MAX];
	int r = image_config_init(&c, err);

	if (r < 0)
		return r;
	clock_gettime(CLOCK_REALTIME, &now);
	time_format_rfc3339(now, created);
	r = comment ? set_text(&c.created, created, err) : err_oom(err);
	if (r >= 0 && o->architecture) {
		r = set_text(&c.architecture, o->architecture, err);
		if (r >= 0)
			r = set_text(&c.variant, o->variant, err);
	}
	if (r >= 0 && o->os)
		r = set_text(&c.os, o->os, err);
	if (r >= 0)
		r = image_config_add_history(&c, created, NULL, comment, false, err);
	if (r >= 0)
		r = changes_apply(o->changes, &c, err);
	if (r < 0) {
		image_config_done(&c);
		return r;
	}
	*ret = c;
	return 0;
}

/* Unpacks into tmp/<…>/layer/fs, and keeps the bytes in tmp/<…>/blob. */
static int unpack(struct engine *e, struct store_tmp *tmp, int fd, struct layer_result *ret, struct err *err)
{
	struct layer_request q = { .verb = LAYER_APPLY, .ids = &e->ids };
	autoclose int blob = openat(tmp->dir_fd, "blob", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), folder = -1;

	if (blob < 0 || mkdirat(tmp->dir_fd, "layer", 0700) < 0 ||
	    (folder = openat(tmp->dir_fd, "layer", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		return err_errno(err, errno, "make files in '%s/%s'", e->store->root, tmp->name);
	q.apply = (struct layer_apply){ .in = { .fd = fd, .tee_fd = blob }, .dir_fd = folder, .name = "fs" };
	return layer_run(&q, ret, err);
}

static int add_layer(struct engine *e, struct store_tmp *tmp, const struct layer_result *result, struct err *err)
{
	struct layer_info info = { result->entries, result->file_bytes, result->diff_size };
	autoclose int lock = layer_lock(e->store, &result->diff_id, err);
	int r = lock < 0 ? lock : layer_exists(e->store, &result->diff_id, err);

	if (r == 0 && result->stand_ins > 0)
		r = store_set_copies_only(e->store, err);
	if (r == 0)
		r = store_sync(e->store, err);
	if (r == 0)
		r = layer_commit(tmp, "layer", &result->diff_id, &info, err);
	return r < 0 ? r : blob_commit(tmp, "blob", &result->digest, result->size, err);
}

static int put_image(struct engine *e, const struct import_options *o, struct image_config *config,
		     const struct layer_result *result, struct digest *ret_id, struct err *err)
{
	autobuf struct buf text = BUF_INIT(IMAGE_DOCUMENT_MAX);
	struct descriptor layer;
	struct digest manifest;
	const char *type = result->compression == LAYER_GZIP   ? MEDIA_OCI_LAYER_GZIP
			   : result->compression == LAYER_ZSTD ? MEDIA_OCI_LAYER_ZSTD
							       : MEDIA_OCI_LAYER;
	int r = image_config_add_diff_id(config, &result->diff_id, err);

	if (r >= 0)
		r = image_config_write(config, &text, err);
	if (r >= 0)
		r = descriptor_init(&layer, type, &result->digest, result->size, err);
	if (r < 0)
		return r;
	r = store_image_put(e->store, text.data, text.len, &layer, 1, &manifest, ret_id, err);
	descriptor_done(&layer);
	if (r < 0)
		return r;
	return o->name ? ref_set(e->store, o->name, &manifest, "import", err)
		       : ref_set_untagged(e->store, &manifest, err);
}

int engine_import(struct engine *e, int fd, const struct import_options *options, struct digest *ret_id,
		  struct err *err)
{
	struct store_tmp tmp = STORE_TMP_INIT;
	struct layer_result result;
	struct image_config config;
	int r = make_config(options, &config, err);

	if (r < 0)
		return r;
	r = store_tmp_open(e->store, &tmp, err);
	if (r >= 0)
		r = unpack(e, &tmp, fd, &result, err);
	if (r >= 0)
		r = add_layer(e, &tmp, &result, err);
	if (r >= 0)
		r = put_image(e, options, &config, &result, ret_id, err);
	store_tmp_done(&tmp);
	image_config_done(&config);
	engine_tidy(e, r < 0);
	return r;
}

#include "engine/volume/prune.h"

#include "base/cleanup.h"
#include "engine/container/container.h"
#include "engine/container/size.h"
#include "engine/image/images.h"

#include <errno.h>

void pruned_done(struct pruned *p)
{
	strv_done(&p->names);
}

/* 1: it may go; 0: it stays, or is gone already. */
static int is_prunable(struct engine *e, const char *name, bool all, const struct volume_filter *f, struct err *err)
{
	autovolume struct volume v = { 0 };
	int r = volume_read(e->store, name, &v, err);

	if (r == -ENOENT)
		err_clear(err);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	return (all || volume_is_anonymous(&v)) && (!f || volume_fits_labels(&v, f));
}

static int prune_volume(struct engine *e, const char *name, struct pruned *ret, struct err *err)
{
	uint64_t size = volume_size(e->store, name);
	int r = volume_remove(e->store, name, NULL, err);

	if (r == -EBUSY || r == -ENOENT) {
		err_clear(err);
		return 0;
	}
	if (r < 0)
		return r;
	ret->bytes += size;
	return strv_add(&ret->names, name) < 0 ? err_oom(err) : 0;
}

int prune_volumes(struct engine *e, bool all, const struct volume_filter *f, struct pruned *ret, struct err *err)
{
	autostrv struct strv names = { 0 };
	int r;

	/* What a killed command's container had is in use by nobody. */
	containers_sweep(e->store, 0, true);
	r = volumes_list(e->store, &names, err);

	for (size_t i = 0; r >= 0 && i < names.len; i++) {
		r = is_prunable(e, names.items[i], all, f, err);
		if (r > 0)
			r = prune_volume(e, names.items[i], ret, err);
	}
	return r;
}

static int prune_image(struct engine *e, const struct image_row *row, struct pruned *ret, struct err *err)
{
	char manifest[DIGEST_STR_MAX];
	int r;

	digest_format(&row->manifest, manifest);
	r = engine_remove_image(e, row->name ? row->name : manifest, false, &ret->names, err);
	/* A container may just have been made from it, or another command have removed it. */
	if (r == -EBUSY || r == -ENOENT) {
		err_clear(err);
		return 0;
	}
	return r;
}

int prune_images(struct engine *e, bool all, const struct strv *filters, struct pruned *ret, struct err *err)
{
	autoimages struct image_rows rows = { 0 };
	int r = engine_images(e, filters, &rows, err);

	for (size_t i = 0; r >= 0 && i < rows.len; i++)
		if (!rows.items[i].containers && (all || !rows.items[i].name))
			r = prune_image(e, &rows.items[i], ret, err);
	return r;
}

static int prune_container(struct engine *e, const char *id, struct pruned *ret, struct err *err)
{
	autorecord struct container_record record = { 0 };
	struct container_size size = { 0 };
	int r;

	if (container_record_read(e->store, id, &record, NULL) >= 0)
		container_size(e->store, &e->ids, &record, &size, NULL);
	r = container_remove(e->store, id, err);

	/* Somebody has started or removed it meanwhile. */
	if (r == -EBUSY || r == -ENOENT) {
		err_clear(err);
		return 0;
	}
	if (r < 0)
		return r;
	ret->bytes += size.rw;
	return strv_add(&ret->names, id) < 0 ? err_oom(err) : 0;
}

int prune_containers(struct engine *e, struct row_filters *filters, struct pruned *ret, struct err *err)
{
	autorows struct container_rows rows = { 0 };
	int r = container_rows_read(e->store, &rows, err);

	if (r >= 0)
		r = row_filters_bind(filters, &rows, err);
	for (size_t i = 0; r >= 0 && i < rows.len; i++)
		if (!container_is_alive(rows.items[i].status.phase) &&
		    row_filters_pass(e->store, filters, &rows.items[i]))
			r = prune_container(e, rows.items[i].summary.id, ret, err);
	return r;
}

#include "engine/volume/disk.h"

#include "base/cleanup.h"
#include "engine/container/list.h"
#include "engine/container/volumes.h"
#include "engine/image/images.h"
#include "store/usage.h"

#include <errno.h>
#include <stdio.h>

/* An image counts once, however many names it has. */
static bool seen_before(const struct image_rows *rows, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (digest_equal(&rows->items[i].id, &rows->items[at].id))
			return true;
	return false;
}

static int read_images(struct engine *e, const struct store_usage *usage, struct disk_part *ret, struct err *err)
{
	autoimages struct image_rows rows = { 0 };
	const struct strv no_filters = { 0 };
	int r = engine_images(e, &no_filters, &rows, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < rows.len; i++) {
		if (seen_before(&rows, i))
			continue;
		ret->total++;
		ret->active += rows.items[i].containers > 0;
	}
	ret->reclaimable = usage->roots[MARK_NAMES].bytes + usage->roots[MARK_UNTAGGED].bytes;
	ret->bytes = usage->roots[MARK_CONTAINERS].bytes + ret->reclaimable;
	return 0;
}

static int read_containers(struct engine *e, struct disk_part *ret, struct err *err)
{
	autorows struct container_rows rows = { 0 };
	int r = container_rows_read(e->store, &rows, err);

	for (size_t i = 0; r >= 0 && i < rows.len; i++) {
		bool alive = container_is_alive(rows.items[i].status.phase);
		char path[16 + CONTAINER_ID_MAX];
		uint64_t bytes;

		snprintf(path, sizeof(path), "containers/%s", rows.items[i].summary.id);
		bytes = store_folder_bytes(e->store, path);
		ret->total++;
		ret->active += alive;
		ret->bytes += bytes;
		ret->reclaimable += alive ? 0 : bytes;
	}
	return r;
}

static int read_volumes(struct engine *e, struct disk_part *ret, struct err *err)
{
	autostrv struct strv names = { 0 };
	int r = volumes_list(e->store, &names, err);

	for (size_t i = 0; r >= 0 && i < names.len; i++) {
		autostrv struct strv users = { 0 };
		uint64_t bytes = volume_size(e->store, names.items[i]);

		r = volume_users(e->store, names.items[i], NULL, &users, err);
		if (r < 0)
			return r;
		ret->total++;
		ret->active += users.len > 0;
		ret->bytes += bytes;
		ret->reclaimable += users.len ? 0 : bytes;
	}
	return r;
}

int disk_parts_read(struct engine *e, struct disk_parts *ret, struct err *err)
{
	struct disk_parts parts = { 0 };
	struct store_usage usage;
	int r = store_usage(e->store, &usage, err);

	if (r >= 0)
		r = read_images(e, &usage, &parts.images, err);
	if (r >= 0)
		r = read_containers(e, &parts.containers, err);
	if (r >= 0)
		r = read_volumes(e, &parts.volumes, err);
	if (r < 0)
		return r;
	parts.cache.total = usage.cache_entries;
	parts.cache.bytes = usage.roots[MARK_CACHE].bytes + usage.cache_mounts_bytes;
	parts.cache.reclaimable = parts.cache.bytes;
	*ret = parts;
	return 0;
}

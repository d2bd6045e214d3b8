/* One layer: what its tar holds, read once more, so that digest and diff id are verified on the way. */
#include "engine/image/inside.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "layer/client.h"
#include "store/blob.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { FILE_LIST_MAX = 1000000 };

struct large_file {
	char *path; /* owned */
	uint64_t size;
};

struct count {
	int64_t files, folders, links, others, deleted;
	uint64_t bytes;
	struct large_file largest[INSIDE_LARGEST]; /* the largest first */
	json_t *list;				   /* NULL: not asked for; owned */
};

static void count_done(struct count *c)
{
	for (size_t i = 0; i < INSIDE_LARGEST; i++)
		free(c->largest[i].path);
	json_decref(c->list);
}

static int note_size(struct count *c, const struct layer_entry *entry)
{
	size_t at = INSIDE_LARGEST;

	while (at > 0 && (!c->largest[at - 1].path || c->largest[at - 1].size < entry->size))
		at--;
	if (at == INSIDE_LARGEST || entry->size == 0)
		return 0;
	free(c->largest[INSIDE_LARGEST - 1].path);
	memmove(c->largest + at + 1, c->largest + at, (INSIDE_LARGEST - 1 - at) * sizeof(*c->largest));
	c->largest[at] = (struct large_file){ str_format("/%s", entry->name), entry->size };
	return c->largest[at].path ? 0 : -ENOMEM;
}

static json_t *entry_json(const struct layer_entry *entry, bool deleted)
{
	autofree char *path = str_format("/%s", entry->name);
	autojson json_t *object = json_object();
	char mode[16], type[2] = { deleted ? 'w' : entry->type, '\0' };

	snprintf(mode, sizeof(mode), "%04o", entry->mode & 07777);
	if (!path || !object || json_add_string(object, "Path", path) < 0 ||
	    json_add_string(object, "Type", type) < 0 || json_add_string(object, "Mode", mode) < 0 ||
	    json_add_int(object, "Uid", entry->uid) < 0 || json_add_int(object, "Gid", entry->gid) < 0 ||
	    json_add_int(object, "Size", (int64_t)entry->size) < 0 || json_add_string(object, "Link", entry->link) < 0)
		return NULL;
	return TAKE_PTR(object);
}

static int on_entry(void *arg, const struct layer_entry *entry, struct err *err)
{
	struct count *c = arg;
	bool deleted = str_starts_with(path_basename(entry->name), ".wh.");

	if (deleted)
		c->deleted++;
	else if (entry->type == 'f')
		c->files++;
	else if (entry->type == 'd')
		c->folders++;
	else if (entry->type == 'l' || entry->type == 'h')
		c->links++;
	else
		c->others++;
	if (entry->type == 'f' && !deleted) {
		c->bytes += entry->size;
		if (note_size(c, entry) < 0)
			return err_oom(err);
	}
	if (!c->list)
		return 0;
	if (json_array_size(c->list) >= FILE_LIST_MAX)
		return err_set(err, E2BIG, "more than %d files to list", FILE_LIST_MAX);
	return json_array_append_new(c->list, entry_json(entry, deleted)) < 0 ? err_oom(err) : 0;
}

static json_t *largest_json(const struct count *c)
{
	autojson json_t *list = json_array();

	for (size_t i = 0; i < INSIDE_LARGEST && c->largest[i].path; i++) {
		autojson json_t *file = json_object();

		if (!file || json_add_string(file, "Path", c->largest[i].path) < 0 ||
		    json_add_int(file, "Size", (int64_t)c->largest[i].size) < 0 || json_array_append(list, file) < 0)
			return NULL;
	}
	return TAKE_PTR(list);
}

static int add_counts(const struct count *c, json_t *object)
{
	if (json_add_int(object, "Size", (int64_t)c->bytes) < 0 ||
	    json_add_int(object, "Entries", c->files + c->folders + c->links + c->others + c->deleted) < 0 ||
	    json_add_int(object, "Files", c->files) < 0 || json_add_int(object, "Folders", c->folders) < 0 ||
	    json_add_int(object, "Links", c->links) < 0 || json_add_int(object, "Deleted", c->deleted) < 0 ||
	    json_add(object, "Largest", largest_json(c)) < 0)
		return -ENOMEM;
	return c->list ? json_add(object, "FileList", json_incref(c->list)) : 0;
}

static json_t *identity(const struct store_image *img, size_t layer)
{
	const struct descriptor *d = &img->manifest.layers[layer];
	const struct image_history *h = image_config_layer_history(&img->config, layer);
	autojson json_t *object = json_object();
	char diff_id[DIGEST_STR_MAX], digest[DIGEST_STR_MAX];

	digest_format(&img->config.diff_ids[layer], diff_id);
	digest_format(&d->digest, digest);
	if (!object || json_add_int(object, "Number", (int64_t)layer + 1) < 0 ||
	    json_add_string(object, "DiffId", diff_id) < 0 || json_add_string(object, "Digest", digest) < 0 ||
	    json_add_string(object, "MediaType", d->media_type) < 0 ||
	    json_add_int(object, "BlobSize", (int64_t)d->size) < 0 ||
	    json_add_string(object, "CreatedBy", h ? h->created_by : NULL) < 0 ||
	    json_add_string(object, "Comment", h ? h->comment : NULL) < 0 ||
	    json_add_string(object, "Created", h ? h->created : NULL) < 0)
		return NULL;
	return TAKE_PTR(object);
}

int inside_layer(struct engine *e, const struct store_image *img, size_t layer, bool all_files, json_t **ret,
		 struct err *err)
{
	const struct descriptor *d = &img->manifest.layers[layer];
	autojson json_t *object = identity(img, layer);
	struct count count = { .list = all_files ? json_array() : NULL };
	struct layer_request q = { .verb = LAYER_LIST, .on_entry = on_entry, .arg = &count };
	autoclose int fd = blob_open(e->store, &d->digest, NULL, err);
	int r = fd;

	if (r >= 0 && !object)
		r = err_oom(err);
	if (r >= 0) {
		q.list = (struct layer_input){ .fd = fd,
					       .has_digest = true,
					       .has_diff_id = true,
					       .digest = d->digest,
					       .diff_id = img->config.diff_ids[layer],
					       .expected_size = d->size };
		r = layer_run(&q, NULL, err);
	}
	if (r >= 0 && add_counts(&count, object) < 0)
		r = err_oom(err);
	count_done(&count);
	if (r >= 0)
		*ret = TAKE_PTR(object);
	return r;
}

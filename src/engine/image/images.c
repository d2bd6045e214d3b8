#include "engine/image/images.h"

#include "base/str.h"
#include "base/timefmt.h"
#include "engine/image/image_filter.h"
#include "store/containers.h"
#include "store/image.h"
#include "sys/fs.h"

#include <errno.h>
#include <string.h>

enum { ROOTS_MAX = 1 << 20 };

static void row_done(struct image_row *row)
{
	free(row->name);
	image_config_done(&row->config);
}

void image_rows_done(struct image_rows *rows)
{
	for (size_t i = 0; i < rows->len; i++)
		row_done(&rows->items[i]);
	free(rows->items);
	*rows = (struct image_rows){ 0 };
}

/* --- containers of an image --- */

/* It is the first line of its roots. */
bool container_manifest(struct store *s, const char *id, struct digest *ret)
{
	autofree char *path = str_format("containers/%s/roots", id);
	autobuf struct buf text = BUF_INIT(ROOTS_MAX);

	if (!path || fs_read_file(s->root_fd, path, ROOTS_MAX - 1, &text, NULL) < 0 || text.len == 0)
		return false;
	text.data[strcspn(text.data, "\n")] = '\0';
	return digest_parse(text.data, ret, NULL) >= 0;
}

int image_users(struct store *s, const struct digest *id, size_t *ret_count, char ret_id[static 65], struct err *err)
{
	autostrv struct strv ids = { 0 };
	size_t count = 0;
	int r = containers_list(s, &ids, err);

	if (r < 0)
		return r;
	ret_id[0] = '\0';
	for (size_t i = 0; i < ids.len; i++) {
		struct digest manifest, used;

		if (!container_manifest(s, ids.items[i], &manifest) || !store_manifest_id(s, &manifest, &used) ||
		    !digest_equal(&used, id))
			continue;
		if (count++ == 0)
			snprintf(ret_id, CONTAINER_ID_MAX, "%s", ids.items[i]);
	}
	*ret_count = count;
	return 0;
}

/* --- listing --- */

static int read_row(struct engine *e, const struct ref *ref, struct image_row *ret, struct err *err)
{
	struct image_row row = { .manifest = ref->manifest };
	char user[CONTAINER_ID_MAX];
	struct store_image img;
	struct err why = { 0 };
	int r = store_image_open_manifest(e->store, &ref->manifest, &img, &why);

	if (ref->name && !(row.name = strdup(ref->name))) {
		if (r >= 0)
			store_image_done(&img);
		return err_oom(err);
	}
	if (r < 0) {
		row.damaged = true;
		row.config.stop_timeout = -1;
	} else {
		row.id = img.id;
		row.size = store_image_size(e->store, &img);
		row.config = img.config;
		img.config = (struct image_config){ 0 };
		store_image_done(&img);
	}
	r = image_users(e->store, &row.id, &row.containers, user, err);
	if (r < 0) {
		row_done(&row);
		return r;
	}
	*ret = row;
	return 0;
}

/* Newest first; RFC 3339 is compared as time, since offsets may differ. */
static int newer_first(const void *a, const void *b)
{
	const struct image_row *x = a, *y = b;
	struct timespec tx = { 0 }, ty = { 0 };

	if (x->config.created)
		time_parse_rfc3339(x->config.created, &tx);
	if (y->config.created)
		time_parse_rfc3339(y->config.created, &ty);
	if (tx.tv_sec != ty.tv_sec)
		return tx.tv_sec < ty.tv_sec ? 1 : -1;
	if (tx.tv_nsec != ty.tv_nsec)
		return tx.tv_nsec < ty.tv_nsec ? 1 : -1;
	if (x->name && y->name)
		return strcmp(x->name, y->name);
	return (x->name == NULL) - (y->name == NULL);
}

static int add_row(struct engine *e, const struct ref *ref, const struct image_filter *filter, struct image_rows *rows,
		   struct err *err)
{
	struct image_row row;
	int r = read_row(e, ref, &row, err);

	if (r < 0)
		return r;
	if (!image_filter_accepts(filter, &row)) {
		row_done(&row);
		return 0;
	}
	if (image_rows_push(rows, row) < 0) {
		row_done(&row);
		return err_oom(err);
	}
	return 0;
}

int engine_images(struct engine *e, const struct strv *filters, struct image_rows *ret, struct err *err)
{
	struct image_filter filter = { 0 };
	struct image_rows rows = { 0 };
	autorefs struct refs refs = { 0 };
	int r = image_filter_parse(e, filters, &filter, err);

	if (r >= 0)
		r = refs_list(e->store, &refs, err);
	for (size_t i = 0; r >= 0 && i < refs.len; i++)
		r = add_row(e, &refs.items[i], &filter, &rows, err);
	image_filter_done(&filter);
	if (r < 0) {
		image_rows_done(&rows);
		return r;
	}
	if (rows.len > 1)
		qsort(rows.items, rows.len, sizeof(*rows.items), newer_first);
	*ret = rows;
	return 0;
}

/* --- names --- */

int engine_tag(struct engine *e, const char *source, const char *target, struct err *err)
{
	autofree char *name = NULL, *why = NULL;
	struct reference ref;
	struct digest manifest;
	int r = store_resolve(e->store, source, &manifest, &name, err);

	if (r >= 0)
		r = reference_parse(target, &ref, err);
	if (r < 0)
		return r;
	if (ref.has_digest)
		return err_set(err, EINVAL, "'%s': a name with a digest can't be given", target);
	/* As docker: nobody could tell it from a digest. */
	if (strcmp(ref.name, "docker.io/library/sha256") == 0)
		return err_set(err, EINVAL, "'%s' could be taken for a digest, so it is no name for an image", target);
	why = str_format("tag %s", name ? name : source);
	if (!why)
		return err_oom(err);
	return ref_set(e->store, &ref, &manifest, why, err);
}

/* How the user said it, for the report: "debian:12". */
static int report(struct strv *lines, const char *what, const char *name, struct err *err)
{
	char familiar[REFERENCE_MAX + 256];
	struct reference ref;

	if (reference_parse(name, &ref, NULL) >= 0)
		reference_format_familiar(&ref, familiar);
	else
		snprintf(familiar, sizeof(familiar), "%s", name);
	return strv_addf(lines, "%s: %s", what, familiar) < 0 ? err_oom(err) : 0;
}

struct removal {
	struct engine *e;
	const char *image; /* as typed */
	struct digest manifest, id;
	struct strv names;    /* all that lead to it, also by other manifests of the same ID */
	struct refs untagged; /* its manifests without a name */
	bool force;
	struct strv *lines;
};

static int find_names(struct removal *rm, struct err *err)
{
	autorefs struct refs refs = { 0 };
	int r = refs_list(rm->e->store, &refs, err);

	for (size_t i = 0; r >= 0 && i < refs.len; i++) {
		struct ref *ref = &refs.items[i];
		struct digest id;

		if (!digest_equal(&ref->manifest, &rm->manifest) &&
		    (!store_manifest_id(rm->e->store, &ref->manifest, &id) || !digest_equal(&id, &rm->id)))
			continue;
		if (ref->name ? strv_add(&rm->names, ref->name) < 0 : refs_push(&rm->untagged, *ref) < 0)
			r = err_oom(err);
	}
	return r;
}

static int check_unused(const struct removal *rm, struct err *err)
{
	char user[CONTAINER_ID_MAX];
	size_t users;
	int r = image_users(rm->e->store, &rm->id, &users, user, err);

	if (r < 0 || users == 0 || rm->force)
		return r;
	err_set(err, EBUSY, "image '%s' is used by container %.12s%s", rm->image, user, users > 1 ? " and others" : "");
	return err_hint(err, "remove it first with 'cloche rm %.12s', or use --force to take only the names away",
			user);
}

static int untag(const struct removal *rm, const char *name, struct err *err)
{
	int r = ref_delete(rm->e->store, name, "rmi", err);

	/* Two at once: the other one took it away. */
	return r < 0 && r != -ENOENT ? r : report(rm->lines, "Untagged", name, err);
}

static int report_deleted(const struct removal *rm, struct err *err)
{
	char id[DIGEST_STR_MAX], user[CONTAINER_ID_MAX];
	size_t users;
	int r = image_users(rm->e->store, &rm->id, &users, user, err);

	if (r < 0 || users > 0)
		return r;
	digest_format(&rm->id, id);
	return strv_addf(rm->lines, "Deleted: %s", id) < 0 ? err_oom(err) : 0;
}

/* The image itself, with all its names. */
static int remove_whole(const struct removal *rm, struct err *err)
{
	int r = check_unused(rm, err);

	for (size_t i = 0; r >= 0 && i < rm->names.len; i++)
		r = untag(rm, rm->names.items[i], err);
	for (size_t i = 0; r >= 0 && i < rm->untagged.len; i++) {
		r = ref_delete_untagged(rm->e->store, &rm->untagged.items[i].manifest, err);
		r = r == -ENOENT ? 0 : r;
	}
	return r < 0 ? r : report_deleted(rm, err);
}

static int remove_found(struct removal *rm, const char *name, struct err *err)
{
	int r;

	/* A damaged image can be removed too; it just has no ID to report. */
	if (!store_manifest_id(rm->e->store, &rm->manifest, &rm->id))
		rm->id = rm->manifest;
	r = find_names(rm, err);
	if (r < 0)
		return r;
	if (name && rm->names.len > 1)
		return untag(rm, name, err);
	if (!name && rm->names.len > 1 && !rm->force) {
		err_set(err, EBUSY, "image '%s' has %zu names", rm->image, rm->names.len);
		return err_hint(err, "take them away one by one, or all with --force");
	}
	return remove_whole(rm, err);
}

int engine_remove_image(struct engine *e, const char *image, bool force, struct strv *ret_lines, struct err *err)
{
	struct removal rm = { .e = e, .image = image, .force = force, .lines = ret_lines };
	autofree char *name = NULL;
	int r = store_resolve(e->store, image, &rm.manifest, &name, err);

	if (r >= 0)
		r = remove_found(&rm, name, err);
	strv_done(&rm.names);
	refs_done(&rm.untagged);
	return r;
}

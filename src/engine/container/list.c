#include "engine/container/list.h"

#include "base/str.h"
#include "engine/container/index.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One reading of all. Who lives was found out first; what is told of the others was true then or later. */
struct reading {
	struct store *store;
	struct container_rows *rows;
	struct lives_seen lives;
	struct index_entries old, fresh; /* the index as it was, and as it is to be */
	struct timespec begun;
	int dir_fd; /* containers/ */
	bool is_stale;
};

static void reading_done(struct reading *r)
{
	free(r->lives.items);
	free(r->old.items);
	free(r->fresh.items);
	if (r->dir_fd >= 0)
		close(r->dir_fd);
}

void container_rows_done(struct container_rows *rows)
{
	buf_done(&rows->index);
	strv_done(&rows->entries);
	free(rows->items);
	*rows = (struct container_rows){ 0 };
}

static int compare_rows(const void *a, const void *b)
{
	const struct timespec *x = &((const struct container_row *)a)->summary.created,
			      *y = &((const struct container_row *)b)->summary.created;

	if (x->tv_sec != y->tv_sec)
		return x->tv_sec < y->tv_sec ? 1 : -1;
	return x->tv_nsec < y->tv_nsec ? 1 : x->tv_nsec > y->tv_nsec ? -1 : 0;
}

static int compare_live(const void *id, const void *seen)
{
	return strcmp(id, ((const struct live_seen *)seen)->id);
}

/* What the index says, if that holds. */
static bool take_indexed(struct reading *r, const char *id, struct container_row *ret)
{
	const char *raw = index_find(&r->old, id);
	const struct live_seen *seen = NULL;
	struct index_stamp now;
	struct index_entry e;
	struct stat st;

	if (!raw || fstatat(r->dir_fd, id, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	e = index_entry_at(raw);
	index_stamp_set(&now, &st);
	if (!index_stamp_equal(&now, &e.stamp))
		return false;
	if (r->lives.len)
		seen = bsearch(id, r->lives.items, r->lives.len, sizeof(r->lives.items[0]), compare_live);
	if (!seen && e.status.phase == CONTAINER_LOST)
		return false;
	*ret = (struct container_row){ e.summary, e.status };
	if (seen)
		container_status_of_live(r->store, seen, &ret->status);
	return index_entries_push(&r->fresh, raw) == 0;
}

/* What its folder says, of which the entry is kept by the rows. */
static int read_folder(struct reading *r, const char *id, struct container_row *ret)
{
	autoclose int dir = container_open(r->store, id, NULL);
	autorecord struct container_record record = { 0 };
	autobuf struct buf raw = BUF_INIT(INDEX_MAX);
	struct index_stamp stamp;
	struct index_entry e;
	struct stat st;
	const char *kept;
	size_t size;

	/* The times first: what changes later has others. */
	if (dir < 0 || fstat(dir, &st) < 0 || container_record_read_at(dir, id, &record, NULL) < 0 ||
	    container_status_read_at(r->store, id, dir, &ret->status, NULL) < 0 || strcmp(record.id, id) != 0)
		return -ENOENT;
	index_stamp_set(&stamp, &st);
	if (index_entry_format(&raw, &stamp, &record, &ret->status) < 0)
		return -ENOMEM;
	size = raw.len;
	if (strv_take(&r->rows->entries, buf_take(&raw)) < 0)
		return -ENOMEM;
	kept = r->rows->entries.items[r->rows->entries.len - 1];
	if (index_entry_parse(kept, size, &e) < 0)
		return -EBADMSG;
	ret->summary = e.summary;
	r->is_stale = true;
	return index_stamp_is_settled(&stamp, &r->begun) ? index_entries_push(&r->fresh, kept) : 0;
}

/* Was it to be removed at its end, and is still there? */
static bool is_leftover(const struct container_row *row)
{
	return row->summary.remove && row->status.phase != CONTAINER_CREATED && !container_is_alive(row->status.phase);
}

/* One that can't be read is left out, as is a leftover, which is removed. */
static void add_row(struct reading *r, const char *id)
{
	struct container_row row;

	if ((take_indexed(r, id, &row) || read_folder(r, id, &row) >= 0) && !is_leftover(&row))
		r->rows->items[r->rows->len++] = row;
	else
		container_sweep_one(r->store, id);
}

/* Nothing that is only the same again. */
static void renew_index(struct reading *r)
{
	autobuf struct buf data = BUF_INIT(INDEX_MAX);

	if (r->fresh.len == r->old.len && (!r->is_stale || !r->fresh.len))
		return;
	index_format(&data, &r->fresh);
	if (data.len != r->rows->index.len || memcmp(data.data, r->rows->index.data, data.len) != 0)
		index_write(r->store, &data);
}

int container_rows_read(struct store *s, struct container_rows *ret, struct err *err)
{
	autorows struct container_rows rows = { .index = BUF_INIT(INDEX_MAX) };
	CLEANUP(reading_done) struct reading reading = { .store = s, .rows = &rows, .dir_fd = -1 };
	autostrv struct strv ids = { 0 };
	int r;

	clock_gettime(CLOCK_REALTIME, &reading.begun);
	containers_sweep_live(s, 0, &reading.lives);
	r = containers_list(s, &ids, err);
	if (r < 0)
		return r;
	reading.dir_fd = openat(s->root_fd, "containers", O_PATH | O_DIRECTORY | O_CLOEXEC);
	rows.items = calloc(ids.len + 1, sizeof(rows.items[0]));
	if (!rows.items)
		return err_oom(err);
	strv_sort(&ids);
	index_read(s, &rows.index, &reading.old);
	for (size_t i = 0; i < ids.len; i++)
		add_row(&reading, ids.items[i]);
	containers_sweep_names(s, rows.len);
	renew_index(&reading);
	qsort(rows.items, rows.len, sizeof(rows.items[0]), compare_rows);
	*ret = rows;
	rows = (struct container_rows){ 0 };
	return 0;
}

/* --- health --- */

void container_health_status(struct store *s, const struct container_row *row, char dst[static 16])
{
	static const char *const words[] = { "starting", "healthy", "unhealthy" };
	autobuf struct buf text = BUF_INIT(1 << 20);
	autofree char *path = str_format("files/%s/health.json", row->summary.id);
	int run = store_run_fd(s, NULL);

	memcpy(dst, "none", sizeof("none"));
	if (!row->summary.has_health || row->status.phase != CONTAINER_RUNNING || run < 0 || !path)
		return;
	/* Its monitor writes that down a moment after the program has begun. */
	memcpy(dst, words[0], strlen(words[0]) + 1);
	if (fs_read_file(run, path, 1 << 20, &text, NULL) < 0)
		return;
	/* The monitor writes it, and begins with this. */
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		char begin[40];

		snprintf(begin, sizeof(begin), "{\"Status\":\"%s\"", words[i]);
		if (str_starts_with(buf_str(&text), begin))
			snprintf(dst, 16, "%s", words[i]);
	}
}

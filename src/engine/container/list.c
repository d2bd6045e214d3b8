#include "engine/container/list.h"

#include "base/str.h"
#include "sys/fs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void container_rows_done(struct container_rows *rows)
{
	for (size_t i = 0; i < rows->len; i++)
		container_record_done(&rows->items[i].record);
	free(rows->items);
	*rows = (struct container_rows){ 0 };
}

static int compare_rows(const void *a, const void *b)
{
	const struct timespec *x = &((const struct container_row *)a)->record.created,
			      *y = &((const struct container_row *)b)->record.created;

	if (x->tv_sec != y->tv_sec)
		return x->tv_sec < y->tv_sec ? 1 : -1;
	return x->tv_nsec < y->tv_nsec ? 1 : x->tv_nsec > y->tv_nsec ? -1 : 0;
}

static int read_row(struct store *s, const char *id, struct container_row *ret)
{
	autoclose int dir = container_open(s, id, NULL);
	struct container_row row = { 0 };

	if (dir < 0 || container_record_read_at(dir, id, &row.record, NULL) < 0)
		return -ENOENT;
	if (container_status_read_at(s, id, dir, &row.status, NULL) < 0) {
		container_record_done(&row.record);
		return -ENOENT;
	}
	*ret = row;
	return 0;
}

/* Was it to be removed at its end, and is still there? */
static bool is_leftover(const struct container_row *row)
{
	return row->record.remove && row->status.phase != CONTAINER_CREATED && !container_is_alive(row->status.phase);
}

/* One that can't be read is left out, as is a leftover, which is removed. */
static void add_row(struct store *s, const char *id, struct container_rows *rows)
{
	struct container_row *row = &rows->items[rows->len];
	int r = read_row(s, id, row);

	if (r >= 0 && !is_leftover(row)) {
		rows->len++;
		return;
	}
	if (r >= 0)
		container_record_done(&row->record);
	container_sweep_one(s, id);
}

int container_rows_read(struct store *s, struct container_rows *ret, struct err *err)
{
	autorows struct container_rows rows = { 0 };
	autostrv struct strv ids = { 0 };
	int r;

	containers_sweep(s, 0, false);
	r = containers_list(s, &ids, err);
	if (r < 0)
		return r;
	rows.items = calloc(ids.len + 1, sizeof(rows.items[0]));
	if (!rows.items)
		return err_oom(err);
	rows.cap = ids.len + 1;
	for (size_t i = 0; i < ids.len; i++)
		add_row(s, ids.items[i], &rows);
	containers_sweep_names(s, rows.len);
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
	autofree char *path = str_format("files/%s/health.json", row->record.id);
	int run = store_run_fd(s, NULL);

	memcpy(dst, "none", sizeof("none"));
	if (!row->record.health.test.len || row->status.phase != CONTAINER_RUNNING || run < 0 || !path)
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

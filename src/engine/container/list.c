#include "engine/container/list.h"

#include "base/num.h"
#include "base/str.h"
#include "base/timefmt.h"
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

/* --- times --- */

/* "2026-11-24", "2026-11-24T07:15", "…:30", with what is missing: the zone is UTC, as that of what is printed. */
static int parse_date(const char *word, struct timespec *ret)
{
	static const char *const ends[] = { "", "Z", ":00Z", "T00:00:00Z" };

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		autofree char *whole = str_format("%s%s", word, ends[i]);

		if (!whole)
			return -ENOMEM;
		if (time_parse_rfc3339(whole, ret) == 0)
			return 0;
	}
	return -EINVAL;
}

/* "1461943101" or "1461943101.123456789". */
static int parse_seconds(const char *word, struct timespec *ret)
{
	char digits[32];
	const char *dot = strchr(word, '.');
	size_t len = dot ? (size_t)(dot - word) : strlen(word), places = dot ? strlen(dot + 1) : 0;
	int64_t seconds;
	uint64_t fraction = 0;

	if (len == 0 || len >= sizeof(digits) || places > 9)
		return -EINVAL;
	memcpy(digits, word, len);
	digits[len] = '\0';
	if (num_parse_i64(digits, &seconds) < 0 || seconds < 0 || seconds > INT64_MAX / 2000000000)
		return -EINVAL;
	if (dot && num_parse_u64(dot + 1, 10, &fraction) < 0)
		return -EINVAL;
	while (places++ < 9 && dot)
		fraction *= 10;
	*ret = (struct timespec){ .tv_sec = seconds, .tv_nsec = (long)fraction };
	return 0;
}

int container_time_parse(const char *word, struct timespec now, struct timespec *ret, struct err *err)
{
	int64_t ago, at;

	if (strlen(word) < 64) {
		if (parse_seconds(word, ret) == 0 || parse_date(word, ret) == 0)
			return 0;
		if (time_parse_duration(word, &ago) == 0) {
			at = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec - ago;
			if (at < 0)
				at = 0;
			*ret = (struct timespec){ .tv_sec = at / 1000000000, .tv_nsec = at % 1000000000 };
			return 0;
		}
	}
	err_set(err, EINVAL, "'%s' is not a time", word);
	return err_hint(err, "as in 2026-11-24T07:15:00Z, 1461943101 (seconds since 1970), or 10m (so long ago)");
}

/* --- health --- */

void container_health_status(struct store *s, const struct container_row *row, char dst[static 16])
{
	static const char *const words[] = { "starting", "healthy", "unhealthy" };
	autobuf struct buf text = BUF_INIT(1 << 20);
	autofree char *path = str_format("files/%s/health.json", row->record.id);
	int run = store_run_fd(s, NULL);

	memcpy(dst, "none", sizeof("none"));
	if (!row->record.health.test.len || row->status.phase != CONTAINER_RUNNING || run < 0 || !path ||
	    fs_read_file(run, path, 1 << 20, &text, NULL) < 0)
		return;
	/* The monitor writes it, and begins with this. */
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		char begin[40];

		snprintf(begin, sizeof(begin), "{\"Status\":\"%s\"", words[i]);
		if (str_starts_with(buf_str(&text), begin))
			snprintf(dst, 16, "%s", words[i]);
	}
}

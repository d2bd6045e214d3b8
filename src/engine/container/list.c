#include "engine/container/list.h"

#include "base/num.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "codec/reference.h"
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
	struct container_row row = { 0 };

	if (container_record_read(s, id, &row.record, NULL) < 0)
		return -ENOENT;
	if (container_status_read(s, id, &row.status, NULL) < 0) {
		container_record_done(&row.record);
		return -ENOENT;
	}
	*ret = row;
	return 0;
}

int container_rows_read(struct store *s, struct container_rows *ret, struct err *err)
{
	autorows struct container_rows rows = { 0 };
	autostrv struct strv ids = { 0 };
	int r = containers_list(s, &ids, err);

	if (r < 0)
		return r;
	rows.items = calloc(ids.len + 1, sizeof(rows.items[0]));
	if (!rows.items)
		return err_oom(err);
	rows.cap = ids.len + 1;
	for (size_t i = 0; i < ids.len; i++)
		if (read_row(s, ids.items[i], &rows.items[rows.len]) == 0)
			rows.len++;
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

/* --- filters --- */

static const char *label_value(const struct container_record *r, const char *key, size_t len)
{
	for (size_t i = 0; i + 1 < r->labels.len; i += 2)
		if (strlen(r->labels.items[i]) == len && memcmp(r->labels.items[i], key, len) == 0)
			return r->labels.items[i + 1];
	return NULL;
}

static bool has_label(const struct container_record *r, const char *word)
{
	size_t len = strcspn(word, "=");
	const char *value = label_value(r, word, len);

	return value && (!word[len] || strcmp(value, word + len + 1) == 0);
}

static bool same_image(const struct container_record *r, const char *word)
{
	struct reference a, b;
	const char *hex = str_skip_prefix(r->image_id ? r->image_id : "", "sha256:");

	if (hex && strlen(word) >= 4 && (str_starts_with(hex, word) || str_starts_with(r->image_id, word)))
		return true;
	if (!r->image || reference_parse(word, &a, NULL) < 0 || reference_parse(r->image, &b, NULL) < 0)
		return false;
	return strcmp(a.name, b.name) == 0 && strcmp(a.tag, b.tag) == 0;
}

/* Is X made before the container that WORD names? *RET_ERROR if there is none. */
static int made_before(const struct container_rows *rows, const struct container_row *x, const char *word,
		       struct err *err)
{
	for (size_t i = 0; i < rows->len; i++) {
		const struct container_record *r = &rows->items[i].record;

		if (str_starts_with(r->id, word) || (r->name && strcmp(r->name, word) == 0))
			return &rows->items[i] == x ? -ENOENT : compare_rows(x, &rows->items[i]) > 0;
	}
	return err_set(err, ENOENT, "--filter: there is no container '%s'", word);
}

/* 1 or 0; WHERE_SINCE: is it the other way round? */
static int compare_made(const struct container_rows *rows, const struct container_row *row, const char *value,
			bool since, struct err *err)
{
	int r = made_before(rows, row, value, err);

	/* Itself is neither before nor after. */
	if (r == -ENOENT && (!err || err->code == 0))
		return 0;
	return r < 0 ? r : r != since;
}

static int made_until(const struct container_row *row, const char *value, struct err *err)
{
	struct timespec now, until;

	clock_gettime(CLOCK_REALTIME, &now);
	if (container_time_parse(value, now, &until, err) < 0)
		return err_wrap(err, "--filter until");
	return row->record.created.tv_sec < until.tv_sec ||
	       (row->record.created.tv_sec == until.tv_sec && row->record.created.tv_nsec < until.tv_nsec);
}

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

static bool has_health(struct store *s, const struct container_row *row, const char *value)
{
	char status[16];

	container_health_status(s, row, status);
	return strcmp(status, value) == 0;
}

static bool starts_on_boot(struct store *s, const struct container_row *row)
{
	autoclose int dir = -1;

	if (row->record.life.restart == RESTART_ALWAYS)
		return true;
	if (row->record.life.restart != RESTART_UNLESS_STOPPED)
		return false;
	dir = container_open(s, row->record.id, NULL);
	return dir >= 0 && faccessat(dir, "stopped", F_OK, 0) < 0;
}

static bool is_status(const struct container_row *row, const char *value)
{
	return strcmp(container_state_name(&row->status), value) == 0;
}

enum filter_key {
	FILTER_ID,
	FILTER_NAME,
	FILTER_LABEL,
	FILTER_STATUS,
	FILTER_EXITED,
	FILTER_ANCESTOR,
	FILTER_BEFORE,
	FILTER_SINCE,
	FILTER_UNTIL,
	FILTER_HEALTH,
	FILTER_RESTART,
	FILTER_BOOT,
};

static const char *const keys[] = { "id",     "name",  "label", "status", "exited",	    "ancestor",
				    "before", "since", "until", "health", "restart-policy", "should-start-on-boot" };

static int find_key(const char *filter, const char **ret_value, struct err *err)
{
	size_t len = strcspn(filter, "=");

	if (!filter[len]) {
		err_set(err, EINVAL, "--filter '%s': the form is KEY=VALUE", filter);
		return -EINVAL;
	}
	*ret_value = filter + len + 1;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (strlen(keys[i]) == len && memcmp(keys[i], filter, len) == 0)
			return (int)i;
	err_set(err, EINVAL, "--filter '%s': the key is not known", filter);
	err_hint(err, "id, name, label, status, exited, ancestor, before, since, until, health, restart-policy, "
		      "should-start-on-boot");
	return -EINVAL;
}

static int matches(struct store *s, const struct container_rows *rows, const struct container_row *row,
		   const char *filter, struct err *err)
{
	const char *value;
	int64_t code;
	int key = find_key(filter, &value, err);

	if (key < 0)
		return key;
	switch ((enum filter_key)key) {
	case FILTER_ID:
		return str_starts_with(row->record.id, value);
	case FILTER_NAME:
		return row->record.name && strstr(row->record.name, value);
	case FILTER_LABEL:
		return has_label(&row->record, value);
	case FILTER_STATUS:
		return is_status(row, value);
	case FILTER_EXITED:
		return num_parse_i64(value, &code) == 0 && row->status.phase >= CONTAINER_EXITED &&
		       row->status.exit_code == code;
	case FILTER_ANCESTOR:
		return same_image(&row->record, value);
	case FILTER_BEFORE:
		return compare_made(rows, row, value, false, err);
	case FILTER_SINCE:
		return compare_made(rows, row, value, true, err);
	case FILTER_UNTIL:
		return made_until(row, value, err);
	case FILTER_HEALTH:
		return has_health(s, row, value);
	case FILTER_RESTART:
		return strcmp(restart_policy_name(row->record.life.restart), value) == 0;
	case FILTER_BOOT:
		return starts_on_boot(s, row) == (strcmp(value, "true") == 0);
	}
	return 0;
}

int container_row_passes(struct store *s, const struct container_rows *rows, const struct container_row *row,
			 const struct strv *filters, struct err *err)
{
	for (size_t i = 0; i < filters->len; i++) {
		size_t len = strcspn(filters->items[i], "=");
		int any = matches(s, rows, row, filters->items[i], err);

		if (any < 0)
			return any;
		for (size_t k = 0; !any && k < filters->len; k++) {
			if (k == i || strncmp(filters->items[k], filters->items[i], len + 1) != 0 ||
			    str_starts_with(filters->items[i], "label="))
				continue;
			any = matches(s, rows, row, filters->items[k], err);
			if (any < 0)
				return any;
		}
		if (!any)
			return 0;
	}
	return 1;
}

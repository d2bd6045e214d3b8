#include "cli/command.h"

#include "base/str.h"
#include "cli/container/stats_view.h"
#include "cli/live.h"
#include "engine/container/container.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum { INTERVAL_MS = 1000, FIRST_MS = 500 };

struct stats_options {
	bool all, no_stream, no_trunc;
	const char *format;
};

static const struct option stats_table[] = {
	OPTION_FLAG("all", 'a', struct stats_options, all, "those that don't run, too"),
	OPTION_FLAG("no-stream", 0, struct stats_options, no_stream, "once, not again each second"),
	OPTION_FLAG("no-trunc", 0, struct stats_options, no_trunc, "whole IDs"),
	OPTION_STRING("format", 0, struct stats_options, format, "FORMAT",
		      "json, or a template of fields: {{.Name}} {{.CPUPerc}} {{.MemUsage}}", NULL),
	OPTION_END,
};

static int name_of(struct store *s, const char *id, char **ret, struct err *err)
{
	autorecord struct container_record record = { 0 };
	int r = container_record_read(s, id, &record, err);

	if (r >= 0) {
		*ret = record.name;
		record.name = NULL;
	}
	return r;
}

static struct stats_row *find(struct stats_rows *rows, const char *id)
{
	for (size_t i = 0; i < rows->len; i++)
		if (strcmp(rows->items[i].id, id) == 0)
			return &rows->items[i];
	return NULL;
}

static int add(struct store *s, const char *id, struct stats_rows *rows, struct err *err)
{
	struct stats_row row = { 0 };

	snprintf(row.id, sizeof(row.id), "%s", id);
	/* One that is just being made, or removed, is met the next time. */
	if (name_of(s, id, &row.name, NULL) < 0)
		return 0;
	if (stats_rows_push(rows, row) == 0)
		return 0;
	free(row.name);
	return err_oom(err);
}

static void drop(struct stats_rows *rows, size_t at)
{
	free(rows->items[at].name);
	memmove(&rows->items[at], &rows->items[at + 1], (rows->len - at - 1) * sizeof(rows->items[0]));
	rows->len--;
}

/* Without names: all that run now come in, and those that have ended go. */
static int look_for_new(struct store *s, bool all, struct stats_rows *rows, struct err *err)
{
	autostrv struct strv ids = { 0 };
	int r = containers_list(s, &ids, err);

	for (size_t i = 0; r >= 0 && i < ids.len; i++) {
		struct container_status status;

		if (find(rows, ids.items[i]) || container_status_read(s, ids.items[i], &status, NULL) < 0 ||
		    (!all && status.phase != CONTAINER_RUNNING))
			continue;
		r = add(s, ids.items[i], rows, err);
	}
	return r;
}

/* STAYS: rows of containers that have ended remain, with nothing in them. */
static int take_samples(struct store *s, bool stays, struct stats_rows *rows, struct err *err)
{
	for (size_t i = 0; i < rows->len;) {
		struct container_sample sample = { 0 };
		struct container_status status;
		const char *id = rows->items[i].id;
		int r = container_status_read(s, id, &status, NULL);
		bool runs = r >= 0 && status.phase == CONTAINER_RUNNING;

		if (runs)
			r = container_sample_read(s, id, status.pid, &sample, err);
		if (r == -ENOMEM)
			return r;
		err_clear(err);
		if ((runs && r >= 0) || stays)
			stats_row_push(&rows->items[i++], &sample);
		else
			drop(rows, i);
	}
	return 0;
}

static int find_named(struct store *s, const struct strv *names, struct stats_rows *rows, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < names->len; i++) {
		char id[CONTAINER_ID_MAX];

		r = container_find(s, names->items[i], id, err);
		if (r >= 0 && !find(rows, id))
			r = add(s, id, rows, err);
	}
	return r;
}

static bool terminal_is_utf8(void)
{
	static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value = getenv(names[i]);

		if (value && *value)
			return strstr(value, "UTF-8") || strstr(value, "utf8") || strstr(value, "UTF8");
	}
	return false;
}

static int refresh(struct store *s, const struct stats_options *o, const struct strv *names, struct stats_rows *rows,
		   struct err *err)
{
	int r = names->len ? 0 : look_for_new(s, o->all, rows, err);

	return r < 0 ? r : take_samples(s, names->len || o->all, rows, err);
}

static int show_live(const struct stats_view *view, const struct stats_rows *rows, struct err *err)
{
	struct live_frame frame;
	int r = live_begin(&frame, err);

	return r < 0 ? r : live_end(&frame, stats_print(frame.f, view, rows, err), err);
}

static int show(const struct stats_view *view, const struct stats_rows *rows, struct err *err)
{
	int r;

	if (view->columns)
		return show_live(view, rows, err);
	r = stats_print(stdout, view, rows, err);
	return r >= 0 && (fflush(stdout) == EOF || ferror(stdout)) ? err_errno(err, errno, "print") : r;
}

/* Shares of processors are of the time between two samples: so the first is not shown. */
static int watch(struct store *s, const struct stats_options *o, const struct strv *names, struct stats_rows *rows,
		 struct err *err)
{
	bool terminal = isatty(STDOUT_FILENO) && !o->no_stream && !o->format;
	struct stats_view view = { .format = o->format,
				   .no_trunc = o->no_trunc,
				   .utf8 = terminal && terminal_is_utf8() };
	int r = refresh(s, o, names, rows, err), wait_ms = FIRST_MS;

	while (r >= 0) {
		poll(NULL, 0, wait_ms);
		r = refresh(s, o, names, rows, err);
		view.columns = terminal ? live_columns() : 0;
		if (r >= 0)
			r = show(&view, rows, err);
		if (o->no_stream)
			break;
		wait_ms = INTERVAL_MS;
	}
	return r;
}

static int run_stats(const void *options, const struct strv *args, struct err *err)
{
	struct store_options where = { .root = global_options.root, .runroot = global_options.runroot };
	CLEANUP(stats_rows_done) struct stats_rows rows = { 0 };
	autostore struct store *s = NULL;
	int r = store_open(&where, &s, err);

	if (r >= 0)
		r = find_named(s, args, &rows, err);
	if (r < 0)
		return -1;
	/* It may stay for long, and needs no image. */
	store_settle(s);
	return watch(s, options, args, &rows, err) < 0 ? -1 : 0;
}

const struct command cmd_stats = {
	.name = "stats",
	.group = "Insight",
	.summary = "show what running containers use of the machine, live",
	.usage = "[CONTAINER...]",
	.description =
		"Again each second, on a terminal with graphs of the last seconds: processors (full height is one "
		"processor, or the most that was used) and memory (of the limit). 100% is one whole processor.\n\n"
		"A container with limits has a control group that counts. One without is counted from /proc: "
		"shared memory then counts for each of its processes, and the time of those that have ended is "
		"missing.",
	.examples = "$ cloche stats\n$ cloche stats --no-stream --format '{{.Name}} {{.MemUsage}}' web",
	.complete = "container",
	.options = stats_table,
	.options_size = sizeof(struct stats_options),
	.max_args = -1,
	.run = run_stats,
};

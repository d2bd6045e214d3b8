#include "base/cleanup.h"
#include "base/num.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "cli/command.h"
#include "cli/listing.h"
#include "codec/reference.h"
#include "engine/container/container.h"
#include "oci/json.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

struct ps_options {
	bool all, quiet, no_trunc, latest;
	const char *format, *last;
	struct strv filters;
};

static const struct option ps_table[] = {
	OPTION_FLAG("all", 'a', struct ps_options, all, "those that have ended too"),
	OPTION_FLAG("quiet", 'q', struct ps_options, quiet, "IDs only"),
	OPTION_FLAG("no-trunc", 0, struct ps_options, no_trunc, "whole IDs and commands"),
	OPTION_FLAG("latest", 'l', struct ps_options, latest, "the one that was made last, in whatever state"),
	OPTION_STRING("last", 'n', struct ps_options, last, "N", "the N that were made last, in whatever state", NULL),
	OPTION_LIST("filter", 'f', struct ps_options, filters, "KEY=VALUE",
		    "id, name, label, status, exited, ancestor, before, since", NULL),
	OPTION_STRING("format", 0, struct ps_options, format, "FORMAT",
		      "json, or a template of fields: {{.ID}} {{.Names}}", NULL),
	OPTION_LATER("size", 's', "sizes of containers come with a later version"),
	OPTION_END,
};

static const struct listing_column columns[] = {
	{ "ID", "CONTAINER ID" },    { "Image", "IMAGE" },   { "Command", "COMMAND" },	 { "CreatedAt", "CREATED AT" },
	{ "RunningFor", "CREATED" }, { "Status", "STATUS" }, { "State", "STATE" },	 { "Ports", "PORTS" },
	{ "Names", "NAMES" },	     { "Labels", "LABELS" }, { "Networks", "NETWORKS" }, { NULL, NULL },
};

struct row {
	struct container_record record;
	struct container_status status;
};
DEFINE_VEC(rows, struct row)

static void rows_done(struct rows *rows)
{
	for (size_t i = 0; i < rows->len; i++)
		container_record_done(&rows->items[i].record);
	free(rows->items);
	*rows = (struct rows){ 0 };
}

static int compare_rows(const void *a, const void *b)
{
	const struct timespec *x = &((const struct row *)a)->record.created,
			      *y = &((const struct row *)b)->record.created;

	if (x->tv_sec != y->tv_sec)
		return x->tv_sec < y->tv_sec ? 1 : -1;
	return x->tv_nsec < y->tv_nsec ? 1 : x->tv_nsec > y->tv_nsec ? -1 : 0;
}

/* A container that vanishes or is just being made while we look is left out. */
static int read_rows(struct store *s, struct rows *rows, struct err *err)
{
	autostrv struct strv ids = { 0 };
	int r = containers_list(s, &ids, err);

	for (size_t i = 0; r >= 0 && i < ids.len; i++) {
		struct row row = { 0 };

		if (container_record_read(s, ids.items[i], &row.record, NULL) < 0)
			continue;
		if (container_status_read(s, ids.items[i], &row.status, NULL) < 0) {
			container_record_done(&row.record);
			continue;
		}
		if (rows_push(rows, row) < 0) {
			container_record_done(&row.record);
			return err_oom(err);
		}
	}
	if (rows->len)
		qsort(rows->items, rows->len, sizeof(rows->items[0]), compare_rows);
	return r;
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
static int made_before(const struct rows *rows, const struct row *x, const char *word, struct err *err)
{
	for (size_t i = 0; i < rows->len; i++) {
		const struct container_record *r = &rows->items[i].record;

		if (str_starts_with(r->id, word) || (r->name && strcmp(r->name, word) == 0))
			return &rows->items[i] == x ? -ENOENT : compare_rows(x, &rows->items[i]) > 0;
	}
	return err_set(err, ENOENT, "--filter: there is no container '%s'", word);
}

static int matches(const struct rows *rows, const struct row *row, const char *filter, struct err *err)
{
	const char *value = strchr(filter, '=');
	size_t len = value ? (size_t)(value - filter) : 0;
	int64_t code;

	if (!value)
		return err_set(err, EINVAL, "--filter '%s': the form is KEY=VALUE", filter);
	value++;
	if (len == 2 && memcmp(filter, "id", len) == 0)
		return str_starts_with(row->record.id, value);
	if (len == 4 && memcmp(filter, "name", len) == 0)
		return row->record.name && strstr(row->record.name, value);
	if (len == 5 && memcmp(filter, "label", len) == 0)
		return has_label(&row->record, value);
	if (len == 6 && memcmp(filter, "status", len) == 0)
		return strcmp(container_phase_name(row->status.phase), value) == 0;
	if (len == 6 && memcmp(filter, "exited", len) == 0)
		return num_parse_i64(value, &code) == 0 && row->status.phase >= CONTAINER_EXITED &&
		       row->status.exit_code == code;
	if (len == 8 && memcmp(filter, "ancestor", len) == 0)
		return same_image(&row->record, value);
	if (len == 6 && memcmp(filter, "before", len) == 0) {
		int r = made_before(rows, row, value, err);

		return r == -ENOENT && err->code == 0 ? 0 : r;
	}
	if (len == 5 && memcmp(filter, "since", len) == 0) {
		int r = made_before(rows, row, value, err);

		return r == -ENOENT && err->code == 0 ? 0 : r < 0 ? r : !r;
	}
	return err_set(err, EINVAL, "--filter '%s': the key is not known", filter);
}

/* Filters of one key are alternatives, those of different keys all have to match; labels all have to. */
static int passes(const struct rows *rows, const struct row *row, const struct strv *filters, struct err *err)
{
	for (size_t i = 0; i < filters->len; i++) {
		size_t len = strcspn(filters->items[i], "=");
		int any = matches(rows, row, filters->items[i], err);

		if (any < 0)
			return any;
		for (size_t k = 0; !any && k < filters->len; k++) {
			if (k == i || strncmp(filters->items[k], filters->items[i], len + 1) != 0 ||
			    str_starts_with(filters->items[i], "label="))
				continue;
			any = matches(rows, row, filters->items[k], err);
			if (any < 0)
				return any;
		}
		if (!any)
			return 0;
	}
	return 1;
}

/* --- what a row says --- */

static char *format_command(const struct strv *args, bool whole)
{
	autobuf struct buf text = BUF_INIT(1 << 20);

	for (size_t i = 0; i < args->len; i++)
		buf_addf(&text, "%s%s", i ? " " : "", args->items[i]);
	if (!whole && text.len > 20)
		return str_format("\"%.19s\xe2\x80\xa6\"", buf_str(&text));
	return str_format("\"%s\"", buf_str(&text));
}

static char *format_status(const struct container_status *st)
{
	const struct timespec *since = st->phase == CONTAINER_RUNNING ? &st->started : &st->finished;
	char age[32] = "";

	if (since->tv_sec)
		time_format_human(time(NULL) - since->tv_sec, age);
	switch (st->phase) {
	case CONTAINER_CREATED:
	case CONTAINER_STARTING:
		return strdup("Created");
	case CONTAINER_RESTARTING:
		return str_format("Restarting (%d) %s ago", st->exit_code, age);
	case CONTAINER_RUNNING:
		return str_format("Up %s", age);
	case CONTAINER_LOST:
		return str_format("Exited (%d): its command was killed", st->exit_code);
	case CONTAINER_EXITED:
		break;
	}
	return str_format("Exited (%d) %s ago", st->exit_code, age);
}

static char *format_labels(const struct strv *labels)
{
	struct buf text = BUF_INIT(1 << 20);

	for (size_t i = 0; i + 1 < labels->len; i += 2)
		buf_addf(&text, "%s%s=%s", i ? "," : "", labels->items[i], labels->items[i + 1]);
	return buf_take(&text);
}

static int add_owned(json_t *o, const char *key, char *value)
{
	autofree char *owned = value;

	return owned ? json_object_set_new(o, key, json_string(owned)) : -1;
}

static json_t *make_row(const struct row *row, const struct ps_options *o)
{
	const struct container_record *r = &row->record;
	char age[32], created[TIME_RFC3339_MAX];
	json_t *j = json_object();
	int bad = !j;

	time_format_human(time(NULL) - r->created.tv_sec, age);
	time_format_rfc3339(r->created, created);
	bad |= add_owned(j, "ID", strndup(r->id, o->no_trunc ? CONTAINER_ID_MAX : 12));
	bad |= add_owned(j, "Image", strdup(r->image ? r->image : ""));
	bad |= add_owned(j, "Command", format_command(&r->args, o->no_trunc));
	bad |= add_owned(j, "CreatedAt", strdup(created));
	bad |= add_owned(j, "RunningFor", str_format("%s ago", age));
	bad |= add_owned(j, "Status", format_status(&row->status));
	bad |= add_owned(j, "State", strdup(container_phase_name(row->status.phase)));
	bad |= add_owned(j, "Ports", strdup(""));
	bad |= add_owned(j, "Names", strdup(r->name ? r->name : ""));
	bad |= add_owned(j, "Labels", format_labels(&r->labels));
	bad |= add_owned(j, "Networks", strdup(r->network ? r->network : ""));
	if (!bad)
		return j;
	json_decref(j);
	return NULL;
}

/* As with docker, asking for a state shows it without -a. */
static bool asks_for_state(const struct strv *filters)
{
	for (size_t i = 0; i < filters->len; i++)
		if (str_starts_with(filters->items[i], "status=") || str_starts_with(filters->items[i], "exited="))
			return true;
	return false;
}

static int choose_rows(const struct rows *rows, const struct ps_options *o, json_t *out, struct err *err)
{
	uint32_t last = 0;

	if (o->last && num_parse_u32(o->last, 1000000, &last) < 0)
		return err_set(err, EINVAL, "--last '%s': not a number", o->last);
	if (o->latest)
		last = 1;
	for (size_t i = 0; i < rows->len && (!last || json_array_size(out) < last); i++) {
		const struct row *row = &rows->items[i];
		bool chosen_state =
			o->all || last || asks_for_state(&o->filters) || container_is_alive(row->status.phase);
		int r = passes(rows, row, &o->filters, err);
		json_t *j;

		if (r < 0)
			return r;
		if (!r || !chosen_state)
			continue;
		j = make_row(row, o);
		if (!j || json_array_append_new(out, j) < 0)
			return err_oom(err);
	}
	return 0;
}

static int run_ps(const void *options, const struct strv *args, struct err *err)
{
	const struct ps_options *o = options;
	struct store_options where = { .root = global_options.root, .runroot = global_options.runroot };
	struct listing listing = {
		.format = o->format,
		.table = "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}",
		.quiet_field = "ID",
		.quiet = o->quiet,
		.columns = columns
	};
	CLEANUP(rows_done) struct rows rows = { 0 };
	autostore struct store *s = NULL;
	autojson json_t *out = json_array();
	int r = store_open(&where, &s, err);

	(void)args;
	if (r < 0)
		return -1;
	containers_sweep(s, 0, true);
	r = read_rows(s, &rows, err);
	if (r >= 0)
		r = choose_rows(&rows, o, out, err);
	return r < 0 || listing_print(stdout, &listing, out, err) < 0 ? -1 : 0;
}

const struct command cmd_ps = {
	.name = "ps",
	.group = "Containers",
	.summary = "list containers: those that run, or all",
	.usage = "",
	.description = "A container runs as long as the command that runs it: what is said here is found out from "
		       "locks, not from "
		       "notes, so it is true also after kill -9.",
	.options = ps_table,
	.options_size = sizeof(struct ps_options),
	.run = run_ps,
};

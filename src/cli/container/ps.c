#include "base/cleanup.h"
#include "base/num.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "cli/command.h"
#include "cli/listing.h"
#include "engine/container/network.h"
#include "engine/container/row_filter.h"
#include "engine/container/size.h"
#include "oci/json.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

struct ps_options {
	bool all, quiet, no_trunc, latest, size;
	const char *format, *last;
	struct strv filters;
	const struct idmap *ids; /* whose, where sizes are wanted; else NULL */
};

static const struct option ps_table[] = {
	OPTION_FLAG("all", 'a', struct ps_options, all, "those that have ended too"),
	OPTION_FLAG("quiet", 'q', struct ps_options, quiet, "IDs only"),
	OPTION_FLAG("no-trunc", 0, struct ps_options, no_trunc, "whole IDs and commands"),
	OPTION_FLAG("latest", 'l', struct ps_options, latest, "the one that was made last, in whatever state"),
	OPTION_STRING("last", 'n', struct ps_options, last, "N", "the N that were made last, in whatever state", NULL),
	OPTION_LIST("filter", 'f', struct ps_options, filters, "KEY=VALUE", "only some: " ROW_FILTER_NAMES, NULL),
	OPTION_STRING("format", 0, struct ps_options, format, "FORMAT",
		      "json, or a template of fields: {{.ID}} {{.Names}}", NULL),
	OPTION_FLAG("size", 's', struct ps_options, size, "also how much of the disk each has written"),
	OPTION_END,
};

static const struct listing_column columns[] = {
	{ "ID", "CONTAINER ID" },
	{ "Image", "IMAGE" },
	{ "Command", "COMMAND" },
	{ "CreatedAt", "CREATED AT" },
	{ "RunningFor", "CREATED" },
	{ "Status", "STATUS" },
	{ "State", "STATE" },
	{ "Ports", "PORTS" },
	{ "Names", "NAMES" },
	{ "Labels", "LABELS" },
	{ "Networks", "NETWORKS" },
	{ "Mounts", "MOUNTS" },
	{ "LocalVolumes", "LOCAL VOLUMES" },
	{ "Size", "SIZE" },
	{ NULL, NULL },
};

/* --- what a row says --- */

static char *format_command(const struct words *args, bool whole)
{
	autobuf struct buf text = BUF_INIT(1 << 20);

	for (const char *word = words_next(args, NULL); word; word = words_next(args, word))
		buf_addf(&text, "%s%s", word == args->first ? "" : " ", word);
	if (!whole && text.len > 20)
		return str_format("\"%.19s\xe2\x80\xa6\"", buf_str(&text));
	return str_format("\"%s\"", buf_str(&text));
}

/* docker lists exposed ports of running containers only. */
static char *format_ports(const struct container_network_state *n, bool is_running)
{
	static const struct port_list none;
	struct buf text = BUF_INIT(1 << 20);

	if (ports_format(&n->published, is_running ? &n->exposed : &none, &text) < 0)
		buf_reset(&text);
	return buf_take(&text);
}

static char *format_up(struct store *s, const struct container_row *row, const struct container_network_state *n,
		       const char *age)
{
	char health[16];

	if (n->has_lost)
		return str_format("Up %s (network lost)", age);
	container_health_status(s, row, health);
	if (strcmp(health, "none") == 0)
		return str_format("Up %s%s", age, row->status.paused ? " (Paused)" : "");
	return str_format(strcmp(health, "starting") == 0 ? "Up %s (health: %s)" : "Up %s (%s)", age, health);
}

static char *format_status(struct store *s, const struct container_row *row, const struct container_network_state *n)
{
	const struct container_status *st = &row->status;
	const struct timespec *since = st->phase == CONTAINER_RUNNING ? &st->started : &st->finished;
	char age[32] = "";

	if (since->tv_sec)
		time_format_human(time(NULL) - since->tv_sec, age);
	switch (container_shown_phase(st)) {
	case CONTAINER_CREATED:
	case CONTAINER_STARTING:
		return strdup("Created");
	case CONTAINER_RUNNING:
		return format_up(s, row, n, age);
	case CONTAINER_RESTARTING:
		return str_format("Restarting (%d) %s ago", st->exit_code, age);
	case CONTAINER_LOST:
		return str_format("Exited (%d): its monitor or its command was killed, or the machine switched off",
				  st->exit_code);
	case CONTAINER_EXITED:
		break;
	}
	return str_format("Exited (%d) %s ago", st->exit_code, age);
}

static char *format_labels(const struct words *labels)
{
	struct buf text = BUF_INIT(1 << 20);
	const char *key, *value;

	for (key = words_next(labels, NULL); key && (value = words_next(labels, key)); key = words_next(labels, value))
		buf_addf(&text, "%s%s=%s", key == labels->first ? "" : ",", key, value);
	return buf_take(&text);
}

/* Names of volumes, and folders outside. */
static char *format_mounts(const struct words *mounts, size_t *ret_volumes)
{
	struct buf text = BUF_INIT(1 << 20);
	const char *word[SUMMARY_MOUNT_WORDS];
	size_t n = 0;

	*ret_volumes = 0;
	for (const char *p = words_next(mounts, NULL); p; p = words_next(mounts, p)) {
		word[n++ % SUMMARY_MOUNT_WORDS] = p;
		if (n % SUMMARY_MOUNT_WORDS)
			continue;
		*ret_volumes += strcmp(word[0], "volume") == 0;
		if (*word[1] || *word[2])
			buf_addf(&text, "%s%s", text.len ? "," : "", *word[1] ? word[1] : word[2]);
	}
	return buf_take(&text);
}

/* "2.4MB (virtual 120MB)". One that goes while we look has none. */
static char *format_size(struct store *s, const struct idmap *ids, const char *id)
{
	autorecord struct container_record record = { 0 };
	struct container_size size;
	char own[16], all[16];

	if (container_record_read(s, id, &record, NULL) < 0 || container_size(s, ids, &record, &size, NULL) < 0)
		return strdup("");
	num_format_size(size.rw, own);
	num_format_size(size.root, all);
	return str_format("%s (virtual %s)", own, all);
}

static int add_owned(json_t *o, const char *key, char *value)
{
	autofree char *owned = value;

	return owned ? json_object_set_new(o, key, json_string(owned)) : -1;
}

static json_t *make_row(struct store *s, const struct container_row *row, const struct ps_options *o)
{
	const struct container_summary *r = &row->summary;
	CLEANUP(container_network_state_done) struct container_network_state network = { 0 };
	bool is_running = row->status.phase == CONTAINER_RUNNING;
	char age[32], created[TIME_RFC3339_MAX];
	json_t *j = json_object();
	size_t volumes;
	int bad = !j;

	container_network_state_of(s, r, is_running, &network);

	time_format_human(time(NULL) - r->created.tv_sec, age);
	time_format_rfc3339(r->created, created);
	bad |= add_owned(j, "ID", strndup(r->id, o->no_trunc ? CONTAINER_ID_MAX : 12));
	bad |= add_owned(j, "Image", strdup(r->image));
	bad |= add_owned(j, "Command", format_command(&r->args, o->no_trunc));
	bad |= add_owned(j, "CreatedAt", strdup(created));
	bad |= add_owned(j, "RunningFor", str_format("%s ago", age));
	bad |= add_owned(j, "Status", format_status(s, row, &network));
	bad |= add_owned(j, "State", strdup(container_state_name(&row->status)));
	bad |= add_owned(j, "Ports", format_ports(&network, is_running));
	bad |= add_owned(j, "Names", strdup(r->name));
	bad |= add_owned(j, "Labels", format_labels(&r->labels));
	bad |= add_owned(j, "Networks", strdup(r->network));
	bad |= add_owned(j, "Mounts", format_mounts(&r->mounts, &volumes));
	bad |= add_owned(j, "LocalVolumes", str_format("%zu", volumes));
	if (o->ids)
		bad |= add_owned(j, "Size", format_size(s, o->ids, r->id));
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

static int list_rows(struct store *s, const struct container_rows *rows, const struct ps_options *o,
		     struct listing_output *out, struct err *err)
{
	autofilters struct row_filters filters = { 0 };
	uint32_t last = 0, listed = 0;
	int r = row_filters_parse(&o->filters, &filters, err);

	if (r >= 0)
		r = row_filters_bind(&filters, rows, err);
	if (r < 0)
		return r;

	if (o->last && num_parse_u32(o->last, 1000000, &last) < 0)
		return err_set(err, EINVAL, "--last '%s': not a number", o->last);
	if (o->latest)
		last = 1;
	for (size_t i = 0; r >= 0 && i < rows->len && (!last || listed < last); i++) {
		const struct container_row *row = &rows->items[i];
		bool chosen_state =
			o->all || last || asks_for_state(&o->filters) || container_is_alive(row->status.phase);
		autojson json_t *j = NULL;

		if (!chosen_state || !row_filters_pass(s, &filters, row))
			continue;
		j = make_row(s, row, o);
		r = j ? listing_add(out, j, err) : err_oom(err);
		listed++;
	}
	return r;
}

#define TABLE "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}"

static int run_ps(const void *options, const struct strv *args, struct err *err)
{
	struct ps_options o = *(const struct ps_options *)options;
	struct store_options where = { .root = global_options.root, .runroot = global_options.runroot };
	struct listing listing = { .format = o.format,
				   .table = o.size ? TABLE "\t{{.Size}}" : TABLE,
				   .quiet_field = "ID",
				   .quiet = o.quiet,
				   .columns = columns };
	struct idmap ids;
	autorows struct container_rows rows = { 0 };
	autostore struct store *s = NULL;
	autolisting struct listing_output out = { 0 };
	int r = 0;

	(void)args;
	if (o.size || (o.format && strstr(o.format, ".Size"))) {
		r = idmap_detect(&ids, err);
		where.single = r >= 0 && ids.mode == ID_MODE_SINGLE;
		o.ids = &ids;
	}
	if (r >= 0)
		r = store_open(&where, &s, err);
	if (r < 0)
		return -1;
	r = container_rows_read(s, &rows, err);
	if (r >= 0)
		r = listing_open(&listing, &out, err);
	if (r >= 0)
		r = list_rows(s, &rows, &o, &out, err);
	return r < 0 || listing_close(&out, stdout, err) < 0 ? -1 : 0;
}

const struct command cmd_ps = {
	.name = "ps",
	.group = "Containers",
	.summary = "list containers: those that run, or all",
	.usage = "",
	.description =
		"A container runs as long as its monitor or the command that runs it: what is said here is found out "
		"from locks, not from notes, so it is true also after kill -9.\n\n"
		"Fields for --format: .ID .Image .Command .CreatedAt .RunningFor .Status .State .Ports .Names .Labels "
		".Networks",
	.examples = "# those that run, and all\n"
		    "$ cloche ps\n"
		    "$ cloche ps -a\n"
		    "# the one that was made last\n"
		    "$ cloche ps -l\n"
		    "# those that ended with an error\n"
		    "$ cloche ps -a --filter exited=1\n"
		    "# remove all, whatever they do\n"
		    "$ cloche rm -f $(cloche ps -aq)\n"
		    "# columns of one's choice\n"
		    "$ cloche ps --format 'table {{.Names}}\\t{{.Status}}\\t{{.Ports}}'",
	.see_also = "logs, inspect, stats, top, rm",
	.options = ps_table,
	.options_size = sizeof(struct ps_options),
	.run = run_ps,
};

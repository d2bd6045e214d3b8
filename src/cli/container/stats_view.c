#include "cli/container/stats_view.h"

#include "base/cleanup.h"
#include "base/num.h"
#include "base/str.h"
#include "cli/listing.h"
#include "oci/json.h"

#include <inttypes.h>
#include <string.h>

static const struct listing_column columns[] = {
	{ "ID", "CONTAINER ID" },
	{ "Name", "NAME" },
	{ "CPUPerc", "CPU %" },
	{ "MemUsage", "MEM USAGE / LIMIT" },
	{ "MemPerc", "MEM %" },
	{ "NetIO", "NET I/O" },
	{ "BlockIO", "BLOCK I/O" },
	{ "PIDs", "PIDS" },
	{ "Container", "CONTAINER" },
	{ "Graph", "CPU, MEMORY" },
	{ NULL, NULL },
};

void stats_rows_done(struct stats_rows *rows)
{
	for (size_t i = 0; i < rows->len; i++)
		free(rows->items[i].name);
	free(rows->items);
	*rows = (struct stats_rows){ 0 };
}

static uint16_t clamp(uint64_t value)
{
	return value > UINT16_MAX ? UINT16_MAX : (uint16_t)value;
}

/* Hundredths of a percent. */
static uint64_t memory_share(const struct container_sample *s)
{
	return s->memory_limit ? (uint64_t)((double)s->memory * 10000 / (double)s->memory_limit) : 0;
}

void stats_row_push(struct stats_row *row, const struct container_sample *sample)
{
	row->before = row->now;
	row->now = *sample;
	memmove(row->cpu, row->cpu + 1, sizeof(row->cpu) - sizeof(row->cpu[0]));
	memmove(row->memory, row->memory + 1, sizeof(row->memory) - sizeof(row->memory[0]));
	row->cpu[STATS_HISTORY - 1] = clamp(container_cpu_share(&row->before, &row->now) / 100);
	row->memory[STATS_HISTORY - 1] = clamp(memory_share(&row->now) / 100);
}

void stats_graph(const uint16_t *values, size_t len, uint16_t max, bool utf8, char *dst, size_t size)
{
	static const char *const blocks[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	static const char *const plain[] = { " ", ".", ".", ":", "-", "=", "+", "*", "#" };
	size_t at = 0;

	dst[0] = '\0';
	for (size_t i = 0; i < len && at < size; i++) {
		size_t level = max ? ((size_t)values[i] * 8 + max - 1) / max : 0;

		at += (size_t)snprintf(dst + at, size - at, "%s", (utf8 ? blocks : plain)[level > 8 ? 8 : level]);
	}
}

/* One processor is the graph's full height, or whatever more it needs. */
static char *make_graph(const struct stats_row *row, size_t len, bool utf8)
{
	char cpu[STATS_HISTORY * 4 + 1], memory[STATS_HISTORY * 4 + 1];
	uint16_t highest = 100;

	for (size_t i = 0; i < STATS_HISTORY; i++)
		highest = row->cpu[i] > highest ? row->cpu[i] : highest;
	stats_graph(row->cpu + STATS_HISTORY - len, len, highest, utf8, cpu, sizeof(cpu));
	stats_graph(row->memory + STATS_HISTORY - len, len, 100, utf8, memory, sizeof(memory));
	return str_format("%s|%s|", cpu, memory);
}

static json_t *pair(const char *a, const char *b)
{
	return json_sprintf("%s / %s", a, b);
}

static json_t *percent(uint64_t hundredths)
{
	return json_sprintf("%d.%02d%%", (int)(hundredths / 100), (int)(hundredths % 100));
}

/* Where a terminal is too narrow for all, what it has read and written gives way to the graph. */
static bool is_narrow(const struct stats_view *v)
{
	return v->columns < 160;
}

/* Seconds that each of the two graphs shows: what is left beside the name and the other columns. */
static size_t graph_len(const struct stats_view *v, const struct stats_rows *rows)
{
	size_t others = is_narrow(v) ? 48 : 110, longest = 0, len;

	for (size_t i = 0; i < rows->len; i++)
		if (rows->items[i].name && strlen(rows->items[i].name) > longest)
			longest = strlen(rows->items[i].name);
	others += longest;
	len = v->columns > others ? (v->columns - others) / 2 : 0;

	return len < STATS_GRAPH_MIN ? STATS_GRAPH_MIN : len > STATS_HISTORY ? STATS_HISTORY : len;
}

static json_t *make_row(const struct stats_view *v, const struct stats_row *row, size_t graph)
{
	const struct container_sample *s = &row->now;
	char a[16], b[16];
	json_t *o = json_object();

	json_object_set_new(o, "ID", json_stringn(row->id, v->no_trunc ? strlen(row->id) : 12));
	json_object_set_new(o, "Container", json_stringn(row->id, v->no_trunc ? strlen(row->id) : 12));
	json_object_set_new(o, "Name", json_text(row->name ? row->name : ""));
	json_object_set_new(o, "CPUPerc", percent(container_cpu_share(&row->before, &row->now)));
	num_format_binary_size(s->memory, a);
	num_format_binary_size(s->memory_limit, b);
	json_object_set_new(o, "MemUsage", pair(a, b));
	json_object_set_new(o, "MemPerc", percent(memory_share(s)));
	num_format_size(s->received, a);
	num_format_size(s->sent, b);
	json_object_set_new(o, "NetIO", pair(a, b));
	num_format_size(s->read, a);
	num_format_size(s->written, b);
	json_object_set_new(o, "BlockIO", pair(a, b));
	json_object_set_new(o, "PIDs", json_sprintf("%" PRIu64, s->pids));
	if (v->columns) {
		autofree char *text = make_graph(row, graph, v->utf8);

		json_object_set_new(o, "Graph", json_string(text ? text : ""));
	}
	return o;
}

static void print_note(FILE *f, const struct stats_rows *rows)
{
	size_t without = 0;

	for (size_t i = 0; i < rows->len; i++)
		without += rows->items[i].now.when_us && !rows->items[i].now.from_group;
	if (without)
		fprintf(f,
			"cloche: stats: %zu of %zu without a control group that counts everything: what is missing is "
			"summed up from /proc, "
			"where shared memory counts for each process\n",
			without, rows->len);
}

#define ALL_COLUMNS "{{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t{{.BlockIO}}\t{{.PIDs}}"

static const char *choose_table(const struct stats_view *v)
{
	if (!v->columns)
		return ALL_COLUMNS;
	return is_narrow(v) ? "{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.PIDs}}\t{{.Graph}}"
			    : ALL_COLUMNS "\t{{.Graph}}";
}

int stats_print(FILE *f, const struct stats_view *v, const struct stats_rows *rows, struct err *err)
{
	struct listing l = { .format = v->format, .table = choose_table(v), .columns = columns };
	autojson json_t *list = json_array();
	size_t graph = graph_len(v, rows);
	int r;

	for (size_t i = 0; i < rows->len; i++)
		json_array_append_new(list, make_row(v, &rows->items[i], graph));
	r = listing_print(f, &l, list, err);
	if (r >= 0 && !v->format)
		print_note(v->columns ? f : stderr, rows);
	return r;
}

#include "base/cleanup.h"
#include "base/num.h"
#include "cli/command.h"
#include "engine/container/container.h"
#include "engine/container/namespaces.h"
#include "oci/json.h"
#include "sys/idmap.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

enum { COLUMNS_MAX = 8 };

struct namespaces_options {
	const char *format;
};

static const struct option namespaces_table[] = {
	OPTION_STRING("format", 0, struct namespaces_options, format, "table|json", "how to print it", "table json"),
	OPTION_END,
};

/* One column: a process, and what it is called. */
struct column {
	const char *label;
	struct ns_view view;
};

static int find_store(struct store **ret, struct err *err)
{
	struct store_options options = { .root = global_options.root, .runroot = global_options.runroot };

	return store_open(&options, ret, err);
}

/* A number is a process; anything else, and a number that no process has, a container. */
static int find_process(const char *word, pid_t *ret, struct err *err)
{
	struct container_status status;
	autostore struct store *s = NULL;
	char id[CONTAINER_ID_MAX];
	uint32_t pid;
	int r;

	if (num_parse_u32(word, INT32_MAX, &pid) == 0 && pid > 0) {
		*ret = (pid_t)pid;
		return 0;
	}
	r = find_store(&s, err);
	if (r >= 0)
		r = container_find(s, word, id, err);
	if (r >= 0)
		r = container_status_read(s, id, &status, err);
	if (r < 0)
		return r;
	if (status.phase != CONTAINER_RUNNING)
		return err_set(err, ESRCH, "container '%s' is not running, so it has no namespaces", word);
	*ret = status.pid;
	return 0;
}

/* --- the host's overview --- */

static int print_overview_json(const struct ns_groups *groups, struct err *err)
{
	autojson json_t *all = json_array();
	autobuf struct buf text = BUF_INIT(JSON_SIZE_MAX);

	for (size_t i = 0; i < groups->len; i++) {
		const struct ns_group *g = &groups->items[i];
		json_t *o = json_object();

		json_add_string(o, "type", ns_name(g->kind));
		json_add_int(o, "namespace", (int64_t)g->inode);
		json_add_int(o, "processes", (int64_t)g->processes);
		json_add_int(o, "pid", g->first);
		json_add_string(o, "command", g->command);
		json_array_append_new(all, o);
	}
	if (json_write_pretty(all, &text, err) < 0)
		return -1;
	puts(buf_str(&text));
	return 0;
}

static void print_overview_table(const struct ns_groups *groups, const struct ns_view *own, size_t hidden)
{
	printf("%-10s %-12s %9s %8s  %-5s %s\n", "TYPE", "NAMESPACE", "PROCESSES", "PID", "OURS", "COMMAND");
	for (size_t i = 0; i < groups->len; i++) {
		const struct ns_group *g = &groups->items[i];

		printf("%-10s %-12" PRIu64 " %9zu %8d  %-5s %s\n", ns_name(g->kind), g->inode, g->processes,
		       (int)g->first, g->inode == own->inode[g->kind] ? "yes" : "", g->command);
	}
	if (hidden)
		fprintf(stderr,
			"cloche: namespaces: %zu process%s can't be looked at: only root and their own users may\n",
			hidden, hidden == 1 ? "" : "es");
}

static int print_overview(bool as_json, struct err *err)
{
	struct ns_groups groups = { 0 };
	struct ns_view own;
	size_t hidden;
	int r = ns_view_read(0, &own, err);

	if (r >= 0)
		r = ns_overview(&groups, &hidden, err);
	if (r < 0)
		return -1;
	if (as_json)
		r = print_overview_json(&groups, err);
	else
		print_overview_table(&groups, &own, hidden);
	free(groups.items);
	return r;
}

/* --- processes side by side --- */

/* The names of those that don't have the host's. */
static void name_owners(const struct column *c, size_t len, int kind, char *dst, size_t size)
{
	size_t used = (size_t)snprintf(dst, size, "own:");

	for (size_t i = 1; i < len && used < size; i++)
		if (c[i].view.inode[kind] != c[0].view.inode[kind])
			used += (size_t)snprintf(dst + used, size - used, " %s", c[i].label);
}

/* What a row says in words: with whom the namespace is shared. */
static void describe(const struct column *c, size_t len, int kind, char *dst, size_t size)
{
	size_t same = 0, host = 0, pairs = (len - 1) * (len - 2) / 2;

	for (size_t i = 1; i < len; i++) {
		host += c[i].view.inode[kind] == c[0].view.inode[kind];
		for (size_t k = 1; k < i; k++)
			same += c[i].view.inode[kind] == c[k].view.inode[kind];
	}
	if (!c[0].view.inode[kind])
		snprintf(dst, size, "not known here");
	else if (host == len - 1)
		snprintf(dst, size, "shared with the host");
	else if (host)
		name_owners(c, len, kind, dst, size);
	else if (len == 2)
		snprintf(dst, size, "its own");
	else
		snprintf(dst, size, "%s",
			 same == pairs ? "shared, not the host's"
			 : same	       ? "some share it"
				       : "each its own");
}

static void print_table(const struct column *c, size_t len)
{
	bool color = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");

	printf("%-10s", "TYPE");
	for (size_t i = 0; i < len; i++)
		printf(" %-14.14s", c[i].label);
	printf(" %-26s %s\n", "SHARED", "WHAT IT HOLDS");
	for (int kind = 0; kind < NS_KINDS; kind++) {
		char words[64];

		printf("%-10s", ns_name((enum ns_kind)kind));
		for (size_t i = 0; i < len; i++) {
			bool own = i && c[i].view.inode[kind] != c[0].view.inode[kind];

			printf(" %s%-14" PRIu64 "%s", own && color ? "\033[1m" : "", c[i].view.inode[kind],
			       own && color ? "\033[0m" : "");
		}
		describe(c, len, kind, words, sizeof(words));
		printf(" %-26s %s\n", words, ns_meaning((enum ns_kind)kind));
	}
}

static int print_json(const struct column *c, size_t len, struct err *err)
{
	autojson json_t *all = json_array();
	autobuf struct buf text = BUF_INIT(JSON_SIZE_MAX);

	for (int kind = 0; kind < NS_KINDS; kind++) {
		json_t *o = json_object(), *ids = json_object();
		char words[64];

		describe(c, len, kind, words, sizeof(words));
		json_add_string(o, "type", ns_name((enum ns_kind)kind));
		for (size_t i = 0; i < len; i++)
			json_add_int(ids, c[i].label, (int64_t)c[i].view.inode[kind]);
		json_add(o, "namespaces", ids);
		json_add_string(o, "verdict", words);
		json_array_append_new(all, o);
	}
	if (json_write_pretty(all, &text, err) < 0)
		return -1;
	puts(buf_str(&text));
	return 0;
}

static int run_namespaces(const void *options, const struct strv *args, struct err *err)
{
	const struct namespaces_options *o = options;
	bool as_json = o->format && strcmp(o->format, "json") == 0;
	struct column columns[COLUMNS_MAX + 1] = { { .label = "HOST" } };

	if (o->format && !as_json && strcmp(o->format, "table") != 0)
		return err_set(err, EINVAL, "--format '%s': table or json", o->format);
	if (args->len == 0)
		return print_overview(as_json, err);
	if (ns_view_host(&columns[0].view, err) < 0)
		return -1;
	for (size_t i = 0; i < args->len; i++) {
		pid_t pid;

		columns[i + 1].label = args->items[i];
		if (find_process(args->items[i], &pid, err) < 0 || ns_view_read(pid, &columns[i + 1].view, err) < 0)
			return -1;
	}
	if (as_json)
		return print_json(columns, args->len + 1, err);
	print_table(columns, args->len + 1);
	return 0;
}

const struct command cmd_namespaces = {
	.name = "namespaces",
	.group = "Insight",
	.summary = "show which namespaces processes and containers share, and with whom",
	.usage = "[PID|CONTAINER]...",
	.description =
		"Without arguments: all namespaces of this machine that we may look at. With one: it against the host. "
		"With more: side by side.",
	.examples = "# what a container has of its own\n$ cloche namespaces web\n"
		    "# what two have in common\n$ cloche namespaces web $$",
	.complete = "container",
	.options = namespaces_table,
	.options_size = sizeof(struct namespaces_options),
	.max_args = COLUMNS_MAX,
	.run = run_namespaces,
};

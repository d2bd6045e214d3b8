#include "cli/command.h"
#include "cli/container/each.h"

#include "base/cleanup.h"
#include "engine/container/row_filter.h"
#include "engine/run/run.h"

#include <errno.h>
#include <stdio.h>

static const struct option start_table[] = {
	OPTION_FLAG("attach", 'a', struct start_options, attach, "stay with it: its output, and its exit code"),
	OPTION_FLAG("interactive", 'i', struct start_options, interactive, "stay with it, and pass our input on"),
	OPTION_STRING("sig-proxy", 0, struct start_options, sig_proxy, "true|false",
		      "pass signals on to it (default true)", "true false"),
	OPTION_STRING("detach-keys", 0, struct start_options, detach_keys, "KEYS",
		      "what leaves it running (ctrl-p,ctrl-q)", NULL),
	OPTION_FLAG("all", 0, struct start_options, all, "all that don't run and pass the filters"),
	OPTION_LIST("filter", 'f', struct start_options, filters, "KEY=VALUE",
		    "with --all: as for ps; restart-policy=always after a boot", NULL),
	OPTION_END,
};

static void on_notice(const char *text, void *arg)
{
	(void)arg;
	fprintf(stderr, "cloche: start: %s\n", text);
}

struct starting {
	const struct start_options *options;
	int exit_code;
};

static int start_one(struct store *s, const char *id, const char *name, void *arg, struct err *err)
{
	struct store_options store = { .root = global_options.root, .runroot = global_options.runroot };
	struct run_callbacks callbacks = { .on_notice = on_notice };
	struct starting *how = arg;
	int code, r = start_container(&store, id, how->options, &callbacks, &code, err);

	(void)s;
	(void)name;
	how->exit_code = r < 0 ? code : r;
	return r;
}

/* The IDs of those that don't live and pass the filters. */
static int choose(struct store *s, struct row_filters *filters, struct strv *ret, struct err *err)
{
	autorows struct container_rows rows = { 0 };
	int r = container_rows_read(s, &rows, err);

	if (r >= 0)
		r = row_filters_bind(filters, &rows, err);

	/* The oldest first, as they were started before. */
	for (size_t i = rows.len; r >= 0 && i-- > 0;) {
		const struct container_row *row = &rows.items[i];

		if (container_is_alive(row->status.phase) || !row_filters_pass(s, filters, row))
			continue;
		if (strv_add(ret, row->summary.id) < 0)
			r = err_oom(err);
	}
	return r;
}

static int run_start(const void *options, const struct strv *args, struct err *err)
{
	const struct start_options *o = options;
	bool stay = o->attach || o->interactive;
	struct start_options how = *o;
	struct starting starting = { .options = &how };
	struct each each = { .command = "start", .silent = stay, .do_one = start_one, .arg = &starting };
	autofilters struct row_filters filters = { 0 };
	autostrv struct strv all = { 0 };
	autostore struct store *s = NULL;
	int failed;

	how.attach = stay;
	if (stay && (args->len != 1 || o->all)) {
		err_set(err, EINVAL, "one can stay with one container only");
		return err_hint(err, "start the others without --attach and --interactive");
	}
	if (o->all == (args->len > 0) || (!o->all && o->filters.len))
		return err_set(err, EINVAL, "either names, or --all with or without --filter");
	if (row_filters_parse(&o->filters, &filters, err) < 0 || cli_open_store(&s, err) < 0)
		return -1;
	if (o->all && choose(s, &filters, &all, err) < 0)
		return -1;
	store_settle(s);
	failed = cli_for_each(s, &each, o->all ? &all : args);
	return stay && starting.exit_code != EXIT_OURS ? starting.exit_code : failed;
}

const struct command cmd_start = {
	.name = "start",
	.group = "Containers",
	.summary = "start containers that were made before, or that have ended",
	.usage = "CONTAINER... | --all [--filter KEY=VALUE]",
	.description =
		"They begin with the files that they left. They run in the background, under a small process each that "
		"keeps their log, and end with it. One that runs already is left as it is.",
	.examples = "# a shell that one can come back to\n$ cloche start -ai box\n"
		    "# after a boot: those whose policy says so ('cloche generate systemd' makes a unit of it)\n"
		    "$ cloche start --all --filter should-start-on-boot=true",
	.complete = "container",
	.options = start_table,
	.options_size = sizeof(struct start_options),
	.max_args = -1,
	.run = run_start,
};

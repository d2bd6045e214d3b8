/* `state`, `list` and `ps`: they change nothing, and wait for nobody. */
#include "cli/oci/global.h"

#include "base/cleanup.h"
#include "base/num.h"
#include "oci/json.h"
#include "runtime/processes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct list_options {
	const char *format;
	bool quiet;
};

static int check_format(const struct list_options *o, bool *ret_json, struct err *err)
{
	*ret_json = o->format && strcmp(o->format, "json") == 0;
	if (o->format && !*ret_json && strcmp(o->format, "table") != 0)
		return err_set(err, EINVAL, "--format '%s': table or json", o->format);
	return 0;
}

/* 0: stopped, as the specification lets it be left out. */
static pid_t pid_of(const struct life *l, enum life_status status)
{
	return status == LIFE_STOPPED ? 0 : (pid_t)l->state.pid;
}

static int add_state(const struct life *l, struct buf *text, struct err *err)
{
	enum life_status status = life_status(l);

	return life_state_text(&l->state, life_status_name(status), pid_of(l, status), text, err);
}

/* --- state --- */

static int print_pretty(const struct buf *text, struct err *err)
{
	autobuf struct buf out = BUF_INIT(2 * LIFE_STATE_MAX);
	autojson json_t *j = NULL;
	int r = json_parse(buf_str(text), text->len, "the state", &j, err);

	if (r >= 0)
		r = json_write_pretty(j, &out, err);
	if (r >= 0)
		puts(buf_str(&out));
	return r;
}

static int run_state(const void *options, const struct strv *args, struct err *err)
{
	autobuf struct buf text = BUF_INIT(LIFE_STATE_MAX);
	autolife struct life l = LIFE_INIT;
	int root = oci_open_root(err), r = root;

	(void)options;
	if (r >= 0)
		r = life_open(root, args->items[0], false, &l, err);
	if (r >= 0)
		r = add_state(&l, &text, err);
	if (r >= 0)
		r = print_pretty(&text, err);
	return r < 0 ? -1 : 0;
}

/* --- list --- */

static void print_row(const struct life *l)
{
	enum life_status status = life_status(l);
	const struct life_state *s = &l->state;

	printf("%-24s %-8d %-10s %-40s %-32s %s\n", s->id, (int)pid_of(l, status), life_status_name(status),
	       s->bundle ? s->bundle : "", s->created ? s->created : "", s->owner ? s->owner : "");
}

/* One that vanishes meanwhile is no failure, and one whose state can't be read hides no other. */
static int list_one(int root, const char *id, const struct list_options *o, bool json, struct buf *text)
{
	autolife struct life l = LIFE_INIT;
	struct err err = { 0 };
	int r = life_open(root, id, false, &l, &err);

	if (r < 0) {
		if (r != -ENOENT)
			oci_warn(&err);
		return 0;
	}
	if (o->quiet)
		puts(id);
	else if (!json)
		print_row(&l);
	else {
		if (text->len > 1)
			buf_add_char(text, ',');
		return add_state(&l, text, NULL);
	}
	return 0;
}

static int run_list(const void *options, const struct strv *args, struct err *err)
{
	const struct list_options *o = options;
	autobuf struct buf text = BUF_INIT(64 << 20);
	autostrv struct strv ids = { 0 };
	bool json = false;
	int root = -1, r = check_format(o, &json, err);

	(void)args;
	if (r == 0)
		r = root = oci_open_root(err);
	if (r >= 0)
		r = life_list(root, &ids, err);
	if (r < 0)
		return -1;
	buf_add_char(&text, '[');
	if (!json && !o->quiet)
		printf("%-24s %-8s %-10s %-40s %-32s %s\n", "ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER");
	for (size_t i = 0; i < ids.len; i++)
		list_one(root, ids.items[i], o, json, &text);
	buf_add_char(&text, ']');
	if (json && !o->quiet)
		puts(buf_str(&text));
	return text.error ? err_errno(err, -text.error, "list the containers"), -1 : 0;
}

/* --- ps --- */

static void print_pids(const struct cgroup_pids *pids)
{
	putchar('[');
	for (size_t i = 0; i < pids->len; i++)
		printf("%s%d", i ? "," : "", (int)pids->items[i]);
	puts("]");
}

static int print_tasks(const struct life *l, struct err *err)
{
	CLEANUP(container_tasks_done) struct container_tasks tasks = { 0 };
	int r = life_pidfd(l, NULL);

	if (r >= 0) {
		close(r);
		r = container_tasks_read((pid_t)l->state.pid, &tasks, err);
	} else {
		r = 0;
	}
	printf("%8s %8s %8s %s\n", "PID", "PPID", "INSIDE", "COMMAND");
	for (size_t i = 0; i < tasks.len; i++)
		printf("%8d %8d %8d %*s%s\n", (int)tasks.items[i].pid, (int)tasks.items[i].parent,
		       (int)tasks.items[i].inside, 2 * tasks.items[i].depth, "", tasks.items[i].command);
	return r;
}

static int run_ps(const void *options, const struct strv *args, struct err *err)
{
	struct cgroup_pids pids = { 0 };
	autolife struct life l = LIFE_INIT;
	bool json = false;
	int root = -1, r = check_format(options, &json, err);

	if (r == 0)
		r = root = oci_open_root(err);
	if (r >= 0)
		r = life_open(root, args->items[0], false, &l, err);
	if (r >= 0)
		r = json ? life_pids(&l, &pids, err) : print_tasks(&l, err);
	if (r >= 0 && json)
		print_pids(&pids);
	free(pids.items);
	return r < 0 ? -1 : 0;
}

static const struct option format_table[] = {
	OPTION_STRING("format", 'f', struct list_options, format, "FORMAT", "table or json", "table json"),
	OPTION_END,
};

static const struct option list_table[] = {
	OPTION_STRING("format", 'f', struct list_options, format, "FORMAT", "table or json", "table json"),
	OPTION_FLAG("quiet", 'q', struct list_options, quiet, "names only"),
	OPTION_END,
};

const struct command oci_cmd_state = {
	.name = "state",
	.summary = "show what a container is: creating, created, running, paused or stopped",
	.usage = "ID",
	.complete = "container",
	.see_also = "list, ps",
	.min_args = 1,
	.max_args = 1,
	.run = run_state,
};

const struct command oci_cmd_list = {
	.name = "list",
	.summary = "list the containers",
	.see_also = "state, ps",
	.options = list_table,
	.options_size = sizeof(struct list_options),
	.run = run_list,
};

const struct command oci_cmd_ps = {
	.name = "ps",
	.summary = "list the processes of a container",
	.usage = "ID",
	.complete = "container",
	.see_also = "state, exec",
	.options = format_table,
	.options_size = sizeof(struct list_options),
	.min_args = 1,
	.max_args = 1,
	.run = run_ps,
};

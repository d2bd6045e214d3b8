#include "base/cleanup.h"
#include "base/num.h"
#include "base/timefmt.h"
#include "cli/command.h"
#include "cli/container/top_ps.h"
#include "cli/live.h"
#include "engine/container/running.h"

#include <inttypes.h>
#include <poll.h>
#include <unistd.h>

enum { REFRESH_MS = 1000 };

struct top_options {
	bool live, once;
};

static const struct option top_table[] = {
	OPTION_FLAG("live", 0, struct top_options, live, "refresh every second (the default on a terminal)"),
	OPTION_FLAG("once", 0, struct top_options, once, "print it once"),
	OPTION_END,
};

/* proc_pid_stat(5). */
static const char *state_name(char state)
{
	static const struct {
		char letter;
		const char *name;
	} names[] = {
		{ 'R', "runs" },    { 'S', "sleeps" }, { 'D', "disk" }, { 'Z', "zombie" },
		{ 'T', "stopped" }, { 't', "traced" }, { 'I', "idle" }, { 'X', "dead" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].letter == state)
			return names[i].name;
	return "";
}

static void print_task(FILE *f, const struct container_task *t)
{
	char memory[16];

	num_format_size(t->memory, memory);
	fprintf(f, "%7d %7d  %c %-7s  %4" PRIu64 ":%02u.%02u %9s  %*s%s\n", (int)t->inside, (int)t->pid, t->state,
		state_name(t->state), t->cpu_ms / 60000, (unsigned)(t->cpu_ms / 1000 % 60),
		(unsigned)(t->cpu_ms / 10 % 100), memory, 2 * t->depth, "", t->command);
}

static void print_tree(FILE *f, const struct container_tasks *tasks)
{
	fprintf(f, "%7s %7s  %-9s  %10s %9s  %s\n", "PID", "HOSTPID", "STATE", "TIME", "MEMORY", "COMMAND");
	for (size_t i = 0; i < tasks->len; i++)
		print_task(f, &tasks->items[i]);
}

/* How much processor time all took since BEFORE_MS had been used, in percent of the time that went by. */
static void print_load(FILE *f, const struct container_tasks *tasks, uint64_t *before_ms, uint64_t *before_us)
{
	uint64_t sum = 0, now = time_now_us(), gone = now - *before_us;

	for (size_t i = 0; i < tasks->len; i++)
		sum += tasks->items[i].cpu_ms;
	fprintf(f, "%zu process%s", tasks->len, tasks->len == 1 ? "" : "es");
	if (*before_us && gone && sum >= *before_ms)
		fprintf(f, ", %" PRIu64 "%% of a processor", (sum - *before_ms) * 100000 / gone);
	fputs("\n\n", f);
	*before_ms = sum;
	*before_us = now;
}

static int show(const struct container_tasks *tasks, uint64_t *before_ms, uint64_t *before_us, struct err *err)
{
	struct live_frame frame;

	if (live_begin(&frame, err) < 0)
		return -1;
	print_load(frame.f, tasks, before_ms, before_us);
	print_tree(frame.f, tasks);
	return live_end(&frame, 0, err);
}

/* Until the container ends; ^C ends us. */
static int stay(const struct running *c, struct err *err)
{
	struct pollfd end = { .fd = c->target.pidfd, .events = POLLIN };
	uint64_t before_ms = 0, before_us = 0;

	do {
		CLEANUP(container_tasks_done) struct container_tasks tasks = { 0 };

		if (container_tasks_read(c->target.pid, &tasks, err) < 0 ||
		    show(&tasks, &before_ms, &before_us, err) < 0)
			return -1;
	} while (poll(&end, 1, REFRESH_MS) <= 0);
	puts("\nthe container has ended");
	return 0;
}

static int run_top(const void *options, const struct strv *args, struct err *err)
{
	const struct top_options *o = options;
	struct store_options where = { .root = global_options.root, .runroot = global_options.runroot };
	const struct strv words = { .items = args->items + 1, .len = args->len - 1 };
	CLEANUP(container_tasks_done) struct container_tasks tasks = { 0 };
	autorunning struct running c = RUNNING_INIT;
	autostore struct store *s = NULL;
	int r = store_open(&where, &s, err);

	if (r >= 0)
		r = running_open(s, args->items[0], false, &c, err);
	if (r < 0)
		return -1;
	store_settle(s);
	if (!words.len && !o->once && (o->live || (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))))
		return stay(&c, err);
	if (container_tasks_read(c.target.pid, &tasks, err) < 0)
		return -1;
	if (words.len)
		return top_by_ps(&tasks, &words, err) < 0 ? -1 : 0;
	print_tree(stdout, &tasks);
	return 0;
}

const struct command cmd_top = {
	.name = "top",
	.group = "Insight",
	.summary = "show the processes of a running container as a tree, with both of their numbers",
	.usage = "CONTAINER [PS-OPTION...]",
	.description =
		"PID is the number that the process has inside, HOSTPID the one outside. Both count the same "
		"process: a pid "
		"namespace gives names, it does not hide its processes from the host. On a terminal the tree is "
		"refreshed every "
		"second.\n\nWith options of ps(1), its columns are shown instead, as docker does: 'top web aux'.",
	.examples = "# as a tree, once\n$ cloche top --once web\n# docker's columns\n$ cloche top web -ef",
	.complete = "container",
	.options = top_table,
	.options_size = sizeof(struct top_options),
	.min_args = 1,
	.max_args = -1,
	.stop_at_args = true,
	.run = run_top,
};

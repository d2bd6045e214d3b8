#include "base/cleanup.h"
#include "base/num.h"
#include "cli/command.h"
#include "engine/container/container.h"
#include "engine/container/processes.h"

#include <inttypes.h>

static void print_task(const struct container_task *t)
{
	char memory[16];

	num_format_size(t->memory, memory);
	printf("%7d %7d  %c  %4" PRIu64 ":%02u.%02u %9s  %*s%s\n", (int)t->inside, (int)t->pid, t->state,
	       t->cpu_ms / 60000, (unsigned)(t->cpu_ms / 1000 % 60), (unsigned)(t->cpu_ms / 10 % 100), memory,
	       2 * t->depth, "", t->command);
}

static int run_top(const void *options, const struct strv *args, struct err *err)
{
	struct store_options where = { .root = global_options.root, .runroot = global_options.runroot };
	CLEANUP(container_tasks_done) struct container_tasks tasks = { 0 };
	autostore struct store *s = NULL;
	struct container_status status;
	char id[CONTAINER_ID_MAX];
	int r = store_open(&where, &s, err);

	(void)options;
	if (r >= 0)
		r = container_find(s, args->items[0], id, err);
	if (r >= 0)
		r = container_status_read(s, id, &status, err);
	if (r < 0)
		return -1;
	if (status.phase != CONTAINER_RUNNING) {
		err_set(err, ESRCH, "container '%s' is not running", args->items[0]);
		return -1;
	}
	if (container_tasks_read(status.pid, &tasks, err) < 0)
		return -1;
	printf("%7s %7s  %s  %10s %9s  %s\n", "PID", "HOSTPID", "S", "TIME", "MEMORY", "COMMAND");
	for (size_t i = 0; i < tasks.len; i++)
		print_task(&tasks.items[i]);
	return 0;
}

const struct command cmd_top = {
	.name = "top",
	.group = "Insight",
	.summary = "show the processes of a running container as a tree, with both of their numbers",
	.usage = "CONTAINER",
	.description = "PID is the number that the process has inside, HOSTPID the one outside. Both count the same "
		       "process: a pid "
		       "namespace gives names, it does not hide its processes from the host.",
	.complete = "container",
	.min_args = 1,
	.max_args = 1,
	.run = run_top,
};

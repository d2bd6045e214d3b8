/* The end of a life. */
#include "engine/run/session.h"

#include "engine/container/events.h"
#include "engine/container/group.h"
#include "layer/ensure.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* So many live files are looked at after a run, for what killed commands left. */
enum { SWEEP_AT_ONCE = 8 };

/*
 * With --rm the folder is renamed into trash/ at once, and a child of its own deletes it, so that nobody waits for the
 * deletion: removing a handful of folders takes longer than the whole start where the disk is told of each freed
 * block. If the child is killed, the next command's sweep does it.
 */
static void remove_container(struct run_session *s)
{
	pid_t pid;

	if (container_trash(s->store, s->id, s->record.name, NULL) < 0)
		return;
	if (s->is_written)
		container_event(s->store, &s->record, "destroy", NULL);
	pid = fork();
	if (pid > 0)
		return;
	if (pid == 0) {
		/* Whoever waits for the end of our output must not wait for this. */
		close_range(0, 2, 0);
		setsid();
	}
	container_live_done(&s->live);
	containers_sweep(s->store, SWEEP_AT_ONCE, false);
	layers_sweep(s->store, &s->ids);
	if (pid == 0)
		_exit(0);
}

void run_end(struct run_session *s, int exit_code, const struct err *why)
{
	struct container_status status = { .started = s->started, .exit_code = exit_code, .restarts = s->restarts };

	char code[16];
	const char *const extra[] = { "exitCode", code, NULL };

	if (s->dir_fd < 0)
		return;
	snprintf(code, sizeof(code), "%d", exit_code);
	if (s->is_written)
		container_event(s->store, &s->record, "die", extra);
	if (s->record.remove) {
		remove_container(s);
		return;
	}
	status.oom_killed = container_group_had_oom(s->store, s->id);
	clock_gettime(CLOCK_REALTIME, &status.finished);
	if (why)
		snprintf(status.error, sizeof(status.error), "%.500s", why->msg);
	container_exit_write(s->dir_fd, &status, NULL);
	container_live_done(&s->live);
}

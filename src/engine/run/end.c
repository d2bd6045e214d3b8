/* The end of a life. */
#include "engine/run/session.h"

#include "base/cleanup.h"
#include "engine/container/events.h"
#include "engine/container/group.h"
#include "engine/container/volumes.h"
#include "layer/ensure.h"
#include "sys/leave.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* So many live files are looked at after a run, for what killed commands left. */
enum { SWEEP_AT_ONCE = 8 };

/* What deletes needs after the session is gone; never released, since it runs at the end of the process. */
struct deletion {
	struct store_options store;
	struct idmap ids;
	char root[PATH_MAX], runroot[PATH_MAX];
};

static void delete_behind(void *arg)
{
	struct deletion *d = arg;
	autostore struct store *store = NULL;

	if (store_open(&d->store, &store, NULL) < 0)
		return;
	containers_sweep(store, SWEEP_AT_ONCE, false);
	layers_sweep(store, &d->ids);
}

/*
 * With --rm the folder is renamed into trash/ at once, and a process of its own deletes it, so that nobody waits for the
 * deletion: removing a handful of folders takes longer than the whole start where the disk is told of each freed
 * block. If it is killed, the next command's sweep does it.
 */
static void remove_container(struct run_session *s)
{
	struct deletion *d = calloc(1, sizeof(*d));

	/* Before the container: if we are killed in between, the sweep still finds that one, and what it had. */
	run_mounts_release(s);
	volumes_remove_anonymous(s->store, &s->record);
	if (container_trash(s->store, s->id, s->record.name, NULL) < 0 || !d) {
		free(d);
		return;
	}
	if (s->is_written)
		container_event(s->store, &s->record, "destroy", NULL);
	snprintf(d->root, sizeof(d->root), "%s", s->store->root);
	snprintf(d->runroot, sizeof(d->runroot), "%s", s->store->runroot ? s->store->runroot : "");
	d->store = (struct store_options){ d->root, d->runroot[0] ? d->runroot : NULL, s->ids.mode == ID_MODE_SINGLE };
	d->ids = s->ids;
	container_live_done(&s->live);
	leave_behind(delete_behind, d);
}

void run_end(struct run_session *s, int exit_code, const struct err *why)
{
	struct container_status status = { .started = s->started, .exit_code = exit_code, .restarts = s->restarts };

	char code[16], error[CONTAINER_ERROR_MAX] = "";
	const char *const extra[] = { "exitCode", code, NULL };

	if (s->dir_fd < 0)
		return;
	snprintf(code, sizeof(code), "%d", exit_code);
	if (s->is_written)
		container_event(s->store, &s->record, "die", extra);
	if (s->record.remove || (s->is_new && !s->is_written)) {
		remove_container(s);
		return;
	}
	status.oom_killed = container_group_had_oom(s->store, s->id);
	clock_gettime(CLOCK_REALTIME, &status.finished);
	if (why)
		snprintf(error, sizeof(error), "%.500s", why->msg);
	container_exit_write(s->dir_fd, &status, error, NULL);
	container_live_done(&s->live);
}

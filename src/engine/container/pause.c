#include "engine/container/pause.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "engine/container/container.h"
#include "engine/container/group.h"
#include "engine/container/processes.h"
#include "sys/fs.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { STOP_ROUNDS = 100, PATH_SIZE = 16 + CONTAINER_ID_MAX };

/* --- what is written down --- */

static const char *const way_names[] = { "freezer", "signals" };

static void mark_path(const char *id, char dst[static PATH_SIZE])
{
	snprintf(dst, PATH_SIZE, "files/%.64s/paused", id);
}

bool container_is_paused(struct store *s, const char *id)
{
	char path[PATH_SIZE];
	int run = store_run_fd(s, NULL);

	mark_path(id, path);
	return run >= 0 && faccessat(run, path, F_OK, 0) == 0;
}

static int mark(struct store *s, const char *id, enum pause_way way, struct err *err)
{
	char path[PATH_SIZE];
	int run = store_run_fd(s, err), r;

	if (run < 0)
		return run;
	mark_path(id, path);
	r = fs_write_file(run, path, way_names[way], strlen(way_names[way]), 0600, 0, err);
	return r < 0 ? err_wrap(err, "write down that it is paused") : 0;
}

static void unmark(struct store *s, const char *id)
{
	char path[PATH_SIZE];

	mark_path(id, path);
	unlinkat(store_run_fd(s, NULL), path, 0);
}

static enum pause_way read_way(struct store *s, const char *id)
{
	autobuf struct buf text = BUF_INIT(64);
	char path[PATH_SIZE];

	mark_path(id, path);
	if (fs_read_file(store_run_fd(s, NULL), path, 64, &text, NULL) >= 0 &&
	    str_starts_with(buf_str(&text), way_names[PAUSE_BY_SIGNALS]))
		return PAUSE_BY_SIGNALS;
	return PAUSE_BY_FREEZER;
}

/* --- by signals --- */

/* T: stopped; Z: it has ended already; t: a debugger holds it. */
static bool stands_still(char state)
{
	return strchr("TtZX", state) != NULL;
}

static int signal_all(pid_t init, bool stop, size_t *ret_moving, struct err *err)
{
	CLEANUP(container_tasks_done) struct container_tasks tasks = { 0 };
	int r = container_tasks_read(init, &tasks, err);

	*ret_moving = 0;
	for (size_t i = 0; r >= 0 && i < tasks.len; i++) {
		const struct container_task *t = &tasks.items[i];

		if (stop && stands_still(t->state))
			continue;
		if (kill(t->pid, stop ? SIGSTOP : SIGCONT) < 0 && errno != ESRCH)
			return err_errno(err, errno, "%s process %d", stop ? "stop" : "continue", (int)t->pid);
		(*ret_moving)++;
	}
	return r;
}

/* A process that was being made while we looked is met in the next round. */
static int stop_all(pid_t init, struct err *err)
{
	size_t moving = 1, ignored;
	int r = 0;

	for (int round = 0; r >= 0 && moving && round < STOP_ROUNDS; round++)
		r = signal_all(init, true, &moving, err);
	if (r >= 0 && moving)
		r = err_set(err, EAGAIN, "the container makes processes faster than they can be stopped");
	if (r < 0)
		signal_all(init, false, &ignored, NULL);
	return r;
}

/* --- */

static int freeze(struct store *s, const char *id, pid_t init, struct err *err)
{
	const struct oci_resources nothing = { 0 };
	autosettings struct cgroup_settings settings = { 0 };
	autocgroup struct cgroup g = { 0 };
	int r = container_group_gather(s, id, init, &nothing, &g, &settings, err);

	return r < 0 ? r : cgroup_freeze(&g, true, err);
}

static int read_running(struct store *s, const char *id, struct container_status *status, struct err *err)
{
	int r = container_status_read(s, id, status, err);

	if (r < 0)
		return r;
	return status->phase == CONTAINER_RUNNING ? 0 : err_set(err, ESRCH, "container %.12s is not running", id);
}

int container_pause(struct store *s, const char *id, enum pause_way *ret_way, char *ret_why, struct err *err)
{
	struct container_status status;
	enum pause_way way = PAUSE_BY_FREEZER;
	struct err why = { 0 };
	int r = read_running(s, id, &status, err);

	if (r < 0)
		return r;
	if (status.paused)
		return err_set(err, EALREADY, "container %.12s is already paused", id);
	/* Marked first: killed half-way it may be paused in part, and `unpause` mends that. */
	r = mark(s, id, way, err);
	if (r >= 0 && freeze(s, id, status.pid, &why) < 0) {
		way = PAUSE_BY_SIGNALS;
		if (ret_why)
			snprintf(ret_why, 512, "%.500s", why.msg);
		r = mark(s, id, way, err);
		if (r >= 0)
			r = stop_all(status.pid, err);
	}
	if (r < 0) {
		unmark(s, id);
		return r;
	}
	if (ret_way)
		*ret_way = way;
	return 0;
}

int container_unpause(struct store *s, const char *id, struct err *err)
{
	autocgroup struct cgroup g = { 0 };
	struct container_status status;
	size_t ignored;
	int r = read_running(s, id, &status, err);

	if (r < 0)
		return r;
	if (!status.paused)
		return err_set(err, EALREADY, "container %.12s is not paused", id);
	if (read_way(s, id) == PAUSE_BY_SIGNALS) {
		r = signal_all(status.pid, false, &ignored, err);
	} else {
		r = container_group_read(s, id, &g, err);
		/* Killed before it had a group, it had not been paused. */
		if (r == 1)
			r = cgroup_freeze(&g, false, err);
	}
	if (r < 0)
		return r;
	unmark(s, id);
	return 0;
}

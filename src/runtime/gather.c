#include "runtime/gather.h"

#include "base/cleanup.h"
#include "runtime/processes.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* New processes may be made while others are moved; those of a moved one are born in the group. */
enum { GATHER_ROUNDS = 50, STOP_ROUNDS = 100 };

static int write_down(const struct cgroup *group, void *arg, struct err *err)
{
	const struct gather *g = arg;
	autobuf struct buf text = BUF_INIT(CGROUP_RECORD_MAX);
	int r = cgroup_record(group, &text);

	if (r < 0)
		return err_errno(err, -r, "write down where the control group is");
	return g->on_record(buf_str(&text), g->arg, err);
}

static bool contains(const struct cgroup_pids *pids, pid_t pid)
{
	for (size_t i = 0; i < pids->len; i++)
		if (pids->items[i] == pid)
			return true;
	return false;
}

/* Those of the container's processes that aren't in PRESENT. */
static int list_missing(const struct gather *g, const struct cgroup_pids *present, struct cgroup_pids *ret,
			struct err *err)
{
	CLEANUP(container_tasks_done) struct container_tasks tasks = { 0 };
	int r = container_tasks_read_of(g->pidfd, g->init, &tasks, err);

	for (size_t i = 0; r >= 0 && i < tasks.len; i++)
		if (tasks.items[i].state != 'Z' && !contains(present, tasks.items[i].pid) &&
		    cgroup_pids_push(ret, tasks.items[i].pid) < 0)
			r = err_oom(err);
	return r;
}

/* Until a look at all of them finds none outside. */
static int gather_rest(const struct cgroup *group, const struct gather *g, struct err *err)
{
	for (int round = 0; round < GATHER_ROUNDS; round++) {
		struct cgroup_pids present = { 0 }, missing = { 0 };
		int r = cgroup_list(group, &present, err);

		if (r >= 0)
			r = list_missing(g, &present, &missing, err);
		if (r >= 0 && missing.len)
			r = cgroup_move(group, missing.items, missing.len, err);
		free(present.items);
		free(missing.items);
		if (r < 0 || !missing.len)
			return r;
	}
	return err_set(err, EAGAIN, "the container makes processes faster than they can be moved into a control group");
}

static int make_group(const struct gather *g, struct cgroup *group, const struct cgroup_settings *settings,
		      struct err *err)
{
	struct cgroup_pids none = { 0 }, pids = { 0 };
	struct cgroup_enter e = { .settings = settings, .on_change = write_down, .arg = (void *)(uintptr_t)g };
	int r = list_missing(g, &none, &pids, err);

	if (r >= 0)
		r = write_down(group, e.arg, err);
	if (r >= 0) {
		e.pids = pids.items;
		e.pids_len = pids.len;
		r = cgroup_enter(group, &e, err);
	}
	free(pids.items);
	return r < 0 ? r : gather_rest(group, g, err);
}

/* True if G has a folder for each of SETTINGS. */
static bool has_all(const struct cgroup *g, const struct cgroup_settings *settings)
{
	for (size_t i = 0; i < settings->len; i++) {
		const struct cgroup_setting *s = &settings->items[i];
		bool core = s->version == 2 && strcmp(s->controller, "cgroup") == 0;

		if (core ? !cgroup_unified(g) : !cgroup_with(g, s->controller))
			return false;
	}
	return g->dirs.len > 0 || g->scope;
}

/* Folders that it had and has no more are empty by now. */
static void remove_former(const struct cgroup *before, const struct cgroup *now)
{
	for (size_t i = 0; i < before->dirs.len; i++) {
		bool kept = false;

		for (size_t k = 0; k < now->dirs.len; k++)
			kept |= strcmp(before->dirs.items[i].path, now->dirs.items[k].path) == 0;
		if (!kept)
			rmdir(before->dirs.items[i].path);
	}
}

int runtime_gather(const struct gather *g, struct cgroup *ret, struct cgroup_settings *ret_settings, struct err *err)
{
	const struct cgroup_request q = {
		.resources = g->resources, .name = g->name, .beside = g->init, .present = g->present
	};
	autocgroup struct cgroup chosen = { 0 };
	autosettings struct cgroup_settings settings = { 0 };
	int r = cgroup_choose(&q, &chosen, &settings, err);

	if (r >= 0 && !(chosen.dirs.len || chosen.scope))
		r = err_set(err, EOPNOTSUPP, "there is no control group that the container may have");
	if (r >= 0 && !(g->present && has_all(g->present, &settings) && chosen.dirs.len <= g->present->dirs.len)) {
		r = make_group(g, &chosen, &settings, err);
		if (r >= 0 && g->present)
			remove_former(g->present, &chosen);
	}
	if (r < 0)
		return r;
	*ret = chosen;
	chosen = (struct cgroup){ 0 };
	*ret_settings = settings;
	settings = (struct cgroup_settings){ 0 };
	return 0;
}

/* --- by signals --- */

/* T: stopped; Z: it has ended already; t: a debugger holds it. */
static bool stands_still(char state)
{
	return strchr("TtZX", state) != NULL;
}

static int signal_task(const struct container_task *t, int sig)
{
	autoclose int fd = container_task_open(t);

	if (fd < 0)
		return fd;
	return syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0) < 0 ? -errno : 0;
}

static int signal_all(int pidfd, pid_t init, bool stop, size_t *ret_moving, struct err *err)
{
	CLEANUP(container_tasks_done) struct container_tasks tasks = { 0 };
	int r = container_tasks_read_of(pidfd, init, &tasks, err);

	*ret_moving = 0;
	for (size_t i = 0; r >= 0 && i < tasks.len; i++) {
		const struct container_task *t = &tasks.items[i];

		if (stop && stands_still(t->state))
			continue;
		r = signal_task(t, stop ? SIGSTOP : SIGCONT);
		if (r < 0 && r != -ESRCH)
			return err_errno(err, -r, "%s process %d", stop ? "stop" : "continue", (int)t->pid);
		r = 0;
		(*ret_moving)++;
	}
	return r;
}

/* A process that was being made while we looked is met in the next round. */
int runtime_stop_all(int pidfd, pid_t init, struct err *err)
{
	size_t moving = 1, ignored;
	int r = 0;

	for (int round = 0; r >= 0 && moving && round < STOP_ROUNDS; round++)
		r = signal_all(pidfd, init, true, &moving, err);
	if (r >= 0 && moving)
		r = err_set(err, EAGAIN, "the container makes processes faster than they can be stopped");
	if (r < 0)
		signal_all(pidfd, init, false, &ignored, NULL);
	return r;
}

int runtime_continue_all(int pidfd, pid_t init, struct err *err)
{
	size_t ignored;

	return signal_all(pidfd, init, false, &ignored, err);
}

#include "engine/container/group.h"

#include "base/cleanup.h"
#include "cgroup/usage.h"
#include "engine/container/processes.h"
#include "sys/fs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* New processes may be made while others are moved; those of a moved one are born in the group. */
enum { GATHER_ROUNDS = 50, PATH_SIZE = 16 + CONTAINER_ID_MAX };

void container_group_name(const char *id, char dst[static CONTAINER_GROUP_NAME])
{
	snprintf(dst, CONTAINER_GROUP_NAME, "cloche-%.64s", id);
}

static void record_path(const char *id, char dst[static PATH_SIZE])
{
	snprintf(dst, PATH_SIZE, "files/%.64s/cgroup", id);
}

int container_group_read(struct store *s, const char *id, struct cgroup *ret, struct err *err)
{
	autobuf struct buf text = BUF_INIT(CGROUP_RECORD_MAX);
	char path[PATH_SIZE];
	int run = store_run_fd(s, err), r;

	if (run < 0)
		return run;
	record_path(id, path);
	if (faccessat(run, path, F_OK, 0) < 0)
		return 0;
	r = fs_read_file(run, path, CGROUP_RECORD_MAX, &text, err);
	if (r == -ENOENT) {
		err_clear(err);
		return 0;
	}
	if (r >= 0 && (r = cgroup_parse_record(buf_str(&text), ret)) < 0)
		r = err_set(err, -r, "'%s/%s' is not what we write", s->runroot, path);
	return r < 0 ? err_wrap(err, "find the container's control group") : 1;
}

int container_group_write(struct store *s, const char *id, const char *record, struct err *err)
{
	char path[PATH_SIZE];
	int run = store_run_fd(s, err), r;

	if (run < 0)
		return run;
	record_path(id, path);
	r = fs_write_file(run, path, record, strlen(record), 0600, 0, err);
	return r < 0 ? err_wrap(err, "write down where the container's control group is") : 0;
}

bool container_group_had_oom(struct store *s, const char *id)
{
	autocgroup struct cgroup g = { 0 };

	return container_group_read(s, id, &g, NULL) == 1 && cgroup_oom_kills(&g) > 0;
}

void container_group_kill(struct store *s, const char *id)
{
	autocgroup struct cgroup g = { 0 };

	if (container_group_read(s, id, &g, NULL) == 1)
		cgroup_kill(&g, NULL);
}

static void forget(struct store *s, const char *id)
{
	static const char *const names[] = { "cgroup", "paused" };
	int run = store_run_fd(s, NULL);

	for (size_t i = 0; run >= 0 && i < ARRAY_SIZE(names); i++) {
		char path[PATH_SIZE];

		snprintf(path, sizeof(path), "files/%.64s/%s", id, names[i]);
		unlinkat(run, path, 0);
	}
}

void container_group_end(struct store *s, const char *id)
{
	autocgroup struct cgroup g = { 0 };

	if (container_group_read(s, id, &g, NULL) == 1)
		cgroup_remove(&g, NULL);
	forget(s, id);
}

/* --- a group for a container that runs already --- */

struct gathering {
	struct store *store;
	const char *id;
	int pidfd; /* of pid 1, INIT */
	pid_t init;
};

static int write_down(const struct cgroup *g, void *arg, struct err *err)
{
	const struct gathering *where = arg;
	autobuf struct buf text = BUF_INIT(CGROUP_RECORD_MAX);
	int r = cgroup_record(g, &text);

	if (r < 0)
		return err_errno(err, -r, "write down where the control group is");
	return container_group_write(where->store, where->id, buf_str(&text), err);
}

static bool contains(const struct cgroup_pids *pids, pid_t pid)
{
	for (size_t i = 0; i < pids->len; i++)
		if (pids->items[i] == pid)
			return true;
	return false;
}

/* Those of the container's processes that aren't in PRESENT. */
static int list_missing(const struct gathering *where, const struct cgroup_pids *present, struct cgroup_pids *ret,
			struct err *err)
{
	CLEANUP(container_tasks_done) struct container_tasks tasks = { 0 };
	int r = container_tasks_read_of(where->pidfd, where->init, &tasks, err);

	for (size_t i = 0; r >= 0 && i < tasks.len; i++)
		if (tasks.items[i].state != 'Z' && !contains(present, tasks.items[i].pid) &&
		    cgroup_pids_push(ret, tasks.items[i].pid) < 0)
			r = err_oom(err);
	return r;
}

/* Until a look at all of them finds none outside. */
static int gather_rest(const struct cgroup *g, const struct gathering *where, struct err *err)
{
	for (int round = 0; round < GATHER_ROUNDS; round++) {
		struct cgroup_pids present = { 0 }, missing = { 0 };
		int r = cgroup_list(g, &present, err);

		if (r >= 0)
			r = list_missing(where, &present, &missing, err);
		if (r >= 0 && missing.len)
			r = cgroup_move(g, missing.items, missing.len, err);
		free(present.items);
		free(missing.items);
		if (r < 0 || !missing.len)
			return r;
	}
	return err_set(err, EAGAIN, "the container makes processes faster than they can be moved into a control group");
}

static int make_group(const struct gathering *where, struct cgroup *g, const struct cgroup_settings *settings,
		      struct err *err)
{
	struct cgroup_pids none = { 0 }, pids = { 0 };
	struct cgroup_enter e = { .settings = settings, .on_change = write_down, .arg = (void *)(uintptr_t)where };
	int r = list_missing(where, &none, &pids, err);

	if (r >= 0)
		r = write_down(g, e.arg, err);
	if (r >= 0) {
		e.pids = pids.items;
		e.pids_len = pids.len;
		r = cgroup_enter(g, &e, err);
	}
	free(pids.items);
	return r < 0 ? r : gather_rest(g, where, err);
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

int container_group_gather(struct store *s, const char *id, int pidfd, pid_t init, const struct oci_resources *r,
			   struct cgroup *ret, struct cgroup_settings *ret_settings, struct err *err)
{
	const struct gathering where = { s, id, pidfd, init };
	autocgroup struct cgroup have = { 0 }, chosen = { 0 };
	autosettings struct cgroup_settings settings = { 0 };
	char name[CONTAINER_GROUP_NAME];
	struct cgroup_request q = { .resources = r, .name = name, .beside = init };
	int result = container_group_read(s, id, &have, err);

	if (result < 0)
		return result;
	container_group_name(id, name);
	if (result == 1)
		q.present = &have;
	result = cgroup_choose(&q, &chosen, &settings, err);
	if (result >= 0 && !(chosen.dirs.len || chosen.scope))
		result = err_set(err, EOPNOTSUPP, "there is no control group that the container may have");
	if (result >= 0 && !(q.present && has_all(&have, &settings) && chosen.dirs.len <= have.dirs.len)) {
		result = make_group(&where, &chosen, &settings, err);
		if (result >= 0)
			remove_former(&have, &chosen);
	}
	if (result < 0)
		return result;
	*ret = chosen;
	chosen = (struct cgroup){ 0 };
	*ret_settings = settings;
	settings = (struct cgroup_settings){ 0 };
	return 0;
}

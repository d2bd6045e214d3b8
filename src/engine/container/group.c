#include "engine/container/group.h"

#include "base/cleanup.h"
#include "cgroup/usage.h"
#include "runtime/gather.h"
#include "sys/fs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATH_SIZE = 16 + CONTAINER_ID_MAX };

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
};

static int write_down(const char *record, void *arg, struct err *err)
{
	const struct gathering *where = arg;

	return container_group_write(where->store, where->id, record, err);
}

int container_group_gather(struct store *s, const char *id, int pidfd, pid_t init, const struct oci_resources *r,
			   struct cgroup *ret, struct cgroup_settings *ret_settings, struct err *err)
{
	struct gathering where = { s, id };
	autocgroup struct cgroup have = { 0 };
	char name[CONTAINER_GROUP_NAME];
	struct gather g = {
		.pidfd = pidfd, .init = init, .name = name, .resources = r, .on_record = write_down, .arg = &where
	};
	int result = container_group_read(s, id, &have, err);

	if (result < 0)
		return result;
	container_group_name(id, name);
	if (result == 1)
		g.present = &have;
	return runtime_gather(&g, ret, ret_settings, err);
}

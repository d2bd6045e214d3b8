#include "lifecycle/pause.h"

#include "runtime/gather.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int on_record(const char *record, void *arg, struct err *err)
{
	return life_write_group(arg, record, err);
}

static int gather(struct life *l, const struct oci_resources *r, struct cgroup *ret,
		  struct cgroup_settings *ret_settings, struct err *err)
{
	autocgroup struct cgroup have = { 0 };
	autoclose int pidfd = life_pidfd(l, err);
	struct gather g = { .pidfd = pidfd,
			    .init = (pid_t)l->state.pid,
			    .name = l->state.id,
			    .resources = r,
			    .on_record = on_record,
			    .arg = l };
	int found = pidfd < 0 ? pidfd : life_group(l, &have, err);

	if (found < 0)
		return found;
	if (found)
		g.present = &have;
	return runtime_gather(&g, ret, ret_settings, err);
}

static int freeze(struct life *l, struct err *err)
{
	const struct oci_resources nothing = { 0 };
	autosettings struct cgroup_settings settings = { 0 };
	autocgroup struct cgroup g = { 0 };
	int r = gather(l, &nothing, &g, &settings, err);

	return r < 0 ? r : cgroup_freeze(&g, true, err);
}

static int open_as(int root_fd, const char *id, enum life_status wanted, struct life *l, struct err *err)
{
	enum life_status status;
	int r = life_open(root_fd, id, true, l, err);

	if (r < 0)
		return r;
	status = life_status(l);
	if (status == wanted || (wanted == LIFE_RUNNING && status == LIFE_CREATED))
		return 0;
	return err_set(err, status == LIFE_STOPPED ? ESRCH : EINVAL, "container not %s: it is %s",
		       life_status_name(wanted), life_status_name(status));
}

static int stop_all(const struct life *l, struct err *err)
{
	autoclose int pidfd = life_pidfd(l, err);

	return pidfd < 0 ? pidfd : runtime_stop_all(pidfd, (pid_t)l->state.pid, err);
}

static int continue_all(const struct life *l, struct err *err)
{
	autoclose int pidfd = life_pidfd(l, err);

	return pidfd < 0 ? pidfd : runtime_continue_all(pidfd, (pid_t)l->state.pid, err);
}

int life_pause(int root_fd, const char *id, struct err *err)
{
	autolife struct life l = LIFE_INIT;
	int r = open_as(root_fd, id, LIFE_RUNNING, &l, err);

	if (r < 0 || freeze(&l, NULL) >= 0)
		return r;
	/* Marked first: killed half-way, `resume` mends it. */
	r = fs_write_file(l.dir_fd, "paused", "signals\n", 8, 0600, 0, err);
	if (r >= 0)
		r = stop_all(&l, err);
	if (r < 0)
		unlinkat(l.dir_fd, "paused", 0);
	return r;
}

void life_thaw(const struct life *l)
{
	autocgroup struct cgroup g = { 0 };

	if (faccessat(l->dir_fd, "paused", F_OK, 0) == 0)
		continue_all(l, NULL);
	if (life_group(l, &g, NULL) == 1 && cgroup_is_frozen(&g) == 1)
		cgroup_freeze(&g, false, NULL);
}

int life_resume(int root_fd, const char *id, struct err *err)
{
	autolife struct life l = LIFE_INIT;
	autocgroup struct cgroup g = { 0 };
	int r = open_as(root_fd, id, LIFE_PAUSED, &l, err);

	if (r < 0)
		return r;
	if (faccessat(l.dir_fd, "paused", F_OK, 0) == 0) {
		r = continue_all(&l, err);
		if (r >= 0)
			unlinkat(l.dir_fd, "paused", 0);
		return r;
	}
	r = life_group(&l, &g, err);
	return r == 1 ? cgroup_freeze(&g, false, err) : r;
}

int life_update(int root_fd, const char *id, const struct oci_resources *r, struct err *err)
{
	autolife struct life l = LIFE_INIT;
	autosettings struct cgroup_settings settings = { 0 };
	autocgroup struct cgroup g = { 0 };
	int result = life_open(root_fd, id, true, &l, err);

	if (result < 0)
		return result;
	if (life_status(&l) == LIFE_STOPPED)
		return err_set(err, ESRCH, "container not running");
	result = gather(&l, r, &g, &settings, err);
	return result < 0 ? result : cgroup_write(&g, &settings, err);
}

#include "engine/container/update.h"

#include "base/cleanup.h"
#include "engine/container/container.h"
#include "engine/container/group.h"
#include "engine/container/record.h"
#include "oci/spec.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

static int apply_to_running(struct store *s, const char *id, const struct oci_resources *r, struct err *err)
{
	autosettings struct cgroup_settings settings = { 0 };
	autocgroup struct cgroup g = { 0 };
	pid_t pid;
	autoclose int pidfd = container_pidfd(s, id, &pid, err);
	int result;

	if (pidfd == -ESRCH)
		err_clear(err);
	if (pidfd < 0)
		return pidfd == -ESRCH ? 0 : pidfd;
	result = container_group_gather(s, id, pidfd, pid, r, &g, &settings, err);
	return result < 0 ? result : cgroup_write(&g, &settings, err);
}

static int write_spec(int dir, const struct oci_spec *spec, struct err *err)
{
	autobuf struct buf text = BUF_INIT(OCI_SPEC_MAX);
	int r = oci_spec_write(spec, &text, err);

	return r < 0 ? r : fs_write_file(dir, "config.json", text.data, text.len, 0644, 0, err);
}

static int set_resources(struct oci_spec *spec, const struct oci_resources *r, struct err *err)
{
	autobuf struct buf text = BUF_INIT(OCI_SPEC_MAX);
	int result = oci_resources_write(r, &text, err);

	if (result < 0)
		return result;
	free(spec->linux_.resources);
	spec->linux_.resources = buf_take(&text);
	return spec->linux_.resources ? 0 : err_oom(err);
}

int container_update_limits(struct store *s, const char *id,
			    int (*change)(struct oci_resources *r, const void *arg, struct err *err), const void *arg,
			    struct err *err)
{
	autospec struct oci_spec spec = { 0 };
	autoresources struct oci_resources resources = { 0 };
	autoclose int dir = container_open(s, id, err);
	int r = dir < 0 ? dir : 0;

	if (r >= 0 && flock(dir, LOCK_EX) < 0)
		r = err_errno(err, errno, "lock container %.12s", id);
	if (r >= 0)
		r = oci_spec_read(dir, "config.json", &spec, err);
	if (r >= 0)
		r = oci_resources_parse(spec.linux_.resources, &resources, err);
	if (r >= 0)
		r = change(&resources, arg, err);
	if (r >= 0)
		r = apply_to_running(s, id, &resources, err);
	if (r >= 0)
		r = set_resources(&spec, &resources, err);
	return r < 0 ? r : write_spec(dir, &spec, err);
}

/* --- restart policy --- */

struct new_policy {
	enum restart_policy policy;
	int64_t max;
	int dir_fd;
};

static int set_policy(struct container_record *r, void *arg, struct err *err)
{
	const struct new_policy *p = arg;

	if (r->remove && p->policy != RESTART_NO) {
		err_set(err, EINVAL, "--restart: the container was made with --rm, so it is removed at its end");
		return err_hint(err, "only one that stays can be started again");
	}
	r->life.restart = p->policy;
	r->life.restart_max = p->max;
	return 0;
}

/* After the record: a monitor that ends in between goes by the old policy. */
static int tell_monitor(void *arg, struct err *err)
{
	const struct new_policy *p = arg;
	char text[RESTART_WORD_MAX];

	restart_format(p->policy, p->max, text);
	return fs_write_file(p->dir_fd, RESTART_FILE, text, strlen(text), 0600, 0, err);
}

int container_update_restart(struct store *s, const char *id, enum restart_policy policy, int64_t max, struct err *err)
{
	autoclose int dir = container_open(s, id, err);
	struct new_policy p = { policy, max, dir };

	return dir < 0 ? dir : container_record_update(s, id, set_policy, tell_monitor, &p, err);
}

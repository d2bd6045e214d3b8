#include "engine/container/running.h"

#include "engine/container/container.h"
#include "engine/container/pause.h"
#include "runtime/default_spec.h"

#include <errno.h>
#include <fcntl.h>

static int open_pid(struct running *r, struct err *err)
{
	pid_t pid;
	int pidfd = container_pidfd(r->store, r->id, &pid, err);

	if (pidfd < 0)
		return pidfd;
	return runtime_target_open(pid, pidfd, &r->target, err);
}

int running_open(struct store *s, const char *name, bool not_paused, struct running *ret, struct err *err)
{
	autorunning struct running running = RUNNING_INIT;
	int r = container_find(s, name, running.id, err);

	if (r < 0)
		return r;
	running.store = s;
	running.dir_fd = container_open(s, running.id, err);
	if (running.dir_fd < 0)
		return running.dir_fd;
	r = open_pid(&running, err);
	if (r == -ESRCH) {
		err_set(err, ESRCH, "container '%s' is not running", name);
		return err_hint(err, "'cloche start %s' starts it", name);
	}
	if (r >= 0 && not_paused && container_is_paused(s, running.id)) {
		err_set(err, EBUSY, "container '%s' is paused", name);
		return err_hint(err, "'cloche unpause %s' lets it go on", name);
	}
	if (r >= 0)
		r = default_spec_read(running.dir_fd, "config.json", &running.spec, err);
	if (r == -ENOENT)
		return err_set(err, ENOENT, "there is no container '%s': it has just been removed", name);
	if (r < 0)
		return err_wrap(err, "container '%s'", name);
	*ret = running;
	running = RUNNING_INIT;
	return 0;
}

void running_done(struct running *r)
{
	oci_spec_done(&r->spec);
	runtime_target_done(&r->target);
	if (r->dir_fd >= 0)
		close(r->dir_fd);
	*r = RUNNING_INIT;
}

int running_open_root(const struct running *r, struct err *err)
{
	int fd = openat(r->target.proc_fd, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd >= 0 ? fd : err_errno(err, errno == ENOENT ? ESRCH : errno, "open the container's root");
}

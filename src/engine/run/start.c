/* Beginning a life of a container that is in the session. */
#include "engine/run/session.h"

#include "base/cleanup.h"
#include "base/num.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "engine/container/events.h"
#include "engine/container/group.h"
#include "engine/tree_copy.h"
#include "store/layers.h"
#include "sys/fs.h"
#include "sys/signals.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static int begin_supervisor(struct run_session *s, struct err *err)
{
	const struct intercept_options options = { .level = (enum intercept_level)s->record.life.ids_level,
						   .keep = s->keep.set,
						   .keep_uid = s->keep.uid,
						   .keep_gid = s->keep.gid };
	uint64_t start = time_now_us();
	int r;

	if (s->ids.mode != ID_MODE_SINGLE || s->record.life.ids_level == 0 || s->supervisor.process.pidfd >= 0)
		return 0;
	r = intercept_spawn(&options, &s->supervisor, err);
	run_report(s, start, "start the supervisor of ids", "clone3(); execve(\"libexec/cloche/intercept\")",
		   "will answer chown, setuid and stat for a container that really has one id");
	return r;
}

static int begin_network(struct run_session *s, struct err *err)
{
	uint64_t start = time_now_us();
	int r = run_network_begin(&s->network, &s->record.private_network, err);

	if (s->record.private_network.kind)
		run_report(s, start, "start the network's helper", "clone3(); execve(\"libexec/cloche/net\")",
			   "a network stack of its own, as an ordinary program");
	return r;
}

int run_begin_helpers(struct run_session *s, struct err *err)
{
	int r = begin_supervisor(s, err);

	return r < 0 ? r : begin_network(s, err);
}

static int on_listener(int listener, pid_t init, void *arg, struct err *err)
{
	struct run_session *s = arg;
	uint64_t start = time_now_us();
	int r = intercept_open_door(&s->supervisor, s->files_dir, err);

	if (r >= 0)
		r = intercept_attach(&s->supervisor, listener, init, err);
	run_report(s, start, "hand it the intercepted calls", "sendmsg(SCM_RIGHTS: the filter's listener)",
		   "from here on it answers");
	return r;
}

/* By now the namespaces that are shared have been opened, and whose they are can be made sure of. */
static int write_records(void *arg, struct err *err)
{
	struct run_session *s = arg;
	int r = run_shares_check(&s->shares, err);

	return r < 0 ? r : run_write_records(s, err);
}

static int on_group(const char *record, void *arg, struct err *err)
{
	struct run_session *s = arg;

	return container_group_write(s->store, s->id, record, err);
}

static int start_with(struct run_session *s, const struct run_stdio *stdio, const struct runtime_overlay *overlay,
		      struct container_process *p, int *ret_exit, struct err *err)
{
	autofree struct sock_filter *filter = NULL;
	struct runtime_options o = RUNTIME_OPTIONS_INIT;
	char group[CONTAINER_GROUP_NAME];
	int r = 0;

	if (s->supervisor.process.pidfd >= 0)
		r = intercept_filter_build((enum intercept_level)s->record.life.ids_level, &filter,
					   &o.notify_filter_len, err);
	if (r < 0)
		return r;
	container_group_name(s->id, group);
	o.bundle = s->dir;
	o.overlay = overlay;
	memcpy(o.stdio, stdio->fds, sizeof(o.stdio));
	o.give_stdio = stdio->ours;
	o.init = s->record.life.init;
	o.notify_filter = filter;
	o.on_listener = on_listener;
	o.on_listener_arg = s;
	o.group_name = group;
	o.id = s->id;
	o.on_group = on_group;
	o.on_group_arg = s;
	if (s->network.helper.process.pidfd >= 0) {
		o.on_network = run_network_attach;
		o.wait_network = run_network_wait;
		o.network_arg = &s->network;
	}
	o.meanwhile = write_records;
	o.meanwhile_arg = s;
	o.on_step = s->callbacks->on_step;
	o.on_step_arg = s->callbacks->arg;
	o.exit_code = ret_exit;
	signals_hold();
	return runtime_run(&s->spec, &o, p, err);
}

static uint64_t image_bytes(struct run_session *s)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < s->image.config.diff_ids_len; i++) {
		struct layer_info info;

		if (layer_info_read(s->store, &s->image.config.diff_ids[i], &info, NULL) >= 0)
			sum += info.tree_size;
	}
	return sum;
}

/* Nobody in the container can write to its root or make it writable, so it may share the store's own files. */
static bool root_stays_read_only(const struct run_session *s)
{
	return s->spec.root_readonly && !strv_contains(&s->spec.process.capabilities.bounding, "CAP_SYS_ADMIN");
}

/* Where the kernel refuses the overlay: a tree of the container's own, announced, never silently. */
static int copy_image(struct run_session *s, struct err *err)
{
	autofree char *dest = str_format("%s/rootfs", s->dir);
	autobuf struct buf text = BUF_INIT(OCI_SPEC_MAX);
	struct tree_copy copy = { .layers = &s->lowers, .dest = dest, .hard_links = root_stays_read_only(s) };
	uint64_t begin = time_now_us();
	char size[16];
	int r;

	if (!dest)
		return err_oom(err);
	num_format_size(image_bytes(s), size);
	run_tell(s, true, "the kernel refuses an overlay here (%s): the image's %s are %s", err->msg, size,
		 copy.hard_links ? "linked, since the root is read-only"
				 : "copied, by reflink where the file system can");
	err_clear(err);
	if (mkdirat(s->dir_fd, "rootfs", 0755) < 0)
		return err_errno(err, errno, "make '%s'", dest);
	r = tree_copy_run(&copy, &s->ids, err);
	if (r < 0)
		return err_wrap(err, "copy the image's files");
	run_report(s, begin, "copy the layers' files", "ioctl(FICLONE), copy_file_range()", "a tree of its own");
	free(s->spec.root_path);
	s->spec.root_path = TAKE_PTR(dest);
	s->is_copy = true;
	/* If there was no attempt with an overlay, nothing is written yet. */
	r = run_write_records(s, err);
	if (r >= 0)
		r = oci_spec_write(&s->spec, &text, err);
	return r < 0 ? r : fs_write_file(s->dir_fd, "config.json", text.data, text.len, 0644, 0, err);
}

static int start_on_overlay(struct run_session *s, const struct run_stdio *stdio, struct container_process *p,
			    int *ret_exit, struct err *err)
{
	autofree char *upper = str_format("%s/upper", s->dir), *work = str_format("%s/work", s->dir);
	struct runtime_overlay overlay = { .lowers = (const char *const *)s->lowers.items,
					   .lowers_len = s->lowers.len,
					   .upper = upper,
					   .work = work,
					   .is_volatile = s->record.remove };

	if (!upper || !work)
		return err_oom(err);
	return start_with(s, stdio, &overlay, p, ret_exit, err);
}

static int start(struct run_session *s, const struct run_stdio *stdio, struct container_process *p, int *ret_exit,
		 struct err *err)
{
	int r = s->is_copy		? 0
		: s->store->copies_only ? store_refuse_overlay(s->store, RUNTIME_OVERLAY_REFUSED, err)
					: start_on_overlay(s, stdio, p, ret_exit, err);

	if (r == -RUNTIME_OVERLAY_REFUSED)
		r = copy_image(s, err);
	return r < 0 || !s->is_copy ? r : start_with(s, stdio, NULL, p, ret_exit, err);
}

int run_start(struct run_session *s, const struct run_stdio *stdio, struct container_process *ret, int *ret_exit,
	      struct err *err)
{
	CLEANUP(container_process_done) struct container_process p = CONTAINER_PROCESS_INIT;
	struct live_line line = { .restarts = s->restarts };
	int r = run_begin_helpers(s, err);

	/* A monitor restarts under the same lock: the last life's group may still be there. */
	container_group_end(s->store, s->id);
	if (r >= 0)
		r = run_write_name_files(s, err);
	if (r >= 0)
		r = run_open_network(s, err);
	if (r >= 0)
		r = run_shares_open(s->store, &s->record.shares, &s->spec, &s->shares, err);
	if (r >= 0)
		r = start(s, stdio, &p, ret_exit, err);
	run_shares_done(&s->shares);
	if (r < 0) {
		/* Made it is: it can be asked why it did not start, and be started again. */
		run_write_records(s, NULL);
		return r;
	}
	clock_gettime(CLOCK_REALTIME, &s->started);
	line.pid = p.pid;
	line.since = s->started;
	r = container_live_write(&s->live, &line, err);
	if (r < 0)
		return r;
	run_report(s, s->begin_us, "the whole start", "from the command line to the program's first instruction", "");
	store_settle(s->store);
	container_event(s->store, &s->record, "start", NULL);
	*ret = p;
	p = CONTAINER_PROCESS_INIT;
	return 0;
}

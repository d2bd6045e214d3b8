#include "engine/run/run.h"

#include "base/cleanup.h"
#include "base/num.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "engine/run/session.h"
#include "engine/tree_copy.h"
#include "intercept/supervisor.h"
#include "layer/ensure.h"
#include "runtime/console.h"
#include "store/layers.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* So many live files are looked at after a run, for what killed commands left. */
enum { SWEEP_AT_ONCE = 8 };

/* --- options that concern the run itself --- */

static int parse_ids_level(const struct run_options *o, int *ret, struct err *err)
{
	uint32_t level = INTERCEPT_LEVEL_DEFAULT;
	const char *word = o->ids_level;

	if (word && strcmp(word, "off") == 0)
		level = 0;
	else if (word && num_parse_u32(word, INTERCEPT_ACCESS, &level) < 0)
		return err_set(err, EINVAL, "--ids-level '%s': one of 0 (off), 1, 2 and 3", word);
	*ret = (int)level;
	return 0;
}

static int parse_sig_proxy(const struct run_options *o, bool *ret, struct err *err)
{
	const char *word = o->sig_proxy;

	*ret = !word || strcmp(word, "true") == 0 || strcmp(word, "1") == 0;
	if (*ret || strcmp(word, "false") == 0 || strcmp(word, "0") == 0)
		return 0;
	return err_set(err, EINVAL, "--sig-proxy takes true or false, not '%s'", word);
}

/* docker refuses an existing file before anything is made. */
static int check_cidfile(const struct run_options *o, struct err *err)
{
	if (!o->cidfile || access(o->cidfile, F_OK) < 0)
		return 0;
	err_set(err, EEXIST, "--cidfile '%s': the file exists", o->cidfile);
	return err_hint(err, "another container may belong to it: remove it, or choose another name");
}

static int write_cidfile(const struct run_session *s, struct err *err)
{
	const char *path = s->options->cidfile;
	autoclose int fd = -1;
	int r;

	if (!path)
		return 0;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_errno(err, errno, "--cidfile '%s'", path);
	r = fs_write_all(fd, s->id, strlen(s->id), err);
	return r < 0 ? err_wrap(err, "--cidfile '%s'", path) : 0;
}

/* --- the start --- */

/* Begun early: its exec and ours of the container's process go on side by side. */
static int begin_supervisor(struct run_session *s, struct err *err)
{
	const struct intercept_options options = { .level = (enum intercept_level)s->ids_level };
	uint64_t start = time_now_us();
	int r;

	if (s->ids.mode != ID_MODE_SINGLE || s->ids_level == 0)
		return 0;
	r = intercept_spawn(&options, &s->supervisor, err);
	run_report(s, start, "start the supervisor of ids", "clone3(); execve(\"libexec/cloche/intercept\")",
		   "will answer chown, setuid and stat for a container that really has one id");
	return r;
}

static int on_listener(int listener, pid_t init, void *arg, struct err *err)
{
	struct run_session *s = arg;
	uint64_t start = time_now_us();
	int r = intercept_attach(&s->supervisor, listener, init, err);

	run_report(s, start, "hand it the intercepted calls", "sendmsg(SCM_RIGHTS: the filter's listener)",
		   "from here on it answers");
	return r;
}

/* Once only: a second start, on a copy, has them already. */
static int write_records(void *arg, struct err *err)
{
	struct run_session *s = arg;
	int r = s->has_records ? 0 : run_write_records(s, err);

	s->has_records |= r >= 0;
	return r;
}

static int start_with(struct run_session *s, const struct runtime_overlay *overlay, struct container_process *p,
		      int *ret_exit, struct err *err)
{
	autofree struct sock_filter *filter = NULL;
	struct runtime_options o = RUNTIME_OPTIONS_INIT;
	int r = 0;

	if (s->supervisor.process.pidfd >= 0)
		r = intercept_filter_build((enum intercept_level)s->ids_level, &filter, &o.notify_filter_len, err);
	if (r < 0)
		return r;
	o.bundle = s->dir;
	o.overlay = overlay;
	o.stdio[0] = s->options->interactive ? 0 : -1;
	o.init = s->options->init;
	o.notify_filter = filter;
	o.on_listener = on_listener;
	o.on_listener_arg = s;
	o.meanwhile = write_records;
	o.meanwhile_arg = s;
	o.on_step = s->callbacks->on_step;
	o.on_step_arg = s->callbacks->arg;
	o.exit_code = ret_exit;
	console_hold_signals();
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
static int start_on_copy(struct run_session *s, struct container_process *p, int *ret_exit, struct err *err)
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
	r = oci_spec_write(&s->spec, &text, err);
	if (r >= 0)
		r = fs_write_file(s->dir_fd, "config.json", text.data, text.len, 0644, 0, err);
	return r < 0 ? r : start_with(s, NULL, p, ret_exit, err);
}

static int start(struct run_session *s, struct container_process *p, int *ret_exit, struct err *err)
{
	autofree char *upper = str_format("%s/upper", s->dir), *work = str_format("%s/work", s->dir);
	struct runtime_overlay overlay = { .lowers = (const char *const *)s->lowers.items,
					   .lowers_len = s->lowers.len,
					   .upper = upper,
					   .work = work,
					   .is_volatile = s->options->remove };
	int r;

	if (!upper || !work)
		return err_oom(err);
	r = start_with(s, &overlay, p, ret_exit, err);
	return r == -RUNTIME_OVERLAY_REFUSED ? start_on_copy(s, p, ret_exit, err) : r;
}

/* --- the end --- */

/*
 * With --rm the folder is renamed into trash/ at once, and a child of its own deletes it, so that nobody waits for the
 * deletion: removing a handful of folders takes longer than the whole start where the disk is told of each freed
 * block. If the child is killed, the next command's sweep does it.
 */
static void remove_container(struct run_session *s)
{
	pid_t pid;

	if (container_trash(s->store, s->id, s->name, NULL) < 0)
		return;
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

static void record_end(struct run_session *s, int exit_code, const struct err *why)
{
	struct container_status status = { .started = s->started, .exit_code = exit_code };

	if (s->dir_fd < 0)
		return;
	if (s->options->remove) {
		remove_container(s);
		return;
	}
	clock_gettime(CLOCK_REALTIME, &status.finished);
	if (why)
		snprintf(status.error, sizeof(status.error), "%.500s", why->msg);
	container_exit_write(s->dir_fd, &status, NULL);
}

static int stay(struct run_session *s, struct container_process *p, bool pass_signals, struct err *err)
{
	struct console_options console = { .in = s->options->interactive ? 0 : -1,
					   .out = 1,
					   .interactive = s->options->interactive,
					   .guard = s->supervisor.process.pidfd,
					   .pass_signals = pass_signals };
	int status, r;

	clock_gettime(CLOCK_REALTIME, &s->started);
	r = container_live_running(&s->live, p->pid, &s->started, err);
	if (r < 0)
		return r;
	run_report(s, s->begin_us, "the whole start", "from the command line to the program's first instruction", "");
	store_settle(s->store);
	r = console_run(p, &console, &status, err);
	return r < 0 ? r : container_exit_code(status);
}

static int run_to_end(struct run_session *s, bool pass_signals, int *ret_exit, struct err *err)
{
	CLEANUP(container_process_done) struct container_process p = CONTAINER_PROCESS_INIT;
	int r = run_prepare_spec(s, err);

	if (r >= 0)
		r = write_cidfile(s, err);
	if (r >= 0)
		r = start(s, &p, ret_exit, err);
	return r < 0 ? r : stay(s, &p, pass_signals, err);
}

static int run_session(struct run_session *s, const struct store_options *store, int *ret_exit, struct err *err)
{
	struct store_options where = *store;
	bool pass_signals;
	int r = parse_sig_proxy(s->options, &pass_signals, err);

	if (r >= 0)
		r = parse_ids_level(s->options, &s->ids_level, err);
	if (r >= 0)
		r = check_cidfile(s->options, err);
	if (r >= 0)
		r = idmap_detect(&s->ids, err);
	if (r < 0)
		return r;
	where.single = s->ids.mode == ID_MODE_SINGLE;
	r = begin_supervisor(s, err);
	if (r >= 0)
		r = store_open(&where, &s->store, err);
	if (r >= 0)
		r = run_prepare_image(s, err);
	if (r >= 0)
		r = run_prepare_container(s, err);
	if (r >= 0)
		r = run_to_end(s, pass_signals, ret_exit, err);
	if (s->store)
		record_end(s, r < 0 ? *ret_exit : r, r < 0 ? err : NULL);
	return r;
}

int run_container(const struct store_options *store, const struct run_options *options, const char *image,
		  const struct strv *args, const struct run_callbacks *callbacks, int *ret_exit, struct err *err)
{
	CLEANUP(run_session_done)
	struct run_session s = { .options = options,
				 .callbacks = callbacks,
				 .image_text = image,
				 .args = args,
				 .begin_us = time_now_us(),
				 .dir_fd = -1,
				 .live = CONTAINER_LIVE_INIT,
				 .supervisor = INTERCEPT_HELPER_INIT };

	*ret_exit = 125;
	return run_session(&s, store, ret_exit, err);
}

#include "lifecycle/create.h"

#include "base/str.h"
#include "base/timefmt.h"
#include "lifecycle/remove.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { FDS_MAX = 128 };

/* A making under way. */
struct making {
	const struct life_create *c;
	struct life life;
	struct oci_spec spec;
	struct runtime_halt halt;
	int fds[FDS_MAX];
};

static void making_done(struct making *m)
{
	runtime_halt_done(&m->halt);
	oci_spec_done(&m->spec);
	life_done(&m->life);
}

/* --- the bundle --- */

/* The configuration is read once: what is kept is what is started. */
static int read_config(struct making *m, int bundle_fd, struct err *err)
{
	const char *name = m->c->config ? m->c->config : "config.json";
	autobuf struct buf text = BUF_INIT(OCI_SPEC_MAX);
	int r = fs_read_file(bundle_fd, name, OCI_SPEC_MAX, &text, err);

	if (r >= 0) {
		r = oci_spec_parse(buf_str(&text), text.len, &m->spec, err);
		if (r < 0)
			err_wrap(err, "'%s'", name);
	}
	if (r >= 0)
		r = fs_write_new(m->life.dir_fd, "config.json", text.data, text.len, 0600, err);
	return r < 0 ? r : 0;
}

static int describe(struct making *m, const char *bundle, struct err *err)
{
	struct life_state *s = &m->life.state;
	char created[TIME_RFC3339_MAX];
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	time_format_rfc3339(now, created);
	s->version = strdup(m->spec.version);
	s->bundle = strdup(bundle);
	s->rootfs = path_resolve(bundle, m->spec.root_path);
	s->created = strdup(created);
	s->owner = str_format("%u", (unsigned)getuid());
	s->has_poststart = m->spec.hooks.poststart.len > 0;
	s->has_poststop = m->spec.hooks.poststop.len > 0;
	if (!s->version || !s->bundle || !s->rootfs || !s->created || !s->owner ||
	    strv_add_all(&s->annotations, &m->spec.annotations) < 0)
		return err_oom(err);
	return 0;
}

static int load_bundle(struct making *m, struct err *err)
{
	const char *path = m->c->bundle ? m->c->bundle : ".";
	autofree char *bundle = realpath(path, NULL);
	autoclose int fd = -1;
	int r;

	if (!bundle)
		return err_errno(err, errno, "find the bundle '%s'", path);
	fd = open(bundle, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, errno, "open the bundle '%s'", bundle);
	r = read_config(m, fd, err);
	if (r == 0)
		r = describe(m, bundle, err);
	return r < 0 ? err_wrap(err, "bundle '%s'", bundle) : 0;
}

static int check_terminal(const struct making *m, struct err *err)
{
	bool terminal = m->spec.process.terminal, has_socket = m->c->console_socket && *m->c->console_socket;

	if (terminal && !has_socket && !m->c->terminal_stays) {
		err_set(err, EINVAL, "the configuration wants a terminal, and nobody takes its other side");
		return err_hint(err, "--console-socket PATH names a socket for it; or set process.terminal to false");
	}
	if (!terminal && has_socket) {
		err_set(err, EINVAL, "a console socket, and the configuration wants no terminal");
		return err_hint(err, "leave out --console-socket, or set process.terminal to true");
	}
	return 0;
}

/* --- what the start asks for --- */

static int on_group(const char *record, void *arg, struct err *err)
{
	const struct making *m = arg;

	return life_write_group(&m->life, record, err);
}

/* The first time that a pid is known outside: whoever wants to clean up can find the process from here on. */
static int hook_state(const char *status, pid_t pid, struct buf *text, void *arg, struct err *err)
{
	struct making *m = arg;
	int r = 0;

	if (!m->life.state.pid) {
		m->life.state.pid = (uint32_t)pid;
		r = life_write(&m->life, err);
	}
	return r < 0 ? r : life_state_text(&m->life.state, status, pid, text, err);
}

/* systemd's protocol: sd_listen_fds(3). The program is pid 1 there. */
static int tell_listen_fds(struct making *m, uint32_t listen, struct err *err)
{
	char text[32];
	const char *names = getenv("LISTEN_FDNAMES");
	autofree char *names_text = names ? str_format("LISTEN_FDNAMES=%s", names) : NULL;

	if (!listen)
		return 0;
	snprintf(text, sizeof(text), "LISTEN_FDS=%u", listen);
	if (strv_env_set(&m->spec.process.env, text) < 0 || strv_env_set(&m->spec.process.env, "LISTEN_PID=1") < 0 ||
	    (names_text && strv_env_set(&m->spec.process.env, names_text) < 0))
		return err_oom(err);
	return 0;
}

/* sd_notify(3): the engine may have seen to it itself, by a mount and the variable in the configuration. */
static void warn_of_notify_socket(const struct making *m)
{
	const char *socket = getenv("NOTIFY_SOCKET");
	struct err warning = { 0 };

	if (!m->c->on_warning || !socket || !*socket || strv_env_get(&m->spec.process.env, "NOTIFY_SOCKET"))
		return;
	err_set(&warning, EOPNOTSUPP,
		"NOTIFY_SOCKET is not passed on: the program can't tell systemd that it is ready");
	err_hint(&warning, "mount the socket '%s' into the container and set NOTIFY_SOCKET in process.env", socket);
	m->c->on_warning(&warning);
}

/* systemd's form is understood in any case; who asks for systemd and says something else would get what it doesn't expect. */
static int check_group(const struct making *m, struct err *err)
{
	const char *path = m->spec.linux_.cgroups_path;

	if (!m->c->needs_slice || !path || !*path || strstr(path, ".slice:") || path[0] == ':')
		return 0;
	err_set(err, EINVAL, "linux.cgroupsPath '%s' is not of the form SLICE:PREFIX:NAME that systemd wants", path);
	return err_hint(err, "leave out --systemd-cgroup, or tell the engine that its cgroup manager is systemd");
}

static void forget_group(struct oci_linux *l)
{
	free(TAKE_PTR(l->cgroups_path));
	free(TAKE_PTR(l->resources));
}

static int set_options(struct making *m, struct runtime_options *o, struct err *err)
{
	uint32_t listen;
	int r = life_extra_fds(m->c->preserve_fds, m->fds, &o->extra_fds_len, &listen, err);

	if (r == 0)
		r = tell_listen_fds(m, listen, err);
	o->bundle = m->life.state.bundle;
	o->extra_fds = m->fds;
	o->give_stdio = true;
	o->detached = true;
	o->halt = &m->halt;
	o->hook_state = hook_state;
	o->hook_arg = m;
	o->group_name = m->life.state.id;
	o->group_optional = m->c->group_optional;
	o->keep_keyring = m->c->keep_keyring;
	o->exit_code = m->c->exit_code;
	o->id = m->life.state.id;
	o->on_group = on_group;
	o->on_group_arg = m;
	return r;
}

/* --- */

/* What has to be known of it stands in its folder before it is let to itself. */
static int hand_over(struct making *m, struct container_process *p, struct err *err)
{
	int r = 0;

	if (m->c->console_socket && *m->c->console_socket)
		r = life_send_console(m->c->console_socket, p->console, err);
	m->life.state.pid = (uint32_t)p->pid;
	m->life.state.start_time = life_start_time(p->pid);
	if (r >= 0 && !m->life.state.start_time)
		r = err_set(err, ESRCH, "the container's process has ended");
	if (r >= 0)
		r = life_write(&m->life, err);
	if (r >= 0 && m->c->pid_file)
		r = life_write_pid_file(m->c->pid_file, p->pid, err);
	return r < 0 ? r : runtime_leave(p, err);
}

static int make(struct making *m, struct container_process *p, struct err *err)
{
	struct runtime_options options = RUNTIME_OPTIONS_INIT;
	int r = load_bundle(m, err);

	if (r == 0)
		r = check_terminal(m, err);
	if (r == 0)
		r = check_group(m, err);
	if (r == 0 && m->c->no_group)
		forget_group(&m->spec.linux_);
	if (r == 0)
		r = set_options(m, &options, err);
	if (r == 0)
		warn_of_notify_socket(m);
	if (r == 0)
		r = life_write(&m->life, err);
	if (r == 0)
		r = runtime_halt_make(m->life.dir_fd, &m->halt, err);
	if (r == 0)
		r = runtime_create(&m->spec, &options, p, err);
	return r < 0 ? r : hand_over(m, p, err);
}

int life_create(int root_fd, const char *id, const struct life_create *c, struct container_process *ret_process,
		struct err *err)
{
	CLEANUP(making_done)
	struct making m = { .c = c, .life = LIFE_INIT, .halt = RUNTIME_HALT_INIT };
	CLEANUP(container_process_done) struct container_process p = CONTAINER_PROCESS_INIT;
	int r;

	life_finish_removal(root_fd, id);
	r = life_make(root_fd, id, &m.life, err);
	if (r < 0)
		return r;
	r = make(&m, &p, err);
	if (r < 0) {
		container_process_done(&p);
		life_remove(&m.life);
		return r;
	}
	if (ret_process) {
		*ret_process = p;
	} else {
		/* It outlives us. */
		close(p.pidfd);
		if (p.console >= 0)
			close(p.console);
		if (p.mounts >= 0)
			close(p.mounts);
	}
	p = CONTAINER_PROCESS_INIT;
	return 0;
}

/* --- start --- */

static int run_poststart(const struct life *l, const struct oci_spec *spec, struct err *err)
{
	autobuf struct buf text = BUF_INIT(LIFE_STATE_MAX);
	int r = life_state_text(&l->state, "running", (pid_t)l->state.pid, &text, err);

	if (r == 0)
		r = runtime_run_hooks(&spec->hooks.poststart, "poststart", buf_str(&text), l->state.bundle, false, err);
	return r;
}

static int let_go(struct life *l, const struct oci_spec *spec, int *ret_exit_code, struct err *err)
{
	enum life_status status = life_status(l);
	autoclose int pidfd = -1;
	int r;

	if (status != LIFE_CREATED)
		return err_set(err, EINVAL, "cannot start a container that is %s", life_status_name(status));
	pidfd = life_pidfd(l, err);
	if (pidfd < 0)
		return pidfd;
	r = runtime_let_go(l->dir_fd, pidfd, spec, ret_exit_code, err);
	if (r == 0)
		runtime_halt_remove(l->dir_fd);
	return r;
}

int life_start(int root_fd, const char *id, int *ret_exit_code, struct err *err)
{
	autolife struct life l = LIFE_INIT;
	autospec struct oci_spec spec = { 0 };
	int r = life_open(root_fd, id, true, &l, err);

	if (r == 0)
		r = life_spec(&l, &spec, err);
	if (r == 0)
		r = let_go(&l, &spec, ret_exit_code, err);
	if (r < 0)
		return r;
	r = run_poststart(&l, &spec, err);
	if (r < 0)
		life_remove(&l);
	return r;
}

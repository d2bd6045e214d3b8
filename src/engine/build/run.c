/* RUN: a container on the stage's layers, with the defaults of `cloche run`. */
#include "base/cleanup.h"
#include "base/str.h"
#include "build/apply.h"
#include "engine/build/mounts.h"
#include "engine/build/session.h"
#include "engine/run/hosts.h"
#include "engine/run/network.h"
#include "engine/run/spec.h"
#include "intercept/supervisor.h"
#include "net/addresses.h"
#include "runtime/runtime.h"
#include "sys/fs.h"
#include "sys/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUILD_HOSTNAME "build"

/* What one RUN needs; lives as long as its container. */
struct command {
	struct build_at *at;
	struct strv argv; /* shell and line, or the exec form's words */
	struct strv env;  /* ARGs, which the program sees beside ENV */
	const char *network;
	struct build_mounts mounts;
	struct intercept_helper supervisor;
	struct container_network private; /* kind NULL: it has the host's network, or none */
	struct network_life net;
};

/* What one attempt to run it needs; there may be a second one, without an overlay. */
static void forget_attempt(struct command *c)
{
	intercept_helper_done(&c->supervisor);
	c->supervisor = INTERCEPT_HELPER_INIT;
	run_network_done(&c->net);
	build_mounts_done(&c->mounts);
	strv_done(&c->env);
}

static void command_done(struct command *c)
{
	forget_attempt(c);
	strv_done(&c->argv);
	free(c->private.kind);
}

/* --- what is run --- */

/* The shell gets the line with its heredocs behind it; a line that is only `<<NAME` *is* the heredoc's text. */
static int add_heredocs(struct command *c, struct err *err)
{
	const struct dockerfile_instruction *in = c->at->in;
	const struct dockerfile_heredocs *h = &in->heredocs;
	const char *line = in->args.items[0].text;
	autobuf struct buf text = BUF_INIT(2 * DOCKERFILE_LINE_MAX);

	if (in->exec_form)
		return build_fail(c->at, in->rest, err, EBADMSG, "the exec form takes no heredoc");
	if (h->len == 1 && str_starts_with(line, "<<") && !line[strcspn(line, " \t")]) {
		if (str_starts_with(h->items[0].content, "#!"))
			return build_fail(c->at, in->rest, err, EOPNOTSUPP,
					  "a heredoc with its own interpreter (#!) comes with a later version");
		buf_add_str(&text, h->items[0].content);
	} else {
		buf_addf(&text, "%s\n", line);
		for (size_t i = 0; i < h->len; i++)
			buf_addf(&text, "%s%s\n", h->items[i].content, h->items[i].name);
	}
	return strv_take(&c->argv, buf_take(&text)) < 0 ? err_oom(err) : 0;
}

static int set_argv(struct command *c, struct err *err)
{
	const struct dockerfile_instruction *in = c->at->in;

	if (!in->exec_form && apply_shell(&c->at->state->image.config, &c->argv) < 0)
		return err_oom(err);
	if (in->heredocs.len > 0)
		return add_heredocs(c, err);
	for (size_t i = 0; i < in->args.len; i++)
		if (strv_add(&c->argv, in->args.items[i].text) < 0)
			return err_oom(err);
	if (c->argv.len == 0)
		return build_fail(c->at, in->rest, err, EBADMSG, "there is no command to run");
	return 0;
}

/* ENV goes before ARG; the proxies' names need no ARG. */
static int set_env(struct command *c, bool with_proxies, struct strv *ret, struct err *err)
{
	const struct strv *given = &c->at->s->options->build_args, *args = &c->at->state->args;

	for (size_t i = 0; i < args->len; i++) {
		autofree char *name = strndup(args->items[i], strcspn(args->items[i], "="));

		if (!name)
			return err_oom(err);
		if (!strv_env_get(&c->at->state->image.config.env, name) && (with_proxies || !vars_is_proxy(name)) &&
		    strv_add(ret, args->items[i]) < 0)
			return err_oom(err);
	}
	for (size_t i = 0; i < given->len && with_proxies; i++) {
		autofree char *name = strndup(given->items[i], strcspn(given->items[i], "="));

		if (!name || (vars_is_proxy(name) && strv_env_set(ret, given->items[i]) < 0))
			return err_oom(err);
	}
	return 0;
}

static const char *network_of(const struct build_at *at)
{
	const struct dockerfile_flag *flag = dockerfile_flag(at->in, "network");

	if (flag && strcmp(flag->value, "default") != 0)
		return flag->value;
	switch (at->s->options->network) {
	case BUILD_NETWORK_HOST:
		return "host";
	case BUILD_NETWORK_NONE:
		return "none";
	case BUILD_NETWORK_PRIVATE:
		break;
	}
	return "private";
}

static int make_key(struct command *c, struct digest *ret, struct err *err)
{
	const struct image_config *config = &c->at->state->image.config;
	CLEANUP(key_done) struct key k = KEY_INIT;
	autostrv struct strv args = { 0 };
	int r = set_env(c, false, &args, err);

	if (r < 0)
		return r;
	build_key_begin(c->at, "RUN", true, &k);
	key_add_strv(&k, &c->argv);
	key_add_strv(&k, &config->env);
	key_add_strv(&k, &args);
	key_add_str(&k, config->user);
	key_add_str(&k, config->working_dir);
	key_add_str(&k, c->network);
	r = build_mounts_key(c->at, &k, err);
	if (r < 0)
		return r;
	return key_finish(&k, ret, err);
}

/* "RUN |1 V=x /bin/sh -c make", as docker has it: the ARGs that the command saw come first. */
static int add_history(struct command *c, struct err *err)
{
	autobuf struct buf text = BUF_INIT(2 * DOCKERFILE_LINE_MAX);
	autostrv struct strv args = { 0 };
	int r = set_env(c, false, &args, err);

	if (r < 0)
		return r;
	buf_add_str(&text, "RUN");
	if (args.len > 0)
		buf_addf(&text, " |%zu", args.len);
	for (size_t i = 0; i < args.len; i++)
		buf_addf(&text, " %s", args.items[i]);
	for (size_t i = 0; i < c->argv.len; i++)
		buf_addf(&text, " %s", c->argv.items[i]);
	return text.error ? err_oom(err) : build_history(c->at, buf_str(&text), err);
}

/* --- the files of name service, once for the build and each kind of network --- */

static int write_resolv(int fd, bool has_private, struct err *err)
{
	autobuf struct buf host = BUF_INIT(RUN_RESOLV_MAX), resolv = BUF_INIT(RUN_RESOLV_MAX);
	char *inside[] = { (char *)(uintptr_t)NET_NAMESERVER, NULL };
	const struct strv none = { 0 }, servers = { .items = inside, .len = has_private };
	int r = fs_read_file(AT_FDCWD, run_resolv_path(), RUN_RESOLV_MAX, &host, err);

	if (r == -ENOENT) {
		err_clear(err);
		r = 0;
	}
	if (r >= 0)
		r = run_resolv_text(buf_str(&host), &servers, &none, &none, &resolv, err);
	return r < 0 ? r : fs_write_file(fd, "resolv.conf", buf_str(&resolv), resolv.len, 0644, 0, err);
}

static int write_files(struct build_session *s, const char *name, bool has_private, struct err *err)
{
	autobuf struct buf hosts = BUF_INIT(RUN_HOSTS_MAX);
	autoclose int fd = -1;
	int r;

	if (mkdirat(s->layers.tmp.dir_fd, name, 0755) < 0)
		return err_errno(err, errno, "make a folder");
	fd = openat(s->layers.tmp.dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, errno, "open a folder");
	r = run_hosts_text(BUILD_HOSTNAME, NULL, has_private ? NET_CONTAINER : NULL, "", &hosts, err);
	if (r >= 0)
		r = fs_write_file(fd, "hosts", buf_str(&hosts), hosts.len, 0644, 0, err);
	if (r >= 0)
		r = write_resolv(fd, has_private, err);
	return r < 0 ? r : fs_write_file(fd, "hostname", BUILD_HOSTNAME "\n", strlen(BUILD_HOSTNAME) + 1, 0644, 0, err);
}

static int make_files(struct command *c, struct err *err)
{
	struct build_session *s = c->at->s;
	const char *name = c->private.kind ? "files-private" : "files";
	char **dir = c->private.kind ? &s->private_files_dir : &s->files_dir;
	int r;

	if (*dir)
		return 0;
	r = write_files(s, name, c->private.kind != NULL, err);
	if (r < 0)
		return err_wrap(err, "hosts and resolv.conf for RUN");
	*dir = str_format("%s/%s/%s", s->store->root, s->layers.tmp.name, name);
	return *dir ? 0 : err_oom(err);
}

/* --- the container --- */

static int open_layers(const struct strv *lowers, int *fds, size_t *len, struct err *err)
{
	for (size_t i = 0; i < lowers->len && i < LAYERED_MAX; i++) {
		int fd = open(lowers->items[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (fd < 0)
			return err_errno(err, errno, "open layer '%s'", lowers->items[i]);
		fds[(*len)++] = fd;
	}
	return 0;
}

static int make_spec(struct command *c, const struct build_upper *u, const struct strv *lowers, struct oci_spec *ret,
		     struct err *err)
{
	struct build_session *s = c->at->s;
	/* A borrowed copy without what RUN has no use for. */
	struct image_config image = c->at->state->image.config;
	struct run_options options = { .network = c->network, .hostname = BUILD_HOSTNAME, .env = c->env };
	static const struct strv none = { 0 };
	int fds[LAYERED_MAX], r;
	size_t fds_len = 0;
	struct layered layers = { fds, 0 };
	struct run_request q = { .options = &options,
				 .args = &c->argv,
				 .image = &image,
				 .layers = &layers,
				 .ids = &s->ids,
				 .env = &none,
				 .cwd = "/",
				 .id = BUILD_HOSTNAME,
				 .rootfs = u->tree ? u->tree : u->merged,
				 .files_dir = c->private.kind ? s->private_files_dir : s->files_dir };

	image.entrypoint = image.cmd = none;
	r = open_layers(lowers, fds, &fds_len, err);
	layers.len = fds_len;
	if (r >= 0)
		r = run_spec_make(&q, ret, err);
	if (r >= 0)
		r = build_mounts_add(&c->mounts, ret, err);
	for (size_t i = 0; i < fds_len; i++)
		close(fds[i]);
	return r;
}

/* Ahead of the container: they get ready on the other processor. */
static int start_helpers(struct command *c, struct err *err)
{
	struct intercept_options options = INTERCEPT_OPTIONS_INIT;
	int r = c->at->s->ids.mode == ID_MODE_SINGLE ? intercept_spawn(&options, &c->supervisor, err) : 0;

	if (r >= 0)
		r = run_network_parse(c->network, &c->private, err);
	if (r >= 0)
		r = run_network_begin(&c->net, &c->private, err);
	return r < 0 ? r : run_network_open(&c->net, -1, err);
}

static int on_listener(int listener, pid_t init, void *arg, struct err *err)
{
	autoclose int fd = listener;
	struct command *c = arg;

	return intercept_attach(&c->supervisor, fd, init, err);
}

/*
 * Passes on what comes through the pipe, up to its end, and tells when seconds go by. The supervisor's end before that
 * is the container's too: from then on each intercepted call would fail.
 */
static int pass_output(const struct command *c, int fd, struct err *err)
{
	const struct build_events *events = c->at->s->events;
	char data[16384];

	for (;;) {
		struct pollfd wait[] = { { .fd = fd, .events = POLLIN },
					 { .fd = c->supervisor.process.pidfd, .events = POLLIN } };
		int ready = poll(wait, ARRAY_SIZE(wait), events->on_output ? 1000 : -1);
		ssize_t n = 0;

		if (ready > 0 && wait[0].revents)
			n = read(fd, data, sizeof(data));
		if ((ready < 0 || n < 0) && errno == EINTR)
			continue;
		if (ready < 0 || n < 0)
			return err_errno(err, errno, "read the command's output");
		if (wait[0].revents && n == 0)
			return 0;
		if (!wait[0].revents && wait[1].revents)
			return err_set(err, EPROTO, "the supervisor of emulated ids has ended");
		if (events->on_output)
			events->on_output(data, (size_t)n, events->arg);
	}
}

static int start(struct command *c, const struct build_upper *u, const struct strv *lowers, const struct oci_spec *spec,
		 int out, struct container_process *p, struct err *err)
{
	struct runtime_overlay overlay = { (const char *const *)lowers->items, lowers->len, u->upper, u->work, true };
	struct runtime_options o = RUNTIME_OPTIONS_INIT;
	autofree struct sock_filter *filter = NULL;
	int r = 0;

	if (c->at->s->ids.mode == ID_MODE_SINGLE)
		r = intercept_filter_build(INTERCEPT_LEVEL_DEFAULT, &filter, &o.notify_filter_len, err);
	if (r < 0)
		return r;
	o.overlay = u->tree ? NULL : &overlay;
	o.stdio[0] = -1;
	o.stdio[1] = o.stdio[2] = out;
	o.notify_filter = filter;
	o.on_listener = on_listener;
	o.on_listener_arg = c;
	if (c->private.kind) {
		o.on_network = run_network_attach;
		o.wait_network = run_network_wait;
		o.network_arg = &c->net;
	}
	return runtime_run(spec, &o, p, err);
}

static int run_to_end(struct command *c, const struct build_upper *u, const struct strv *lowers,
		      const struct oci_spec *spec, int *ret_code, struct err *err)
{
	CLEANUP(container_process_done) struct container_process p = CONTAINER_PROCESS_INIT;
	autoclose int from = -1, to = -1;
	int pair[2], status, r;

	if (pipe2(pair, O_CLOEXEC) < 0)
		return err_errno(err, errno, "make a pipe");
	from = pair[0];
	to = pair[1];
	r = start(c, u, lowers, spec, to, &p, err);
	close(TAKE_FD(to));
	if (r >= 0)
		r = pass_output(c, from, err);
	if (r >= 0)
		r = container_process_wait(&p, &status, err);
	if (r < 0)
		return r;
	*ret_code = container_exit_code(status);
	return 0;
}

static int make_layer(struct build_at *at, struct build_upper *u, void *arg, struct err *err)
{
	struct command *c = arg;
	CLEANUP(oci_spec_done) struct oci_spec spec = { 0 };
	autostrv struct strv lowers = { 0 };
	struct err why = { 0 };
	int code = 0, r;

	if (at->s->store->copies_only && !u->tree)
		return store_refuse_overlay(at->s->store, RUNTIME_OVERLAY_REFUSED, err);
	forget_attempt(c);
	r = start_helpers(c, err);
	if (r >= 0)
		r = make_files(c, err);
	if (r >= 0)
		r = set_env(c, true, &c->env, err);
	if (r >= 0)
		r = build_mounts_open(at, &c->mounts, err);
	if (r >= 0)
		r = build_layers_lowers(&at->s->layers, &at->state->image, false, &lowers, err);
	if (r >= 0 && c->mounts.places && strv_add(&lowers, c->mounts.places) < 0)
		r = err_oom(err);
	if (r < 0)
		return r;
	r = make_spec(c, u, &lowers, &spec, &why);
	if (r >= 0)
		r = run_to_end(c, u, &lowers, &spec, &code, &why);
	if (r < 0) {
		build_fail(at, 0, err, -r, "%s", why.msg);
		return why.hint[0] ? err_hint(err, "%s", why.hint) : r;
	}
	if (code != 0)
		return build_fail(at, 0, err, ECHILD, "RUN ended with exit code %d", code);
	return 1;
}

int build_run(struct build_at *at, struct err *err)
{
	CLEANUP(command_done)
	struct command c = {
		.at = at, .network = network_of(at), .supervisor = INTERCEPT_HELPER_INIT, .net = NETWORK_LIFE_INIT
	};
	struct build_timer timer;
	struct digest key;
	int r = set_argv(&c, err);

	if (r >= 0)
		r = make_key(&c, &key, err);
	if (r >= 0)
		r = build_step_begin(at->s, at->state, at->stage, at->in->text, &timer, err);
	if (r < 0)
		return r;
	r = build_step_find(at, &key, err);
	timer.step.cached = r == 1;
	if (r == 0)
		build_step_work(at->s, &timer);
	if (r == 0)
		r = build_step_make(at, &key, make_layer, &c, err);
	build_step_end(at->s, &timer, r);
	return r < 0 ? r : add_history(&c, err);
}

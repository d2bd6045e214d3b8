/* `start` and `attach`: containers that are there already, and how a command stays with one that has a monitor. */
#include "base/cleanup.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "engine/container/events.h"
#include "engine/container/watch.h"
#include "engine/run/session.h"
#include "monitor/protocol.h"
#include "sys/signals.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int run_parse_sig_proxy(const char *word, bool *ret, struct err *err)
{
	*ret = !word || strcmp(word, "true") == 0 || strcmp(word, "1") == 0;
	if (*ret || strcmp(word, "false") == 0 || strcmp(word, "0") == 0)
		return 0;
	return err_set(err, EINVAL, "--sig-proxy takes true or false, not '%s'", word);
}

int run_stay(struct run_background *b, const struct container_record *r, const struct run_staying *how, struct err *err)
{
	struct attach_options o = { .sock = b->sock,
				    .pidfd = b->pidfd,
				    .tty = r->tty,
				    .input = how->input,
				    .wants = how->wants,
				    .pass_signals = how->pass_signals,
				    .keys = how->keys };
	enum attach_result result;
	int code, status = attach_stay(&o, &result, &code, err);

	if (status < 0)
		return status;
	if (result == ATTACH_RESULT_LOST) {
		err_set(err, ECANCELED, "its monitor was killed, and the container ended with that");
		return -ECANCELED;
	}
	return code;
}

/*
 * logind removes /run/user/UID, and with it live state, when the last session of a user without lingering ends: the monitor then
 * ends the container, since nobody could know of it any more.
 */
void run_warn_of_logout(const struct run_session *s)
{
	autofree char *state = str_format("/run/systemd/users/%u", geteuid());
	autofree char *place = str_format("/run/user/%u/", geteuid());
	const char *user = getenv("USER");
	autofree char *linger = user && !strchr(user, '/') ? str_format("/var/lib/systemd/linger/%s", user) : NULL;

	if (geteuid() == 0 || !state || !place || !str_starts_with(s->store->runroot, place))
		return;
	if (access(state, F_OK) < 0 || (linger && access(linger, F_OK) == 0))
		return;
	run_notice(s, "it ends when you log out, since systemd then removes %s: 'loginctl enable-linger' keeps it",
		   s->store->runroot);
}

/* --- start --- */

static int parse_staying(const char *sig_proxy, const char *keys, struct run_staying *ret, struct err *err)
{
	int r = run_parse_sig_proxy(sig_proxy, &ret->pass_signals, err);

	ret->wants = ATTACH_WANT_STDOUT | ATTACH_WANT_STDERR;
	return r < 0 ? r : detach_keys_parse(keys, &ret->keys, err);
}

static int open_container(struct run_session *s, const struct store_options *store, const char *container,
			  struct err *err)
{
	int r = idmap_detect(&s->ids, err);

	if (r >= 0)
		r = run_session_open(s, store, err);
	return r < 0 ? r : container_find(s->store, container, s->id, err);
}

/* So long another command may be busy with the container that we are to start. */
enum { OTHERS_US = 10 * 1000 * 1000 };

/* The container's lock: 1. 0: it lives already. -EBUSY: somebody else has the lock. */
static int try_lock(struct run_session *s, struct err *err)
{
	struct container_status status;
	int r = container_status_read(s->store, s->id, &status, err);

	if (r < 0)
		return r;
	if (status.phase == CONTAINER_RUNNING || status.phase == CONTAINER_RESTARTING)
		return 0;
	r = container_live_take(s->store, s->id, &s->live, err);
	return r < 0 ? r : 1;
}

/*
 * The same, but waits for who has it: another command that starts it, which is as good as if we did, or one that removes it or
 * reads its files, which is done soon.
 */
static int lock(struct run_session *s, struct err *err)
{
	uint64_t begin = time_now_us();
	int r = try_lock(s, err);

	while (r == -EBUSY && time_now_us() - begin < OTHERS_US) {
		autowatch struct container_watch watch = CONTAINER_WATCH_INIT;

		err_clear(err);
		r = container_watch_open(s->store, s->id, &watch, err);
		if (r >= 0)
			r = try_lock(s, err);
		if (r == -EBUSY)
			container_watch_wait(&watch, 100);
	}
	return r;
}

static int start_session(struct run_session *s, const struct start_options *o, struct run_staying *how, int *ret_exit,
			 struct err *err)
{
	CLEANUP(run_background_done) struct run_background b = RUN_BACKGROUND_INIT;
	int r = run_load(s, err);

	if (r >= 0) {
		if (o->attach)
			signals_hold();
		r = run_start_monitored(s, &b, ret_exit, err);
	} else if (s->live.fd >= 0) {
		/* A life that could not begin: what was known of the last one stands. */
		container_live_done(&s->live);
	}
	if (r < 0 || !o->attach)
		return r;
	how->input = o->interactive && s->record.life.interactive;
	return run_stay(&b, &s->record, how, err);
}

int start_container(const struct store_options *store, const char *container, const struct start_options *options,
		    const struct run_callbacks *callbacks, int *ret_exit, struct err *err)
{
	CLEANUP(run_session_done) struct run_session s = RUN_SESSION_INIT(callbacks);
	struct run_staying how = { 0 };
	int r = parse_staying(options->sig_proxy, options->detach_keys, &how, err);

	*ret_exit = 125;
	if (r >= 0)
		r = open_container(&s, store, container, err);
	if (r >= 0)
		r = lock(&s, err);
	if (r < 0)
		return r;
	if (r == 0) {
		struct attach_request request = { .no_stdin = !options->interactive,
						  .sig_proxy = options->sig_proxy,
						  .detach_keys = options->detach_keys };

		return options->attach ? attach_container(store, container, &request, ret_exit, err) : 0;
	}
	r = start_session(&s, options, &how, ret_exit, err);
	if (r >= 0 && !options->attach)
		run_warn_of_logout(&s);
	return r;
}

/* --- attach --- */

static int no_monitor(struct run_session *s, const char *container, struct err *err)
{
	autoclose int pidfd = -1;
	pid_t pid;

	/* It may have ended just now, and its monitor with it. */
	pidfd = container_pidfd(s->store, s->id, &pid, err);
	if (pidfd < 0)
		return pidfd;
	err_set(err, EOPNOTSUPP, "container '%s' runs in the foreground of a command, which has its output", container);
	return err_hint(err,
			"one that is started with -d, -t, or without --rm, can be attached to; 'cloche exec' runs a "
			"further program in this one");
}

int attach_container(const struct store_options *store, const char *container, const struct attach_request *request,
		     int *ret_exit, struct err *err)
{
	static const struct run_callbacks silent = { 0 };
	CLEANUP(run_session_done) struct run_session s = RUN_SESSION_INIT(&silent);
	CLEANUP(run_background_done) struct run_background b = RUN_BACKGROUND_INIT;
	struct run_staying how = { 0 };
	int r = parse_staying(request->sig_proxy, request->detach_keys, &how, err);

	*ret_exit = 125;
	if (r >= 0)
		r = open_container(&s, store, container, err);
	if (r >= 0)
		r = container_record_read(s.store, s.id, &s.record, err);
	if (r >= 0)
		r = b.pidfd = container_pidfd(s.store, s.id, &b.pid, err);
	if (r < 0)
		return r;
	b.sock = attach_connect(s.store, s.id, err);
	if (b.sock == -ENOENT) {
		err_clear(err);
		return no_monitor(&s, container, err);
	}
	if (b.sock < 0)
		return b.sock;
	how.input = !request->no_stdin && s.record.life.interactive;
	how.wants |= ATTACH_WANT_REDRAW;
	container_event(s.store, &s.record, "attach", NULL);
	return run_stay(&b, &s.record, &how, err);
}

#include "engine/run/run.h"

#include "base/cleanup.h"
#include "base/timefmt.h"
#include "engine/run/session.h"
#include "monitor/protocol.h"
#include "runtime/console.h"
#include "sys/signals.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

static int stay(struct run_session *s, struct container_process *p, bool pass_signals, struct err *err)
{
	autoclose int guard = s->lazy.sock >= 0 ? run_lazy_guard(s, err) : -1;
	bool guard_ended = false;
	struct console_options console = { .in = s->record.life.interactive ? 0 : -1,
					   .out = 1,
					   .interactive = s->record.life.interactive,
					   .guard = guard >= 0 ? guard : s->supervisor.process.pidfd,
					   .ret_guard_ended = &guard_ended,
					   .pass_signals = pass_signals };
	int status, r = s->lazy.sock >= 0 ? lazy_image_started(&s->lazy, p->pidfd, err) : 0;

	if (r >= 0)
		r = console_run(p, &console, &status, err);
	if (guard_ended && s->lazy.sock >= 0 && lazy_image_has_failed(&s->lazy))
		return lazy_image_explain(&s->lazy, err);
	if (guard_ended)
		run_notice(s, "the supervisor of emulated ids (libexec/cloche/intercept) has ended, so the container "
			      "was killed");
	return r < 0 ? r : container_exit_code(status);
}

/* Others would take whoever has the number next for the container. */
static void forget_number(void *arg)
{
	container_live_unsay(arg);
}

static int run_to_end(struct run_session *s, bool pass_signals, int *ret_exit, struct err *err)
{
	CLEANUP(container_process_done) struct container_process p = CONTAINER_PROCESS_INIT;
	struct run_stdio stdio = { .fds = { s->record.life.interactive ? 0 : -1, 1, 2 } };
	int r = run_start(s, &stdio, &p, ret_exit, err);

	p.on_end = forget_number;
	p.on_end_arg = &s->live;
	return r < 0 ? r : stay(s, &p, pass_signals, err);
}

/* --- in the background --- */

static int parse_streams(const struct strv *words, struct run_staying *how, struct err *err)
{
	for (size_t i = 0; i < words->len; i++) {
		const char *word = words->items[i];

		if (strcasecmp(word, "stdout") == 0)
			how->wants |= ATTACH_WANT_STDOUT;
		else if (strcasecmp(word, "stderr") == 0)
			how->wants |= ATTACH_WANT_STDERR;
		else if (strcasecmp(word, "stdin") == 0)
			how->input = true;
		else
			return err_set(err, EINVAL, "--attach '%s': one of stdin, stdout and stderr", word);
	}
	return 0;
}

static int parse_staying(const struct run_options *o, struct run_staying *how, struct err *err)
{
	int r = run_parse_sig_proxy(o->sig_proxy, &how->pass_signals, err);

	if (r >= 0)
		r = detach_keys_parse(o->detach_keys, &how->keys, err);
	if (r >= 0)
		r = parse_streams(&o->attach, how, err);
	if (r >= 0 && o->detach && o->attach.len)
		return err_set(err, EINVAL, "--detach and --attach contradict one another");
	if (o->attach.len == 0) {
		how->wants = ATTACH_WANT_STDOUT | ATTACH_WANT_STDERR;
		how->input = o->interactive;
	}
	return r;
}

/*
 * Does this container need a monitor? One in the foreground that leaves nothing behind does not: this command can be its parent
 * itself, the program has our own descriptors, and that is the fastest. It needs one
 *   - to outlive us: -d, or a terminal whose keys can detach from it;
 *   - to leave a log: without --rm, `logs` is to work afterwards;
 *   - for what goes on while it runs: restarts, health checks, a choice of streams (--attach).
 */
static bool needs_monitor(const struct run_options *o, const struct run_session *s)
{
	const struct container_record *r = &s->record;

	return o->detach || r->tty || !r->remove || r->life.restart != RESTART_NO || r->health.test.len > 0 ||
	       o->attach.len > 0 || s->keep.is_auto; /* our own pipes would be closed to it */
}

static int run_monitored(struct run_session *s, const struct run_options *o, const struct run_staying *how,
			 int *ret_exit, struct err *err)
{
	CLEANUP(run_background_done) struct run_background b = RUN_BACKGROUND_INIT;
	int r;

	if (!o->detach)
		signals_hold();
	r = run_start_monitored(s, &b, ret_exit, err);
	if (r < 0)
		return r;
	if (!o->detach)
		return run_stay(&b, &s->record, how, err);
	run_warn_of_logout(s);
	return 0;
}

/* --- all of it --- */

static int run_session(struct run_session *s, const struct store_options *store, const struct run_order *order,
		       int *ret_exit, struct err *err)
{
	struct run_staying how = { 0 };
	int r = parse_staying(order->options, &how, err);

	if (r >= 0)
		r = run_create_check(s, order->options, err);
	/* Early: its exec and ours of the container's process go on side by side. */
	if (r >= 0)
		r = run_begin_helpers(s, err);
	if (r >= 0)
		r = run_session_open(s, store, err);
	if (r >= 0)
		r = run_create_begin(s, order, err);
	if (r >= 0 && needs_monitor(order->options, s))
		return run_monitored(s, order->options, &how, ret_exit, err);
	if (r >= 0)
		r = run_to_end(s, how.pass_signals, ret_exit, err);
	if (s->store)
		run_end(s, r < 0 ? *ret_exit : r, r < 0 ? err : NULL);
	return r;
}

int run_container(const struct store_options *store, const struct run_options *options, const char *image,
		  const struct strv *args, const struct run_callbacks *callbacks, char ret_id[static CONTAINER_ID_MAX],
		  int *ret_exit, struct err *err)
{
	CLEANUP(run_session_done) struct run_session s = RUN_SESSION_INIT(callbacks);
	const struct run_order order = { options, image, args };
	int r;

	*ret_exit = 125;
	r = run_session(&s, store, &order, ret_exit, err);
	memcpy(ret_id, s.id, CONTAINER_ID_MAX);
	return r;
}

#include "engine/run/run.h"

#include "base/cleanup.h"
#include "base/timefmt.h"
#include "engine/run/session.h"
#include "runtime/console.h"

#include <errno.h>
#include <string.h>

static int parse_sig_proxy(const struct run_options *o, bool *ret, struct err *err)
{
	const char *word = o->sig_proxy;

	*ret = !word || strcmp(word, "true") == 0 || strcmp(word, "1") == 0;
	if (*ret || strcmp(word, "false") == 0 || strcmp(word, "0") == 0)
		return 0;
	return err_set(err, EINVAL, "--sig-proxy takes true or false, not '%s'", word);
}

static int stay(struct run_session *s, struct container_process *p, bool pass_signals, struct err *err)
{
	struct console_options console = { .in = s->record.life.interactive ? 0 : -1,
					   .out = 1,
					   .interactive = s->record.life.interactive,
					   .guard = s->supervisor.process.pidfd,
					   .pass_signals = pass_signals };
	int status, r = console_run(p, &console, &status, err);

	return r < 0 ? r : container_exit_code(status);
}

static int run_to_end(struct run_session *s, bool pass_signals, int *ret_exit, struct err *err)
{
	CLEANUP(container_process_done) struct container_process p = CONTAINER_PROCESS_INIT;
	struct run_stdio stdio = { .fds = { s->record.life.interactive ? 0 : -1, 1, 2 } };
	int r = run_start(s, &stdio, &p, ret_exit, err);

	return r < 0 ? r : stay(s, &p, pass_signals, err);
}

static int run_session(struct run_session *s, const struct store_options *store, const struct run_order *order,
		       int *ret_exit, struct err *err)
{
	bool pass_signals;
	int r = parse_sig_proxy(order->options, &pass_signals, err);

	if (r >= 0)
		r = run_create_check(s, order->options, err);
	/* Early: its exec and ours of the container's process go on side by side. */
	if (r >= 0)
		r = run_begin_supervisor(s, err);
	if (r >= 0)
		r = run_session_open(s, store, err);
	if (r >= 0)
		r = run_create_begin(s, order, err);
	if (r >= 0)
		r = run_to_end(s, pass_signals, ret_exit, err);
	if (s->store)
		run_end(s, r < 0 ? *ret_exit : r, r < 0 ? err : NULL);
	return r;
}

int run_container(const struct store_options *store, const struct run_options *options, const char *image,
		  const struct strv *args, const struct run_callbacks *callbacks, int *ret_exit, struct err *err)
{
	CLEANUP(run_session_done) struct run_session s = RUN_SESSION_INIT(callbacks);
	const struct run_order order = { options, image, args };

	*ret_exit = 125;
	return run_session(&s, store, &order, ret_exit, err);
}

/* What a monitor has `cloche` do: start its container again, or end it (monitor/monitor.h). */
#include "engine/run/monitored.h"

#include "base/cleanup.h"
#include "engine/run/session.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int open_session(struct run_session *s, const struct store_options *store, const char *id, struct err *err)
{
	int r = idmap_detect(&s->ids, err);

	if (r >= 0)
		r = run_session_open(s, store, err);
	if (r < 0)
		return r;
	if (strlen(id) != CONTAINER_ID_MAX - 1)
		return err_set(err, EINVAL, "'%s' is not a container's ID", id);
	memcpy(s->id, id, CONTAINER_ID_MAX);
	return 0;
}

int run_monitored_again(const struct store_options *store, const struct monitor_config *c, struct err *err)
{
	static const struct run_callbacks silent = { 0 };
	CLEANUP(run_session_done) struct run_session s = RUN_SESSION_INIT(&silent);
	const struct restart_state state = { .policy = (enum restart_policy)c->policy,
					     .restarts = c->restarts,
					     .delay_ms = c->delay_ms };
	int exit_code = 125, r = open_session(&s, store, c->id ? c->id : "", err);

	s.restarts = c->restarts;
	if (r >= 0)
		r = container_live_adopt(s.store, s.id, (int)c->live, &s.live, err);
	if (r >= 0)
		r = run_load(&s, err);
	if (r >= 0)
		r = run_start_again(&s, (int)c->listen, &state, &exit_code, err);
	/* Also what could not begin is a life that has ended, and may be followed by another. */
	if (s.live.fd >= 0 && s.is_written)
		r = run_fail_again(&s, c, exit_code, err);
	if (s.live.fd >= 0)
		run_end(&s, exit_code, err);
	return r;
}

int run_monitored_ended(const struct store_options *store, const struct run_ended *ended, struct err *err)
{
	static const struct run_callbacks silent = { 0 };
	CLEANUP(run_session_done) struct run_session s = RUN_SESSION_INIT(&silent);
	int r = open_session(&s, store, ended->id, err);
	struct err why = { 0 };

	if (r >= 0)
		r = container_live_adopt(s.store, s.id, ended->live, &s.live, err);
	if (r < 0)
		return r;
	s.restarts = ended->restarts;
	s.started = ended->started;
	s.dir_fd = container_open(s.store, s.id, err);
	r = s.dir_fd < 0 ? s.dir_fd : container_record_read_at(s.dir_fd, s.id, &s.record, err);
	s.is_written = r >= 0;
	/* Also without a record the lock has to go, and with it the end to be told. */
	if (ended->error)
		err_set(&why, ECANCELED, "%s", ended->error);
	run_end(&s, ended->exit_code, ended->error ? &why : NULL);
	return r;
}

/* State in `inspect`. */
#include "base/cleanup.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "engine/container/inspect_impl.h"
#include "oci/json.h"
#include "sys/fs.h"

enum { HEALTH_JSON_MAX = 1 << 20 };

int inspect_add_time(json_t *o, const char *key, const struct timespec *t)
{
	char text[TIME_RFC3339_MAX] = "0001-01-01T00:00:00Z";

	if (t->tv_sec)
		time_format_rfc3339(*t, text);
	return json_add_string(o, key, text);
}

/* What the monitor has written, which is docker's object. NULL: nothing is known. */
static json_t *read_health(struct engine *e, const char *id)
{
	autobuf struct buf text = BUF_INIT(HEALTH_JSON_MAX);
	autofree char *path = str_format("files/%s/health.json", id);
	int run = store_run_fd(e->store, NULL);
	json_t *o = NULL;

	if (run < 0 || !path || fs_read_file(run, path, HEALTH_JSON_MAX, &text, NULL) < 0 ||
	    json_parse(buf_str(&text), text.len, path, &o, NULL) < 0)
		return NULL;
	return o;
}

/* null without a check, so that {{if .State.Health}} works. */
static json_t *make_health(struct engine *e, const struct inspect_facts *f)
{
	json_t *o;

	if (!f->record.health.test.len)
		return json_null();
	o = f->status.phase == CONTAINER_RUNNING ? read_health(e, f->id) : NULL;
	if (o)
		return o;
	o = json_object();
	json_add_string(o, "Status", f->status.phase == CONTAINER_RUNNING ? "starting" : "none");
	json_add_int(o, "FailingStreak", 0);
	json_add(o, "Log", json_array());
	return o;
}

json_t *inspect_state(struct engine *e, const struct inspect_facts *f)
{
	const struct container_status *st = &f->status;
	bool running = st->phase == CONTAINER_RUNNING, restarting = st->phase == CONTAINER_RESTARTING;
	json_t *o = json_object();

	json_add_string(o, "Status", container_state_name(st));
	/* docker's are both true while it waits to be started again. */
	json_add_bool(o, "Running", running || restarting);
	json_add_bool(o, "Paused", st->paused);
	json_add_bool(o, "Restarting", restarting);
	json_add_bool(o, "OOMKilled", st->oom_killed);
	json_add_bool(o, "Dead", false);
	json_add_int(o, "Pid", running ? st->pid : 0);
	json_add_int(o, "ExitCode", st->exit_code);
	json_add(o, "Error", json_text(st->phase == CONTAINER_LOST ? "the command that ran it was killed" : f->error));
	inspect_add_time(o, "StartedAt", &st->started);
	inspect_add_time(o, "FinishedAt", &st->finished);
	json_add(o, "Health", make_health(e, f));
	return o;
}

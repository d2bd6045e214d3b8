#include "engine/container/rename.h"

#include "base/cleanup.h"
#include "codec/event_line.h"
#include "engine/container/container.h"
#include "engine/container/events.h"
#include "monitor/event_log.h"
#include "sys/fs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct renaming {
	struct store *store;
	const char *id, *name, *old;
};

/*
 * Under the lock of the record: the new link, then the record, then the old link goes. Killed in between, the container has
 * two names, and both lead to it, until a sweep takes away the one that the record doesn't have (sweep.c).
 */
static int change(struct container_record *r, void *arg, struct err *err)
{
	const struct renaming *how = arg;
	char *name = strdup(how->name);
	int result = name ? container_take_name(how->store, r->id, name, err) : err_oom(err);

	if (result < 0) {
		free(name);
		return result;
	}
	free(r->name);
	r->name = name;
	return 0;
}

/* Its monitor may have begun under another name. */
static int tell_monitor(const struct renaming *how, struct err *err)
{
	autobuf struct buf common = BUF_INIT(EVENT_COMMON_MAX);
	autorecord struct container_record now = { 0 };
	autoclose int dir = container_open(how->store, how->id, err);
	int r = dir < 0 ? dir : container_record_read_at(dir, how->id, &now, err);

	if (r >= 0 && container_event_common(&now, &common) < 0)
		r = err_oom(err);
	return r < 0 ? r : fs_write_file(dir, EVENT_COMMON_FILE, common.data, common.len, 0600, 0, err);
}

static int finish(void *arg, struct err *err)
{
	const struct renaming *how = arg;
	int r = tell_monitor(how, err);

	if (r < 0)
		return r;
	return how->old ? container_drop_name(how->store, how->old, err) : 0;
}

int container_rename(struct store *s, const char *id, const char *name, struct err *err)
{
	autorecord struct container_record before = { 0 };
	struct renaming how = { s, id, name, NULL };
	const char *extra[] = { "oldName", NULL, NULL };
	int r = container_record_read(s, id, &before, err);

	if (r < 0)
		return r;
	if (!container_is_name(name)) {
		err_set(err, EINVAL, "'%s' is not a name for a container", name);
		return err_hint(err, "letters, digits, and behind the first also _ . -; at least two");
	}
	if (before.name && strcmp(before.name, name) == 0)
		return err_set(err, EINVAL, "the container has this name already");
	how.old = before.name;
	r = container_record_update(s, id, change, finish, &how, err);
	if (r < 0)
		return r;
	extra[1] = before.name ? before.name : "";
	free(before.name);
	before.name = strdup(name);
	container_event(s, &before, "rename", extra);
	return 0;
}

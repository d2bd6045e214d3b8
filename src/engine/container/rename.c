#include "engine/container/rename.h"

#include "base/cleanup.h"
#include "engine/container/container.h"
#include "engine/container/events.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct renaming {
	struct store *store;
	const char *name, *old;
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

static int drop_old(void *arg, struct err *err)
{
	const struct renaming *how = arg;

	return how->old ? container_drop_name(how->store, how->old, err) : 0;
}

int container_rename(struct store *s, const char *id, const char *name, struct err *err)
{
	autorecord struct container_record before = { 0 };
	struct renaming how = { s, name, NULL };
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
	r = container_record_update(s, id, change, drop_old, &how, err);
	if (r < 0)
		return r;
	extra[1] = before.name ? before.name : "";
	free(before.name);
	before.name = strdup(name);
	container_event(s, &before, "rename", extra);
	return 0;
}

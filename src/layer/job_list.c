#include "layer/job.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static int tell(struct job *j, const struct tar_entry *t, struct err *err)
{
	struct layer_entry e = {
		.name = t->name,
		.link = t->link,
		.type = (char)t->type,
		.mode = t->mode,
		.uid = t->uid,
		.gid = t->gid,
		.dev_major = t->dev_major,
		.dev_minor = t->dev_minor,
		.size = t->size,
		.mtime = t->mtime,
		.mtime_nsec = t->mtime_nsec,
	};
	const uint64_t max = j->q.limits.entries ? j->q.limits.entries : LAYER_ENTRIES_MAX;
	char name[LAYER_PATH_MAX + 1];
	size_t len;

	if (++j->result.entries > max)
		return err_set(err, E2BIG, "the archive has more than %" PRIu64 " entries", max);
	while (e.name[0] == '.' && e.name[1] == '/')
		e.name += 2;
	len = strlen(e.name);
	while (len > 1 && e.name[len - 1] == '/')
		len--;
	if (len > LAYER_PATH_MAX || strlen(e.link) > LAYER_PATH_MAX)
		return err_set(err, E2BIG, "the path '%.64s…' is longer than %d bytes", e.name, LAYER_PATH_MAX);
	memcpy(name, e.name, len);
	name[len] = '\0';
	e.name = name;
	j->result.file_bytes += e.size;
	return job_tell_entry(j, &e, err);
}

static int take_event(void *arg, const struct tar_event *ev, struct err *err)
{
	return ev->kind == TAR_EVENT_ENTRY ? tell(arg, ev->entry, err) : 0;
}

int job_list(struct job *j, struct err *err)
{
	return job_read_archive(j, &j->q.list, take_event, j, &j->result, err);
}

#include "layer/job.h"

#include "codec/tar.h"
#include "layer/source.h"

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

static int list_all(struct job *j, struct source *source, struct tar_reader *reader, struct err *err)
{
	const uint8_t *data;
	int64_t n;

	while ((n = source_read(source, &data, err)) > 0) {
		struct tar_event ev;
		int r;

		tar_reader_feed(reader, data, (size_t)n);
		while ((r = tar_reader_next(reader, &ev, err)) > 0) {
			r = ev.kind == TAR_EVENT_ENTRY ? tell(j, ev.entry, err) : 0;
			if (r < 0)
				return r;
		}
		if (r < 0)
			return r;
	}
	return (int)n;
}

int job_list(struct job *j, struct err *err)
{
	struct tar_reader *reader = tar_reader_new();
	struct source *source = NULL;
	int r = reader ? source_open(&j->q.list, &j->q.limits, &source, err) : err_oom(err);

	if (r >= 0)
		r = list_all(j, source, reader, err);
	if (r >= 0)
		r = source_finish(source, &j->result, err);
	if (r >= 0)
		r = tar_reader_finish(reader, err);
	source_free(source);
	tar_reader_free(reader);
	return r < 0 ? r : 0;
}

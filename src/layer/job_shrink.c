/* An archive of the same entries that has nothing which may be left out. */
#include "layer/job.h"

#include "base/cleanup.h"
#include "layer/sink.h"

#include <errno.h>
#include <inttypes.h>

struct shrinker {
	struct job *job;
	struct sink *sink;
	struct buf header;
	size_t padding;	  /* behind the last entry, written only if there is another */
	uint64_t written; /* of the current file */
	uint64_t total, total_max;
};

static int zeros(struct shrinker *s, uint64_t len, struct err *err)
{
	return len ? sink_zeros(s->sink, len, err) : 0;
}

static int begin_entry(struct shrinker *s, const struct tar_entry *e, struct err *err)
{
	int r = zeros(s, s->padding, err);

	if (r < 0)
		return r;
	s->total += e->size;
	if (e->size > s->total_max || s->total > s->total_max)
		return err_set(err, E2BIG, "its files have more than %" PRIu64 " bytes together", s->total_max);
	buf_reset(&s->header);
	r = tar_write_smallest(&s->header, e);
	if (r < 0)
		return err_errno(err, -r, "write its header");
	s->padding = tar_padding(e->size);
	s->written = 0;
	s->job->result.entries++;
	s->job->result.file_bytes += e->size;
	return sink_write(s->sink, s->header.data, s->header.len, err);
}

/* Up to OFFSET there is a hole. */
static int fill_hole(struct shrinker *s, uint64_t offset, struct err *err)
{
	int r = offset > s->written ? zeros(s, offset - s->written, err) : 0;

	s->written = offset;
	return r;
}

static int take_event(void *arg, const struct tar_event *ev, struct err *err)
{
	struct shrinker *s = arg;
	int r;

	switch (ev->kind) {
	case TAR_EVENT_ENTRY:
		r = begin_entry(s, ev->entry, err);
		break;
	case TAR_EVENT_DATA:
		r = fill_hole(s, ev->offset, err);
		if (r >= 0)
			r = sink_write(s->sink, ev->data, ev->len, err);
		s->written += ev->len;
		break;
	default:
		r = ev->entry->type == TAR_FILE ? fill_hole(s, ev->entry->size, err) : 0;
	}
	return r < 0 ? err_wrap(err, "'%.256s'", ev->entry->name) : 0;
}

int job_shrink(struct job *j, struct err *err)
{
	const uint64_t max = j->q.limits.bytes ? j->q.limits.bytes : LAYER_BYTES_MAX;
	struct shrinker s = { .job = j, .header = BUF_INIT(TAR_META_MAX), .total_max = max };
	struct layer_result input;
	int r = sink_open(j->q.shrink.out_fd, LAYER_PLAIN_TAR, 0, &s.sink, err);

	if (r >= 0)
		r = job_read_archive(j, &j->q.shrink.in, take_event, &s, &input, err);
	if (r >= 0 && j->result.entries == 0)
		r = sink_zeros(s.sink, 2 * TAR_BLOCK_SIZE, err);
	if (r >= 0)
		r = sink_finish(s.sink, &j->result, err);
	sink_free(s.sink);
	buf_done(&s.header);
	return r < 0 ? r : 0;
}

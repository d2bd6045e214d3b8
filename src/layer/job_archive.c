/* What the verbs that read an archive from its beginning to its end have in common. */
#include "layer/job.h"

#include "layer/source.h"

static int take_all(struct source *source, struct tar_reader *reader, job_take_event *take, void *arg, struct err *err)
{
	const uint8_t *data;
	int64_t n;

	while ((n = source_read(source, &data, err)) > 0) {
		struct tar_event ev;
		int r;

		tar_reader_feed(reader, data, (size_t)n);
		while ((r = tar_reader_next(reader, &ev, err)) > 0) {
			r = take(arg, &ev, err);
			if (r < 0)
				return r;
		}
		if (r < 0)
			return r;
	}
	return (int)n;
}

int job_read_archive(struct job *j, const struct layer_input *in, job_take_event *take, void *arg,
		     struct layer_result *ret, struct err *err)
{
	struct tar_reader *reader = tar_reader_new();
	struct source *source = NULL;
	int r = reader ? source_open(in, &j->q.limits, &source, err) : err_oom(err);

	if (r >= 0)
		r = take_all(source, reader, take, arg, err);
	if (r >= 0)
		r = source_finish(source, ret, err);
	if (r >= 0)
		r = tar_reader_finish(reader, err);
	source_free(source);
	tar_reader_free(reader);
	return r < 0 ? r : 0;
}

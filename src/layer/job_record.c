/* LAYER_RECORD: a tree is written down, so that LAYER_DIFF can tell what has changed in it. */
#include "layer/job.h"

#include "base/cleanup.h"
#include "layer/describe.h"
#include "layer/walk.h"
#include "sys/fs.h"

#include <stdlib.h>
#include <time.h>

enum { WRITE_SIZE = 64 * 1024 };

struct recorder {
	struct job *job;
	struct walk walk;
	struct describer describer;
	struct buf out;
};

static int flush(struct recorder *k, struct err *err)
{
	int r = k->out.error ? err_oom(err) : fs_write_all(k->job->q.record.out_fd, k->out.data, k->out.len, err);

	buf_reset(&k->out);
	return r;
}

static int visit(struct walk *w, struct subject *s, struct err *err)
{
	struct recorder *k = w->arg;
	struct tree_record_entry e;
	int r = describe(&k->describer, s, w->path, &e, err);

	if (r > 0 && e.type == 'f')
		r = describe_content(&k->describer, s, &e.content, err);
	else if (r == 0)
		return 0;
	if (r < 0)
		return r;
	k->job->result.entries++;
	tree_record_write(&k->out, &e);
	r = k->out.len > WRITE_SIZE ? flush(k, err) : 0;
	return r < 0 ? r : S_ISDIR(s->st.st_mode);
}

static int record(struct recorder *k, struct err *err)
{
	struct timespec now;
	struct tree_record_time made;
	int r = describer_init(&k->describer, err);

	if (r < 0)
		return r;
	clock_gettime(CLOCK_REALTIME, &now);
	made = (struct tree_record_time){ now.tv_sec, (uint32_t)now.tv_nsec };
	tree_record_begin(&k->out, &made);
	k->walk.visit = visit;
	k->walk.arg = k;
	r = walk_tree(&k->walk, k->job->q.record.tree_fd, err);
	return r < 0 ? r : flush(k, err);
}

int job_record(struct job *j, struct err *err)
{
	struct recorder *k = calloc(1, sizeof(*k));
	int r;

	if (!k)
		return err_oom(err);
	k->job = j;
	k->out = BUF_INIT(WRITE_SIZE + 2 * TREE_RECORD_LINE_MAX);
	r = record(k, err);
	describer_done(&k->describer);
	buf_done(&k->out);
	free(k);
	return r;
}

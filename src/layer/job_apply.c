#include "layer/job.h"

#include "layer/apply.h"
#include "layer/source.h"
#include "layer/tree.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static int pump(struct source *source, struct apply *a, struct err *err)
{
	const uint8_t *data;
	int64_t n;

	while ((n = source_read(source, &data, err)) > 0) {
		int r = apply_feed(a, data, (size_t)n, err);

		if (r < 0)
			return r;
	}
	return (int)n;
}

/* LAYER_INTO: the folder PREFIX is made as in a container, and becomes one that the root resolves. */
static int prepare_prefix(struct job *j, char prefix[static LAYER_PATH_MAX + 1], struct err *err)
{
	const char *name = j->q.apply.name + strspn(j->q.apply.name, "/");
	struct tree tree;
	int r;

	prefix[0] = '\0';
	if (!(j->q.apply.flags & LAYER_INTO))
		return 0;
	r = tree_clean_name(name, prefix, err);
	if (r < 0)
		return r;
	tree_init(&tree, j->tree_fd, true, "");
	r = tree_open_folder(&tree, prefix, strlen(prefix), err);
	tree_done(&tree);
	return r < 0 ? r : 0;
}

int job_apply(struct job *j, struct err *err)
{
	const struct layer_apply *q = &j->q.apply;
	char prefix[LAYER_PATH_MAX + 1];
	struct source *source = NULL;
	struct apply *a = NULL;
	int r = prepare_prefix(j, prefix, err);

	if (r >= 0)
		r = apply_new(j->tree_fd, prefix, q->flags, j->single, &j->q.limits, &a, err);
	if (r >= 0)
		r = source_open(&q->in, &j->q.limits, &source, err);
	if (r >= 0)
		r = pump(source, a, err);
	/* The digests first: of what is a lie or damaged, nothing else needs to be said. */
	if (r >= 0)
		r = source_finish(source, &j->result, err);
	if (r >= 0 && j->result.diff_size == 0)
		r = err_set(err, EBADMSG, "the archive is empty");
	if (r >= 0)
		r = apply_finish(a, !q->in.has_diff_id, &j->result, err);
	if (r >= 0 && q->flags & LAYER_SYNC && syncfs(j->tree_fd) < 0)
		r = err_errno(err, errno, "sync the file system");
	source_free(source);
	apply_free(a);
	return r;
}

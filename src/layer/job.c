/*
 * The helper's life: one request in, confinement, one job, one answer out. What the job needs to open by
 * name is opened before the confinement, so that Landlock can leave it nothing but those folders.
 */
#include "layer/job.h"

#include "base/cleanup.h"
#include "layer/confine.h"
#include "layer/make.h"
#include "layer/names.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- items --- */

static void close_item_fds(struct job *j)
{
	for (size_t i = 0; i < j->items_wire.fds_len; i++)
		close(j->items_wire.fds[i]);
	j->items_wire.fds_len = 0;
}

static int bad_request(struct err *err)
{
	return err_set(err, EPROTO, "the request makes no sense");
}

int job_next_item(struct job *j, struct layer_item *ret, struct err *err)
{
	struct wire *w = &j->items_wire;

	if (j->items_ended)
		return 0;
	if (w->in_len == 0) {
		int fds[MSG_FDS_MAX], n;

		close_item_fds(j);
		n = msg_receive(j->sock, &j->items, fds, ARRAY_SIZE(fds), err);
		if (n < 0)
			return n;
		*w = (struct wire){ .in = j->items.data + 1, .in_len = j->items.len - 1, .fds_len = (size_t)n };
		for (int i = 0; i < n; i++)
			w->fds[i] = fds[i];
		if (j->items.len == 0 || j->items.data[0] != WIRE_ITEMS)
			return bad_request(err);
		if (w->in_len == 0) {
			j->items_ended = true;
			return 0;
		}
	}
	wire_item(w, ret);
	return w->bad ? bad_request(err) : 1;
}

/* --- what is told --- */

int job_flush(struct job *j, struct err *err)
{
	int r = j->out.len > 1 ? msg_send(j->sock, j->out.data, j->out.len, NULL, 0, err) : 0;

	buf_reset(&j->out);
	return r;
}

static int begin_telling(struct job *j, enum wire_kind kind, struct err *err)
{
	int r = j->out.len > WIRE_BATCH_MAX ? job_flush(j, err) : 0;

	if (j->out.len == 0)
		buf_add_char(&j->out, (char)kind);
	return r;
}

int job_tell_entry(struct job *j, struct layer_entry *e, struct err *err)
{
	struct wire w = { .out = &j->out };
	int r = begin_telling(j, WIRE_ENTRIES, err);

	wire_entry(&w, e);
	return r < 0 ? r : w.bad ? err_oom(err) : 0;
}

int job_tell_member(struct job *j, struct layer_member *m, struct err *err)
{
	struct wire w = { .out = &j->out };
	int r = begin_telling(j, WIRE_MEMBERS, err);

	wire_member(&w, m);
	return r < 0 ? r : w.bad ? err_oom(err) : 0;
}

static int report_result(struct job *j, struct err *err)
{
	struct wire w = { .out = &j->out };
	int r = job_flush(j, err);

	if (r < 0)
		return r;
	buf_add_char(&j->out, WIRE_RESULT);
	wire_result(&w, &j->result);
	return job_flush(j, err);
}

void job_report_error(struct job *j, struct err *err)
{
	struct wire w = { .out = &j->out };

	buf_reset(&j->out);
	buf_add_char(&j->out, WIRE_ERROR);
	wire_error(&w, err);
	job_flush(j, NULL);
}

/* --- the request --- */

static int receive_request(struct job *j, struct err *err)
{
	struct wire w = { 0 };
	uint64_t single;
	int n = msg_receive(j->sock, &j->request, w.fds, ARRAY_SIZE(w.fds), err);

	if (n < 0)
		return n;
	w.in = j->request.data;
	w.in_len = j->request.len;
	w.fds_len = (size_t)n;
	wire_u64(&w, &single);
	wire_request(&w, &j->q);
	j->single = single != 0;
	return w.bad ? bad_request(err) : 0;
}

/* They have a folder filled, which the client has made. */
static bool fills(const struct job *j)
{
	return j->q.verb == LAYER_APPLY || j->q.verb == LAYER_LAZY;
}

/* The folder that APPLY or LAZY fills, or that REMOVE empties. */
static int open_tree(struct job *j, struct err *err)
{
	const struct layer_apply *a = &j->q.apply;
	const struct layer_remove *m = &j->q.remove;
	bool is_apply = fills(j);
	int dir_fd = is_apply ? a->dir_fd : m->dir_fd;
	const char *name = is_apply ? a->name : m->name;

	if (!name)
		return bad_request(err);
	j->tree_fd = fs_open_beneath(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, err);
	if (j->tree_fd == -EACCES && fchmodat(dir_fd, name, 0700, 0) == 0)
		j->tree_fd = fs_open_beneath(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, err);
	if (j->tree_fd < 0)
		return j->tree_fd;
	/* The client's umask has had its say. */
	if (is_apply && fchmod(j->tree_fd, 0755) < 0)
		return err_errno(err, errno, "set the mode of '%s'", name);
	return 0;
}

/* The folders that the job works on. Returns how many. */
static size_t list_trees(const struct job *j, struct landlock_tree trees[static 2])
{
	switch (j->q.verb) {
	case LAYER_APPLY:
	case LAYER_LAZY:
	case LAYER_REMOVE:
		trees[0] = (struct landlock_tree){ j->tree_fd, true };
		return 1;
	case LAYER_MAKE:
		trees[0] = (struct landlock_tree){ j->q.make.tree_fd, false };
		return 1;
	case LAYER_RECORD:
		trees[0] = (struct landlock_tree){ j->q.record.tree_fd, false };
		return 1;
	case LAYER_DIFF:
		trees[0] = (struct landlock_tree){ j->q.diff.make.tree_fd, false };
		return 1;
	case LAYER_SPLIT:
		trees[0] = (struct landlock_tree){ j->q.split.staging_fd, true };
		return !j->q.split.index_only;
	case LAYER_COPY:
		trees[0] = (struct landlock_tree){ j->q.copy.root_fd, true };
		trees[1] = (struct landlock_tree){ j->q.copy.context_fd, false };
		return 2;
	case LAYER_HASH:
		trees[0] = (struct landlock_tree){ j->q.hash.context_fd, false };
		return 1;
	default:
		return 0;
	}
}

static int prepare(struct job *j, struct err *err)
{
	struct landlock_tree trees[2];
	size_t len;
	int r = 0;

	umask(0);
	if (j->q.verb == LAYER_APPLY && j->q.apply.flags & LAYER_INTO)
		j->tree_fd = fcntl(j->q.apply.dir_fd, F_DUPFD_CLOEXEC, 3);
	else if (fills(j) || j->q.verb == LAYER_REMOVE)
		r = open_tree(j, err);
	if (r < 0)
		return r;
	len = list_trees(j, trees);
	/* The folder around the tree would be a way out of it. */
	if (fills(j) || j->q.verb == LAYER_REMOVE)
		close(fills(j) ? j->q.apply.dir_fd : j->q.remove.dir_fd);
	r = confine(len > 0 ? trees[0].fd : -1, trees, len, j->q.verb == LAYER_LAZY, err);
	if (r < 0)
		return err_wrap(err, "confine the layer helper");
	j->result.landlock_abi = r;
	return 0;
}

/* --- the job --- */

/* All that is in the folder goes away, as far as it can. */
static int empty_folder(int dir_fd, struct err *err)
{
	struct names CLEANUP(names_done) names = { 0 };
	int r = names_read(&names, dir_fd, err);

	for (size_t i = 0; i < names.len; i++) {
		struct err e = { 0 };

		if (fs_remove_tree(dir_fd, names_at(&names, i), &e) < 0 && r >= 0) {
			r = -e.code;
			if (err)
				*err = e;
		}
	}
	return r;
}

static int do_job(struct job *j, struct err *err)
{
	switch (j->q.verb) {
	case LAYER_APPLY:
		return job_apply(j, err);
	case LAYER_MAKE:
		return make_archive(&j->q.make, NULL, &j->q.limits, &j->result, err);
	case LAYER_LIST:
		return job_list(j, err);
	case LAYER_SPLIT:
		return job_split(j, err);
	case LAYER_PACK:
		return job_pack(j, err);
	case LAYER_COPY:
		return job_copy(j, err);
	case LAYER_HASH:
		return job_hash(j, err);
	case LAYER_REMOVE:
		return empty_folder(j->tree_fd, err);
	case LAYER_LAZY:
		return job_lazy(j, err);
	case LAYER_DIGEST:
		return job_digest(j, err);
	case LAYER_SHRINK:
		return job_shrink(j, err);
	case LAYER_RECORD:
		return job_record(j, err);
	case LAYER_DIFF:
		return job_diff(j, err);
	}
	return bad_request(err);
}

static int serve(struct job *j, struct err *err)
{
	int r = receive_request(j, err);

	if (r >= 0)
		r = prepare(j, err);
	if (r >= 0)
		r = do_job(j, err);
	if (r < 0 && fills(j) && !(j->q.apply.flags & LAYER_INTO) && j->tree_fd >= 0)
		empty_folder(j->tree_fd, NULL);
	return r;
}

int job_serve(int sock)
{
	struct err err = { 0 };
	struct job j = {
		.sock = sock,
		.tree_fd = -1,
		.request = BUF_INIT(MSG_MAX + 1),
		.items = BUF_INIT(MSG_MAX + 1),
		.out = BUF_INIT(MSG_MAX),
	};
	int r = serve(&j, &err);

	if (r >= 0)
		r = report_result(&j, &err);
	else
		job_report_error(&j, &err);
	/* The process ends here: descriptors and memory go with it. */
	return r < 0;
}

#include "layer/client.h"

#include "base/cleanup.h"
#include "codec/tar.h"
#include "layer/wire.h"
#include "sys/fs.h"
#include "sys/spawn.h"
#include "sys/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* The helper finds its socket here (role/layer.c). */
enum { HELPER_SOCK = 3 };

struct layer_job {
	struct process process;
	int sock;
	bool reported; /* the helper has said how it ended */
	bool is_lazy;  /* it stays though it has said so, and its tree goes when it goes */
	int (*on_entry)(void *arg, const struct layer_entry *entry, struct err *err);
	int (*on_member)(void *arg, const struct layer_member *member, struct err *err);
	void *arg;
	/* What is removed if the helper dies; making_fd -1: nothing. */
	int making_fd;
	char *making_name;
	bool has_ids;
	struct idmap ids;
};

/* They have a folder made, and fill it. */
static bool fills(const struct layer_request *q)
{
	return q->verb == LAYER_LAZY || q->verb == LAYER_APPLY;
}

static int check_request(const struct layer_request *q, struct err *err)
{
	const char *name = fills(q) ? q->apply.name : q->verb == LAYER_REMOVE ? q->remove.name : "x";
	bool is_path = q->verb == LAYER_APPLY && q->apply.flags & LAYER_INTO;

	if (strlen(name) > LAYER_PATH_MAX)
		return err_set(err, E2BIG, "the name '%.64s…' is longer than %d bytes", name, LAYER_PATH_MAX);
	if (!is_path && (name[0] == '\0' || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0))
		return err_set(err, EINVAL, "'%s' is not the name of one folder", name);
	return 0;
}

static int start_process(struct layer_job *job, int helper_sock, struct err *err)
{
	autofree char *path = NULL;
	int fds[] = { -1, -1, STDERR_FILENO, helper_sock };
	char *argv[] = { (char *)"cloche-layer", NULL };
	struct spawn s = { .argv = argv, .fds = fds, .fds_len = ARRAY_SIZE(fds), .die_with_parent = true };
	int r = helper_path("layer", &path, err);

	_Static_assert(HELPER_SOCK == 3, "its place in fds");
	if (r < 0)
		return r;
	s.path = path;
	if (!job->has_ids)
		return spawn_start(&s, &job->process, err);
	return userns_start(&s, &job->ids, 0, &job->process, err);
}

static int send_wire(struct layer_job *job, struct wire *w, struct err *err)
{
	if (w->bad)
		return err_set(err, E2BIG, "a request to the layer helper is too large");
	return msg_send(job->sock, w->out->data, w->out->len, w->fds, w->fds_len, err);
}

static int send_items(struct layer_job *job, const struct layer_item *items, size_t len, struct err *err)
{
	struct buf autobuf out = BUF_INIT(MSG_MAX);
	size_t i = 0;
	bool last = false;

	while (!last) {
		struct wire w = { .out = &out };
		int r;

		buf_reset(&out);
		buf_add_char(&out, WIRE_ITEMS);
		last = i == len; /* the empty message */
		while (i < len && out.len < WIRE_BATCH_MAX && w.fds_len < MSG_FDS_MAX) {
			struct layer_item item = items[i++];

			wire_item(&w, &item);
		}
		r = send_wire(job, &w, err);
		if (r < 0)
			return err_wrap(err, "send item %zu of %zu", i, len);
	}
	return 0;
}

static int send_request(struct layer_job *job, const struct layer_request *request, struct err *err)
{
	struct buf autobuf out = BUF_INIT(MSG_MAX);
	struct wire w = { .out = &out };
	struct layer_request q = *request;
	uint64_t single = q.ids && q.ids->mode == ID_MODE_SINGLE;
	int r;

	if (q.verb == LAYER_SPLIT && q.split.index_only)
		q.split.staging_fd = -1;
	wire_u64(&w, &single);
	wire_request(&w, &q);
	r = send_wire(job, &w, err);
	if (r < 0)
		return r;
	switch (q.verb) {
	case LAYER_PACK:
		return send_items(job, q.pack.items, q.pack.items_len, err);
	case LAYER_COPY:
		return send_items(job, q.copy.items, q.copy.items_len, err);
	case LAYER_HASH:
		return send_items(job, q.hash.items, q.hash.items_len, err);
	case LAYER_DIFF:
		return send_items(job, q.diff.masks, q.diff.masks_len, err);
	default:
		return 0;
	}
}

/*
 * Makes the folder that APPLY or LAZY fills, and notes it: from here on it is removed whenever the job fails, and
 * one that was there before never is.
 */
static int make_folder(struct layer_job *job, const struct layer_request *q, struct err *err)
{
	int r;

	if (!fills(q) || q->apply.flags & LAYER_INTO)
		return 0;
	job->making_name = strdup(q->apply.name);
	if (!job->making_name)
		return err_oom(err);
	job->making_fd = fcntl(q->apply.dir_fd, F_DUPFD_CLOEXEC, 3);
	if (job->making_fd < 0)
		return err_errno(err, errno, "keep the folder of '%s'", q->apply.name);
	if (mkdirat(q->apply.dir_fd, q->apply.name, 0755) == 0)
		return 0;
	r = err_errno(err, errno, "make folder '%s'", q->apply.name);
	close(TAKE_FD(job->making_fd));
	return r;
}

static int start(struct layer_job *job, const struct layer_request *q, struct err *err)
{
	autoclose int helper_sock = -1;
	int pair[2], r;

	r = check_request(q, err);
	if (r < 0)
		return r;
	if (q->ids && q->ids->mode != ID_MODE_ROOT) {
		job->has_ids = true;
		job->ids = *q->ids;
	}
	job->is_lazy = q->verb == LAYER_LAZY;
	r = make_folder(job, q, err);
	if (r < 0)
		return r;
	r = msg_pair(pair, err);
	if (r < 0)
		return r;
	job->sock = pair[0];
	helper_sock = pair[1];
	r = start_process(job, helper_sock, err);
	if (r < 0)
		return r;
	close(TAKE_FD(helper_sock));
	r = send_request(job, q, err);
	/* A helper that is gone has said why, or its death is the error: layer_job_wait finds out. */
	if (r == -EPIPE || r == -ECONNRESET) {
		err_clear(err);
		return 0;
	}
	return r;
}

int layer_job_start(const struct layer_request *request, struct layer_job **ret, struct err *err)
{
	struct layer_job *job = calloc(1, sizeof(*job));
	int r;

	if (!job)
		return err_oom(err);
	job->process = PROCESS_INIT;
	job->sock = -1;
	job->making_fd = -1;
	job->on_entry = request->on_entry;
	job->on_member = request->on_member;
	job->arg = request->arg;
	r = start(job, request, err);
	if (r < 0) {
		layer_job_free(job);
		return err_wrap(err, "layer helper");
	}
	*ret = job;
	return 0;
}

int layer_job_fd(const struct layer_job *job)
{
	return job->sock;
}

/* --- what comes back --- */

static int bad_message(struct err *err)
{
	return err_set(err, EPROTO, "the layer helper sent a message that makes no sense");
}

static int take_entries(struct layer_job *job, struct wire *w, struct err *err)
{
	while (w->in_len > 0) {
		struct layer_entry e;
		int r;

		wire_entry(w, &e);
		if (w->bad)
			return bad_message(err);
		r = job->on_entry ? job->on_entry(job->arg, &e, err) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

/* A staged name is "m" and digits, as promised: the caller uses it as a file name. */
static bool is_staged_name(const char *s)
{
	return s[0] == '\0' || (s[0] == 'm' && s[1] != '\0' && strspn(s + 1, "0123456789") == strlen(s + 1));
}

static int take_members(struct layer_job *job, struct wire *w, struct err *err)
{
	while (w->in_len > 0) {
		struct layer_member m;
		int r;

		wire_member(w, &m);
		if (w->bad || !is_staged_name(m.staged))
			return bad_message(err);
		r = job->on_member ? job->on_member(job->arg, &m, err) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

/* 1: the job is done and RET set; 0: more is to come; negative: it failed. */
static int take_message(struct layer_job *job, const struct buf *message, struct layer_result *ret, struct err *err)
{
	struct wire w = { .in = message->data + 1, .in_len = message->len - 1 };
	struct layer_result result = { 0 };
	struct err theirs = { 0 };

	switch (message->len ? message->data[0] : 0) {
	case WIRE_ENTRIES:
		return take_entries(job, &w, err);
	case WIRE_MEMBERS:
		return take_members(job, &w, err);
	case WIRE_RESULT:
		wire_result(&w, &result);
		if (w.bad)
			return bad_message(err);
		job->reported = true;
		if (ret)
			*ret = result;
		return 1;
	case WIRE_ERROR:
		wire_error(&w, &theirs);
		if (w.bad)
			return bad_message(err);
		job->reported = true;
		err_set(err, theirs.code, "%s", theirs.msg);
		if (theirs.hint[0])
			err_hint(err, "%s", theirs.hint);
		return -theirs.code;
	default:
		return bad_message(err);
	}
}

/* The socket is closed and nothing was reported. */
static int explain_death(struct layer_job *job, struct err *err)
{
	int status, r = process_wait(&job->process, &status, err);

	if (r < 0)
		return r;
	if (WIFSIGNALED(status))
		err_set(err, EPROTO, "the layer helper was killed by signal %d (%s)", WTERMSIG(status),
			strsignal(WTERMSIG(status)));
	else
		err_set(err, EPROTO, "the layer helper ended (status %d) without a result", WEXITSTATUS(status));
	return -EPROTO;
}

static int wait_for_result(struct layer_job *job, struct layer_result *ret, struct err *err)
{
	struct buf autobuf message = BUF_INIT(MSG_MAX + 1);
	int r = 0;

	while (r == 0) {
		r = msg_receive(job->sock, &message, NULL, 0, err);
		if (r >= 0)
			r = take_message(job, &message, ret, err);
		else if (r == -ECONNRESET)
			r = explain_death(job, err);
	}
	return r < 0 ? r : 0;
}

static int run_remove(const struct layer_request *request, struct layer_result *ret, struct err *err);

static void remove_unfinished(struct layer_job *job)
{
	const struct layer_request q = {
		.verb = LAYER_REMOVE,
		.ids = job->has_ids ? &job->ids : NULL,
		.remove = { .dir_fd = job->making_fd, .name = job->making_name },
	};

	run_remove(&q, NULL, NULL);
	close(TAKE_FD(job->making_fd));
}

int layer_job_wait(struct layer_job *job, struct layer_result *ret, struct err *err)
{
	int r = wait_for_result(job, ret, err);

	if (r < 0 && job->making_fd >= 0) {
		if (!job->reported)
			process_done(&job->process);
		remove_unfinished(job);
	}
	return r;
}

void layer_job_free(struct layer_job *job)
{
	if (!job)
		return;
	if (job->reported && !job->is_lazy)
		process_wait(&job->process, NULL, NULL);
	else
		process_done(&job->process);
	if ((!job->reported || job->is_lazy) && job->making_fd >= 0)
		remove_unfinished(job);
	if (job->sock >= 0)
		close(job->sock);
	if (job->making_fd >= 0)
		close(job->making_fd);
	free(job->making_name);
	free(job);
}

static int run(const struct layer_request *request, struct layer_result *ret, struct err *err)
{
	struct layer_job *job = NULL;
	int r = layer_job_start(request, &job, err);

	if (r < 0)
		return r;
	r = layer_job_wait(job, ret, err);
	layer_job_free(job);
	return r;
}

/*
 * The helper only empties a folder: it has no right to the folder around it. What is ours, or empty, goes
 * without it.
 */
static int run_remove(const struct layer_request *request, struct layer_result *ret, struct err *err)
{
	const struct layer_remove *m = &request->remove;
	struct layer_result none = { 0 };
	int r = 0;

	if (unlinkat(m->dir_fd, m->name, 0) < 0 && errno != ENOENT) {
		/* EISDIR, or EPERM for a folder on some file systems. */
		if (unlinkat(m->dir_fd, m->name, AT_REMOVEDIR) < 0) {
			r = run(request, &none, err);
			if (r >= 0 && unlinkat(m->dir_fd, m->name, AT_REMOVEDIR) < 0 && errno != ENOENT)
				r = err_errno(err, errno, "remove '%s'", m->name);
		}
	}
	if (r >= 0 && ret)
		*ret = none;
	return r;
}

int layer_run(const struct layer_request *request, struct layer_result *ret, struct err *err)
{
	int r = check_request(request, err);

	if (r < 0)
		return r;
	return request->verb == LAYER_REMOVE ? run_remove(request, ret, err) : run(request, ret, err);
}

/* --- LAZY --- */

int layer_lazy_next(struct layer_job *job, struct layer_lazy_event *ret, struct err *err)
{
	struct buf autobuf message = BUF_INIT(MSG_MAX + 1);
	struct layer_lazy_event event = { 0 };
	struct wire w = { 0 };
	int r = msg_receive(job->sock, &message, NULL, 0, err);

	if (r == -ECONNRESET)
		return explain_death(job, err);
	if (r < 0)
		return r;
	if (message.len == 0 || message.data[0] != WIRE_LAZY) {
		r = take_message(job, &message, NULL, err);
		return r < 0 ? r : bad_message(err);
	}
	w.in = message.data + 1;
	w.in_len = message.len - 1;
	wire_lazy_event(&w, &event);
	if (w.bad || (event.kind == LAYER_LAZY_WANT && event.end <= event.from))
		return bad_message(err);
	*ret = event;
	return 0;
}

int layer_lazy_give(struct layer_job *job, int fd, struct err *err)
{
	const char kind = WIRE_GIVE;
	int r = msg_send(job->sock, &kind, 1, &fd, 1, err);

	if (r != -EPIPE && r != -ECONNRESET)
		return r;
	err_clear(err);
	return explain_death(job, err);
}

int layer_can_index(int fd)
{
	uint8_t block[TAR_BLOCK_SIZE];
	off_t at = lseek(fd, 0, SEEK_CUR);

	return at >= 0 && pread(fd, block, sizeof(block), at) == (ssize_t)sizeof(block) && tar_is_header(block);
}

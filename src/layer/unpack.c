/*
 * Locks come first, all of them, in the order of the diff ids: two processes with layers in common can't
 * wait for one another in a circle. What was unpacked meanwhile is dropped, the rest is read by as many
 * helpers at a time as there are processors, then synced once, then renamed.
 */
#include "layer/unpack.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "oci/image.h"
#include "store/layers.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { JOBS_MAX = 8 };

struct work {
	struct unpack *item;
	size_t index; /* among the image's layers */
	int lock;     /* -1: none */
	bool needed;
	bool apply;    /* else it is only read */
	char name[48]; /* folder in tmp */
	struct layer_job *job;
};

struct unpacking {
	struct store_tmp *tmp;
	const struct idmap *ids;
	struct work *works;
	size_t len, total;
};

static void unpacking_done(struct unpacking *u)
{
	for (size_t i = 0; i < u->len; i++) {
		layer_job_free(u->works[i].job);
		if (u->works[i].lock >= 0)
			close(u->works[i].lock);
	}
	free(u->works);
}

static int order_by_id(const struct work *x, const struct work *y)
{
	return memcmp(x->item->in.diff_id.bytes, y->item->in.diff_id.bytes, DIGEST_SIZE);
}

static int order(const void *a, const void *b)
{
	const struct work *x = a, *y = b;
	int c = order_by_id(x, y);

	return c ? c : (x->index > y->index) - (x->index < y->index);
}

/*
 * Makes W's layer ours to unpack, unless it is there by then. LOCKED is the layer that was locked before it,
 * or NULL: the lock is by the first bytes of the diff id, and what one holds already one must not wait for.
 */
static int claim(struct store *s, struct work *w, const struct work *locked, struct err *err)
{
	const struct digest *id = &w->item->in.diff_id;
	int r = layer_exists(s, id, err);

	if (r != 0)
		return r;
	if (!locked || memcmp(locked->item->in.diff_id.bytes, id->bytes, LAYER_LOCK_BYTES) != 0) {
		w->lock = layer_lock(s, id, err);
		if (w->lock < 0)
			return w->lock;
	}
	r = layer_exists(s, id, err);
	w->apply = r == 0;
	return r;
}

/* Decides for each item whether it is unpacked, only read, or left. */
static int plan(struct unpacking *u, struct unpack *items, struct err *err)
{
	const struct work *locked = NULL;

	for (size_t i = 0; i < u->total; i++) {
		u->works[i] = (struct work){ .item = &items[i], .index = i, .lock = -1 };
		items[i].read = false;
	}
	qsort(u->works, u->total, sizeof(*u->works), order);
	/* From here on all of them count, so that every lock is let go in the end. */
	u->len = u->total;
	for (size_t i = 0; i < u->total; i++) {
		struct work *w = &u->works[i];
		bool again = i > 0 && order_by_id(&u->works[i - 1], w) == 0;
		int r = again ? 1 : claim(u->tmp->store, w, locked, err);

		if (r < 0)
			return r;
		w->needed = w->apply || w->item->blob_name || w->item->always_read;
		if (w->needed && !w->apply && !again && w->item->source) {
			r = w->item->source->is_needed(w->item, w->item->source->arg, err);
			if (r < 0)
				return r;
			w->needed = r > 0;
		}
		if (w->lock >= 0)
			locked = w;
	}
	return 0;
}

/* Where W is unpacked. A failed attempt may have left folders in the same place, which go with it. */
static int make_folder(struct unpacking *u, struct work *w, struct err *err)
{
	int fd;

	for (unsigned attempt = 0;; attempt++) {
		snprintf(w->name, sizeof(w->name), "layer%zu.%u", w->index, attempt);
		if (mkdirat(u->tmp->dir_fd, w->name, 0700) == 0)
			break;
		if (errno != EEXIST)
			return err_errno(err, errno, "make folder '%s/%s/%s'", u->tmp->store->root, u->tmp->name,
					 w->name);
	}
	fd = openat(u->tmp->dir_fd, w->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_errno(err, errno, "open folder '%s'", w->name) : fd;
}

static int start_one(struct unpacking *u, struct work *w, struct err *err)
{
	struct layer_request q = { .ids = u->ids };
	autoclose int folder = -1, tee = -1, opened = -1;
	struct layer_input in = w->item->in;

	in.has_diff_id = true;
	if (w->item->source) {
		opened = w->item->source->open(w->item, w->item->source->arg, err);
		if (opened < 0)
			return opened;
		in.fd = opened;
	}
	if (w->item->blob_name) {
		tee = openat(u->tmp->dir_fd, w->item->blob_name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (tee < 0)
			return err_errno(err, errno, "create a blob in '%s'", u->tmp->store->root);
		in.tee_fd = tee;
	}
	if (!w->apply) {
		q.verb = LAYER_LIST;
		q.list = in;
		return layer_job_start(&q, &w->job, err);
	}
	folder = make_folder(u, w, err);
	if (folder < 0)
		return folder;
	q.verb = LAYER_APPLY;
	q.apply = (struct layer_apply){ .in = in, .dir_fd = folder, .name = "fs" };
	return layer_job_start(&q, &w->job, err);
}

/* The source's own reason, if it has one, says more than that the bytes ended early. */
static int close_source(struct unpack *item, int r, struct err *err)
{
	struct err why = { 0 };
	int closed = item->source->close(item, item->source->arg, &why);

	if (closed >= 0)
		return r;
	err_clear(err);
	err_set(err, why.code, "%s", why.msg);
	if (why.hint[0])
		err_hint(err, "%s", why.hint);
	return closed;
}

static int finish_one(struct unpacking *u, struct work *w, struct err *err)
{
	const struct unpack_source *source = w->item->source;
	char digest[DIGEST_STR_MAX];
	int r = source ? source->wait(w->item, layer_job_fd(w->job), source->arg, err) : 0;

	if (r >= 0)
		r = layer_job_wait(w->job, &w->item->result, err);
	layer_job_free(TAKE_PTR(w->job));
	if (source)
		r = close_source(w->item, r, err);
	w->item->read = r >= 0;
	if (r >= 0)
		return 0;
	digest_format(&w->item->in.diff_id, digest);
	return err_wrap(err, "layer %zu of %zu (%.19s…)", w->index + 1, u->total, digest);
}

static size_t jobs_at_once(void)
{
	cpu_set_t cpus;
	int n = sched_getaffinity(0, sizeof(cpus), &cpus) < 0 ? 2 : CPU_COUNT(&cpus);

	return n < 2 ? 2 : n > JOBS_MAX ? JOBS_MAX : (size_t)n;
}

static int run_all(struct unpacking *u, struct err *err)
{
	size_t started = 0, at_once = jobs_at_once();

	for (size_t i = 0; i < u->len; i++) {
		int r = 0;

		for (; r >= 0 && started < u->len && started < i + at_once; started++)
			if (u->works[started].needed)
				r = start_one(u, &u->works[started], err);
		if (r >= 0 && u->works[i].needed)
			r = finish_one(u, &u->works[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int commit_all(struct unpacking *u, struct err *err)
{
	bool any = false;
	int r = 0;

	for (size_t i = 0; i < u->len; i++)
		any |= u->works[i].apply;
	for (size_t i = 0; i < u->len && r >= 0; i++)
		if (u->works[i].apply && u->works[i].item->result.stand_ins > 0)
			r = store_set_copies_only(u->tmp->store, err);
	if (r >= 0 && any)
		r = store_sync(u->tmp->store, err);
	for (size_t i = 0; r >= 0 && i < u->len; i++) {
		const struct work *w = &u->works[i];
		const struct layer_result *result = &w->item->result;
		struct layer_info info = { result->entries, result->file_bytes, result->diff_size };

		if (w->apply)
			r = layer_commit(u->tmp, w->name, &w->item->in.diff_id, &info, err);
		if (r >= 0 && w->item->read && w->item->source)
			r = w->item->source->keep(w->item, w->item->source->arg, err);
	}
	return r;
}

int layers_unpack(struct store_tmp *tmp, const struct idmap *ids, struct unpack *items, size_t len, struct err *err)
{
	struct unpacking u = { .tmp = tmp, .ids = ids, .total = len };
	int r;

	u.works = calloc(len ? len : 1, sizeof(*u.works));
	if (!u.works)
		return err_oom(err);
	r = plan(&u, items, err);
	if (r >= 0)
		r = run_all(&u, err);
	if (r >= 0)
		r = commit_all(&u, err);
	unpacking_done(&u);
	return r;
}

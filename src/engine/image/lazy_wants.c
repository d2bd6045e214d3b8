/* What the files' helpers want, and where it comes from. */
#include "engine/image/lazy_impl.h"

#include "base/cleanup.h"
#include "base/timefmt.h"
#include "store/blob.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

static void remove_want(struct lazy_server *s, size_t at)
{
	free(s->wants[at]);
	s->wants_len--;
	memmove(&s->wants[at], &s->wants[at + 1], (s->wants_len - at) * sizeof(*s->wants));
}

void lazy_wants_done(struct lazy_server *s)
{
	while (s->wants_len)
		remove_want(s, s->wants_len - 1);
	free(TAKE_PTR(s->wants));
}

/* --- giving --- */

/* The layer is in the store by now. */
static int open_blob(struct lazy_server *s, const struct lazy_want *w, struct err *err)
{
	int fd = blob_open(s->engine->store, &w->layer->descriptor->digest, NULL, err);

	if (fd >= 0 && lseek(fd, (off_t)w->from, SEEK_SET) < 0) {
		err_errno(err, errno, "read a layer");
		close(fd);
		return -err->code;
	}
	return fd;
}

static int open_transfer(struct lazy_server *s, struct lazy_want *w, struct err *err)
{
	autoclose int in = -1, out = -1;
	int ends[2], r;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_errno(err, errno, "make a pipe");
	in = ends[0];
	out = ends[1];
	r = registry_start_part(s->pull.remote.registry, s->pull.remote.repo, &w->layer->descriptor->digest, w->from,
				w->end - w->from, out, &w->transfer, err);
	return r < 0 ? r : TAKE_FD(in);
}

static int give(struct lazy_server *s, struct lazy_want *w, struct err *err)
{
	autoclose int fd = s->is_whole ? open_blob(s, w, err) : open_transfer(s, w, err);

	if (fd < 0)
		return fd;
	w->given = true;
	return layer_lazy_give(w->layer->job, fd, err);
}

/* In the order of the wants, a few at a time. */
static int give_more(struct lazy_server *s, struct err *err)
{
	size_t given = 0;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < s->wants_len && given < LAZY_TRANSFERS; i++, given++)
		if (!s->wants[i]->given)
			r = give(s, s->wants[i], err);
	return r;
}

/* --- events --- */

static int add_want(struct lazy_server *s, struct lazy_layer *layer, const struct layer_lazy_event *e, struct err *err)
{
	struct lazy_want *w;

	if (e->end > layer->descriptor->size)
		return err_set(err, EBADMSG, "'%s' lies outside of its layer", e->name);
	/* Each stands for a process that waits. */
	if (s->wants_len == LAZY_WANTS_MAX)
		return err_set(err, E2BIG, "more than %d files are waited for at once", LAZY_WANTS_MAX);
	if (!s->wants)
		s->wants = calloc(LAZY_WANTS_MAX, sizeof(struct lazy_want *));
	w = s->wants ? calloc(1, sizeof(*w)) : NULL;
	if (!w)
		return err_oom(err);
	*w = (struct lazy_want){
		.layer = layer, .from = e->from, .end = e->end, .deadline_us = time_now_us() + s->patience_us
	};
	memcpy(w->name, e->name, sizeof(w->name));
	s->wants[s->wants_len++] = w;
	return 0;
}

static struct lazy_want *first_of(struct lazy_server *s, const struct lazy_layer *layer, size_t *ret_at)
{
	for (size_t i = 0; i < s->wants_len; i++) {
		*ret_at = i;
		if (s->wants[i]->layer == layer && s->wants[i]->given)
			return s->wants[i];
	}
	return NULL;
}

static int take_done(struct lazy_server *s, struct lazy_layer *layer, struct err *err)
{
	size_t at;
	struct lazy_want *w = first_of(s, layer, &at);
	int r;

	if (!w)
		return err_set(err, EPROTO, "the layer helper has done what it wasn't asked for");
	/* The helper has read to the end: the answer is there, or about to be. */
	r = w->transfer ? registry_wait(s->pull.remote.registry, w->transfer, err) : 0;
	if (r == -EPIPE)
		r = 0;
	remove_want(s, at);
	return r;
}

/* What cut the bytes off says more than that they were cut off. */
static int explain(struct lazy_server *s, struct lazy_layer *layer, int r, struct err *err)
{
	struct err why = { 0 };
	size_t at;
	struct lazy_want *w = r == -EBADMSG ? first_of(s, layer, &at) : NULL;
	int cut = w && w->transfer ? registry_wait(s->pull.remote.registry, w->transfer, &why) : 0;

	if (cut >= 0 || cut == -EPIPE)
		return r;
	err_clear(err);
	err_set(err, why.code, "'%s': %s", w->name, why.msg);
	if (why.hint[0])
		err_hint(err, "%s", why.hint);
	return cut;
}

int lazy_take_event(struct lazy_server *s, struct lazy_layer *layer, struct err *err)
{
	struct layer_lazy_event event;
	int r = layer_lazy_next(layer->job, &event, err);

	if (r < 0)
		return explain(s, layer, r, err);
	if (event.kind == LAYER_LAZY_WANT)
		r = add_want(s, layer, &event, err);
	else if (event.kind == LAYER_LAZY_DONE)
		r = take_done(s, layer, err);
	return r < 0 ? r : give_more(s, err);
}

int lazy_check_deadlines(struct lazy_server *s, struct err *err)
{
	struct itimerspec when = { 0 };
	uint64_t now = time_now_us(), ticks, first;
	ssize_t n = read(s->timer, &ticks, sizeof(ticks));

	(void)n;
	if (s->wants_len == 0) {
		timerfd_settime(s->timer, 0, &when, NULL);
		return 0;
	}
	first = s->wants[0]->deadline_us;
	if (first <= now) {
		err_set(err, ETIMEDOUT, "'%s' has not come within %llu seconds", s->wants[0]->name,
			(unsigned long long)(s->patience_us / 1000000));
		return err_hint(err,
				"without --lazy the image is brought whole first; sysctl fs.lease-break-time says how "
				"long the kernel lets programs wait");
	}
	when.it_value.tv_sec = (time_t)((first - now) / 1000000);
	when.it_value.tv_nsec = (long)((first - now) % 1000000 * 1000) + 1;
	return timerfd_settime(s->timer, 0, &when, NULL) < 0 ? err_errno(err, errno, "set a timer") : 0;
}

#include "engine/build/pick.h"

#include "base/cleanup.h"
#include "engine/build/cache.h"
#include "engine/build/list.h"
#include "runtime/runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

/* Files changed so shortly before may change again without the kernel's times showing it. */
enum { RACY_NS = 50 * 1000 * 1000 };

void build_pick_done(struct build_pick *p)
{
	strv_done(&p->words);
	if (p->owned_fd && p->fd >= 0)
		close(p->fd);
	store_image_done(&p->image);
	sources_done(&p->sources);
}

static int open_copy(struct build_pick *p, const struct store_image *image, struct err *err)
{
	const char *path;
	int r = build_layers_source(&p->at->s->layers, image, &path, err);

	if (r < 0)
		return r;
	p->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return p->fd < 0 ? err_errno(err, errno, "open '%s'", path) : 0;
}

/* The files of IMAGE as a folder: one layer as it lies there, several through a read-only overlay. */
static int open_root(struct build_pick *p, const struct store_image *image, struct err *err)
{
	struct build_session *s = p->at->s;
	autostrv struct strv lowers = { 0 };
	struct merged_root root;
	struct err why = { 0 };
	int r = build_layers_ensure(&s->layers, image, err);

	if (r >= 0)
		r = build_layers_lowers(&s->layers, image, false, &lowers, err);
	if (r < 0)
		return r;
	/* Without the skeleton: its empty files are nobody's to copy. */
	strv_remove(&lowers, lowers.len - 1);
	if (lowers.len == 0)
		return err_set(err, ENOENT, "it has no files");
	if (lowers.len == 1) {
		p->fd = open(lowers.items[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		return p->fd < 0 ? err_errno(err, errno, "open '%s'", lowers.items[0]) : 0;
	}
	r = s->store->copies_only ? -RUNTIME_OVERLAY_REFUSED
				  : merged_root_open(&s->ids, s->store->root, &lowers, NULL, NULL, NULL, &root, &why);
	if (r == -RUNTIME_OVERLAY_REFUSED)
		return open_copy(p, image, err);
	if (r < 0 && err)
		*err = why;
	if (r >= 0)
		p->fd = root.fd;
	return r;
}

int build_pick_from(struct build_pick *p, const char *name, size_t offset, struct err *err)
{
	struct build_session *s = p->at->s;
	struct err why = { 0 };
	ssize_t stage;
	int r;

	if (!name)
		return 0;
	stage = plan_find_stage(&s->plan, p->at->stage, name, true);
	if (stage >= 0 && s->states[stage].done) {
		p->from = &s->states[stage].image;
		return 0;
	}
	r = build_find_image(s, name, &p->image, &why);
	if (r < 0) {
		build_fail(p->at, offset, err, -r, "'%s' is no stage before this one, and no image: %s", name, why.msg);
		return err_hint(err, "%s", why.hint);
	}
	p->from = &p->image;
	return 0;
}

static int list_from(struct build_pick *p, size_t offset, struct err *err)
{
	struct err why = { 0 };
	int r;

	p->owned_fd = true;
	r = open_root(p, p->from, &why);
	if (r >= 0)
		r = build_list_roots(&p->at->s->ids, p->fd, &p->words, &p->sources, &why);
	return r < 0 ? build_fail(p->at, offset, err, -r, "%s: %s", p->what, why.msg) : 0;
}

static int list_context(struct build_pick *p, const struct dockerfile_args *places, size_t offset, struct err *err)
{
	struct build_context *context = &p->at->s->context;
	const struct dockerignore *ignore = NULL;
	struct err why = { 0 };
	int r = 0;

	if (!p->owned_fd) {
		p->fd = context->fd;
		ignore = &context->ignore;
		if (p->fd < 0)
			return build_fail(p->at, 0, err, ENOENT,
					  "there is no context: the Dockerfile came alone, from stdin");
	}
	for (size_t i = 0; i < p->words.len && r >= 0; i++) {
		r = sources_add(&p->sources, p->fd, ignore, p->words.items[i], &why);
		if (r < 0)
			build_fail(p->at, places ? places->items[i].offset : offset, err, -r, "%s: %s", p->what,
				   why.msg);
	}
	return r;
}

int build_pick_list(struct build_pick *p, const struct dockerfile_args *places, size_t offset, struct err *err)
{
	int r = p->from ? list_from(p, offset, err) : list_context(p, places, offset, err);

	if (r >= 0 && p->sources.entries_len == 0)
		return build_fail(p->at, offset, err, ENOENT, "%s: no source matches", p->what);
	return r;
}

static int make_items(const struct build_pick *p, const struct build_put *put, struct layer_items *ret,
		      struct strv *dests, struct err *err)
{
	for (size_t i = 0; i < p->sources.entries_len; i++) {
		struct layer_item item = { .source = p->sources.entries[i].path };

		if (p->sources.shallow && p->sources.entries[i].is_dir)
			item.flags = LAYER_ITEM_RECURSE;
		if (put && put->skip && put->skip[p->sources.entries[i].root])
			continue;
		if (put) {
			if (strv_take(dests, sources_dest(&p->sources, i, put->dest, put->into)) < 0)
				return err_oom(err);
			item.dest = dests->items[dests->len - 1];
		}
		if (layer_items_push(ret, item) < 0)
			return err_oom(err);
	}
	return 0;
}

static int hash_files(const struct build_pick *p, struct digest *ret, struct err *err)
{
	struct layer_request q = { .verb = LAYER_HASH, .ids = p->from ? &p->at->s->ids : NULL };
	struct layer_items items = { 0 };
	struct layer_result result;
	int r = make_items(p, NULL, &items, NULL, err);

	q.hash.context_fd = p->fd;
	q.hash.keep_owners = p->keep_owners;
	q.hash.items = items.items;
	q.hash.items_len = items.len;
	if (r >= 0)
		r = layer_run(&q, &result, err);
	free(items.items);
	if (r < 0)
		return err_wrap(err, "read the files to be copied");
	*ret = result.digest;
	return 0;
}

static int sign(const struct build_pick *p, struct digest *ret, struct err *err)
{
	CLEANUP(key_done) struct key k = KEY_INIT;

	key_add_str(&k, "cloche sources 1");
	key_add(&k, buf_str(&p->sources.signature), p->sources.signature.len);
	return key_finish(&k, ret, err);
}

int build_pick_known(const struct build_pick *p, struct digest *ret, struct err *err)
{
	struct digest signature;
	int r = p->from ? 0 : sign(p, &signature, err);

	return r < 0 || p->from ? r : build_cache_find_sources(p->at->s->store, &signature, ret);
}

int build_pick_remember(const struct build_pick *p, const struct digest *content, struct timespec since,
			struct err *err)
{
	struct digest signature;
	int r;

	if (p->from || since.tv_sec * INT64_C(1000000000) + since.tv_nsec - p->sources.newest_ns <= RACY_NS)
		return 0;
	r = sign(p, &signature, err);
	if (r >= 0)
		build_cache_put_sources(p->at->s->store, &signature, content);
	return r;
}

int build_pick_content(const struct build_pick *p, struct digest *ret, struct err *err)
{
	struct timespec now;
	int r = build_pick_known(p, ret, err);

	if (r != 0)
		return r < 0 ? r : 0;
	clock_gettime(CLOCK_REALTIME, &now);
	r = hash_files(p, ret, err);
	return r < 0 ? r : build_pick_remember(p, ret, now, err);
}

void build_pick_add_origin(const struct build_pick *p, struct key *k)
{
	for (size_t i = 0; i < p->from->config.diff_ids_len; i++)
		key_add_digest(k, &p->from->config.diff_ids[i]);
}

int build_pick_copy(const struct build_pick *p, const struct build_put *put, int root_fd, struct layer_copy copy,
		    struct err *err)
{
	struct layer_request q = { .verb = LAYER_COPY, .ids = &p->at->s->ids, .copy = copy };
	autostrv struct strv dests = { 0 };
	struct layer_items items = { 0 };
	int r = make_items(p, put, &items, &dests, err);

	q.copy.context_fd = p->fd;
	q.copy.root_fd = root_fd;
	q.copy.keep_owners = p->keep_owners;
	q.copy.items = items.items;
	q.copy.items_len = items.len;
	if (r >= 0 && items.len > 0)
		r = layer_run(&q, NULL, err);
	free(items.items);
	return r;
}

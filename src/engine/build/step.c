/* What RUN, COPY, ADD and WORKDIR have in common: key, cache, upper folder, layer. */
#include "base/cleanup.h"
#include "base/str.h"
#include "engine/build/cache.h"
#include "engine/build/session.h"
#include "engine/run/user.h"
#include "runtime/runtime.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

void build_key_begin(const struct build_at *at, const char *what, bool with_parents, struct key *k)
{
	const struct image_config *config = &at->state->image.config;
	uint64_t count = with_parents ? config->diff_ids_len : 0;

	key_add_str(k, "cloche step 1");
	key_add_str(k, what);
	key_add(k, &count, sizeof(count));
	for (size_t i = 0; i < count; i++)
		key_add_digest(k, &config->diff_ids[i]);
	/* With a clamp on times the same step makes other bytes. */
	key_add(k, &at->s->options->epoch, sizeof(at->s->options->epoch));
}

/* What an earlier step of this very build made, and is not in place yet. */
static const struct build_entry *find_waiting(const struct build_layers *l, const struct digest *key)
{
	for (size_t i = 0; i < l->entries.len; i++)
		if (digest_equal(&l->entries.items[i].key, key))
			return &l->entries.items[i];
	return NULL;
}

int build_step_find(struct build_at *at, const struct digest *key, struct err *err)
{
	const struct build_entry *waiting = find_waiting(&at->s->layers, key);
	struct build_entry entry = { .key = *key };
	int r;

	if (at->s->options->no_cache)
		return 0;
	if (waiting)
		entry = *waiting;
	r = waiting ? 1 : build_cache_find(at->s->store, key, &entry, err);
	if (r == 1)
		memcpy(at->state->created, entry.created, sizeof(entry.created));
	if (r == 1 && entry.has_layer)
		r = build_image_add_layer(&at->state->image, &entry, err) < 0 ? -ENOMEM : 1;
	return r;
}

/* Never in silence: it costs a copy of the image's files. */
static int make_on_copy(struct build_at *at, struct build_upper *u, build_make_fn fn, void *arg, struct err *err)
{
	int r;

	if (!at->s->told_of_copies)
		build_notice(at->s,
			     "the kernel refuses an overlay in '%s': the steps work in a copy of the image's files; "
			     "a store on another file system (--root) is faster",
			     at->s->store->root);
	at->s->told_of_copies = true;
	r = build_upper_copy(u, &at->state->image, err);
	return r < 0 ? r : fn(at, u, arg, err);
}

int build_step_make(struct build_at *at, const struct digest *key, build_make_fn fn, void *arg, struct err *err)
{
	autoupper struct build_upper upper = BUILD_UPPER_INIT;
	struct err refusal = { 0 };
	struct build_layers *l = &at->s->layers;
	struct build_entry entry = { 0 };
	int r = build_layers_ensure(l, &at->state->image, err);

	memcpy(entry.created, at->s->now, sizeof(entry.created));
	if (r >= 0)
		r = build_upper_open(l, &at->state->image, &upper, err);
	if (r >= 0)
		r = fn(at, &upper, arg, &refusal);
	if (r == -RUNTIME_OVERLAY_REFUSED)
		r = make_on_copy(at, &upper, fn, arg, err);
	else if (r < 0 && refusal.code && err)
		*err = refusal;
	if (r == BUILD_MADE_BEFORE)
		return 1;
	entry.key = *key;
	if (r == 0)
		build_upper_unchanged(&upper, &at->state->image);
	if (r == 1)
		r = build_upper_commit(&upper, &at->state->image, &entry, err);
	memcpy(at->state->created, entry.created, sizeof(entry.created));
	return r < 0 ? r : build_layers_remember(l, &entry, err);
}

int build_step_alias(struct build_at *at, const struct digest *key, struct err *err)
{
	const struct store_image *image = &at->state->image;
	struct build_entry entry = { .key = *key, .has_layer = image->config.diff_ids_len > at->layers };

	memcpy(entry.created, at->state->created, sizeof(entry.created));
	if (entry.has_layer) {
		const struct descriptor *last = &image->manifest.layers[image->manifest.layers_len - 1];

		entry.diff_id = image->config.diff_ids[image->config.diff_ids_len - 1];
		entry.blob = last->digest;
		entry.size = last->size;
	}
	return build_layers_remember(&at->s->layers, &entry, err);
}

int build_step_root(struct build_at *at, struct build_upper *u, bool without_parents, const char *probe,
		    struct merged_root *ret, struct err *err)
{
	static const struct store_image none = { 0 };
	autostrv struct strv lowers = { 0 };
	struct build_session *s = at->s;
	int r = build_layers_lowers(&s->layers, without_parents ? &none : &at->state->image, false, &lowers, err);

	if (r < 0)
		return r;
	if (u->tree)
		return merged_root_open_tree(u->tree, probe, ret, err);
	if (s->store->copies_only)
		return store_refuse_overlay(s->store, RUNTIME_OVERLAY_REFUSED, err);
	return merged_root_open(&s->ids, s->store->root, &lowers, u->upper, u->work, probe, ret, err);
}

static int read_text(int root_fd, const char *path, struct buf *text, struct err *err)
{
	autoclose int fd = fs_open_in_root(root_fd, path, O_RDONLY | O_NONBLOCK, 0, err);

	if (fd == -ENOENT || fd == -ENOTDIR) {
		err_clear(err);
		return 0;
	}
	return fd < 0 ? fd : fs_read_fd(fd, RUN_PASSWD_MAX, text, err);
}

int build_find_user(int root_fd, const char *spec, struct run_user *ret, struct err *err)
{
	autobuf struct buf passwd = BUF_INIT(RUN_PASSWD_MAX), group = BUF_INIT(RUN_PASSWD_MAX);
	static const struct strv none = { 0 };
	int r = read_text(root_fd, "/etc/passwd", &passwd, err);

	if (r >= 0)
		r = read_text(root_fd, "/etc/group", &group, err);
	return r < 0 ? r : run_user_resolve(spec, &none, buf_str(&passwd), buf_str(&group), ret, err);
}

#include "engine/container/diff_of.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "engine/container/container.h"
#include "engine/container/userns.h"
#include "engine/skeleton.h"
#include "layer/ensure.h"
#include "store/image.h"
#include "store/layers.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* The layers' root folders, topmost first; the skeleton, if wanted, is the last. */
struct stack {
	int fds[LAYERED_MAX];
	size_t len;
};

static void stack_done(struct stack *s)
{
	for (size_t i = 0; i < s->len; i++)
		close(s->fds[i]);
	s->len = 0;
}

static int push(struct stack *s, const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_errno(err, errno, "open '%s'", path);
	s->fds[s->len++] = fd;
	return 0;
}

static int open_layers(struct engine *e, const struct store_image *img, struct stack *s, struct err *err)
{
	int r = layers_ensure(e->store, &e->ids, img, err);

	if (r >= 0 && img->config.diff_ids_len >= LAYERED_MAX)
		r = err_set(err, E2BIG, "more than %d layers", LAYERED_MAX - 1);
	for (size_t i = img->config.diff_ids_len; r >= 0 && i-- > 0;) {
		char dir[LAYER_DIR_MAX];
		autofree char *path = NULL;

		layer_path(e->store, &img->config.diff_ids[i], dir);
		path = str_format("%s/%s/fs", e->store->root, dir);
		r = path ? push(s, path, err) : err_oom(err);
	}
	return r;
}

static int diff_container(struct engine *e, const char *id, const struct diff_callbacks *cb, struct err *err)
{
	CLEANUP(stack_done) struct stack stack = { .len = 0 };
	const struct diff_layer_info info = { 0 };
	autorecord struct container_record record = { 0 };
	autofree char *skeleton = NULL;
	autoimage struct store_image img = { 0 };
	autoclose int dir = -1, upper = -1;
	struct container_keep keep;
	struct layered lowers;
	struct digest manifest;
	int r = container_record_read(e->store, id, &record, err);

	if (r >= 0)
		r = container_userns_of(&record, e->store, &e->ids, &keep, err);
	if (r >= 0)
		r = digest_parse(record.manifest ? record.manifest : "", &manifest, err);
	if (r >= 0)
		r = store_image_open_manifest(e->store, &manifest, &img, err);
	if (r >= 0)
		r = open_layers(e, &img, &stack, err);
	if (r >= 0)
		r = skeleton_ensure(e->store, &skeleton, err);
	if (r >= 0)
		r = push(&stack, skeleton, err);
	if (r < 0)
		return r;
	dir = container_open(e->store, id, err);
	if (dir < 0)
		return dir;
	upper = container_open_upper(dir, err);
	if (upper < 0)
		return upper;
	lowers = (struct layered){ stack.fds, stack.len };
	r = cb->on_layer(&info, cb->arg, err);
	return r < 0 ? r : diff_layer(upper, &lowers, &e->ids, cb->on_entry, cb->arg, err);
}

static int diff_image(struct engine *e, const struct store_image *img, const struct diff_callbacks *cb, struct err *err)
{
	CLEANUP(stack_done) struct stack stack = { .len = 0 };
	int r = open_layers(e, img, &stack, err);

	for (size_t i = 0; r >= 0 && i < img->config.diff_ids_len; i++) {
		size_t at = stack.len - 1 - i;
		struct layered lowers = { stack.fds + at + 1, i };
		const struct image_history *history = image_config_layer_history(&img->config, i);
		char diff_id[DIGEST_STR_MAX];
		struct diff_layer_info info = { .number = i + 1, .count = stack.len, .diff_id = diff_id };

		digest_format(&img->config.diff_ids[i], diff_id);
		info.created_by = history ? history->created_by : NULL;
		r = cb->on_layer(&info, cb->arg, err);
		if (r >= 0)
			r = diff_layer(stack.fds[at], &lowers, &e->ids, cb->on_entry, cb->arg, err);
	}
	return r;
}

int engine_diff(struct engine *e, const char *what, const struct diff_callbacks *callbacks, struct err *err)
{
	autoimage struct store_image img = { 0 };
	char id[CONTAINER_ID_MAX];
	int r = container_find(e->store, what, id, err);

	if (r >= 0)
		return diff_container(e, id, callbacks, err);
	if (r != -ENOENT)
		return r;
	err_clear(err);
	r = store_image_open(e->store, what, &img, err);
	if (r == -ENOENT) {
		err_clear(err);
		err_set(err, ENOENT, "there is neither a container nor an image '%s'", what);
		return err_hint(err, "'cloche ps -a' and 'cloche images' list them");
	}
	return r < 0 ? r : diff_image(e, &img, callbacks, err);
}

/* WORKDIR: configuration, and a folder if the image has none of that name. */
#include "base/cleanup.h"
#include "base/str.h"
#include "build/apply.h"
#include "engine/build/session.h"
#include "engine/run/user.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* An empty folder copied to the place: the helper makes the parents too, all of them the user's. */
static int make_folder(struct build_at *at, const struct build_upper *u, const struct merged_root *root,
		       struct err *err)
{
	const struct image_config *config = &at->state->image.config;
	struct layer_item item = { .dest = config->working_dir, .source = "." };
	struct layer_request q = { .verb = LAYER_COPY, .ids = &at->s->ids };
	autoclose int empty = open(u->merged, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autouser struct run_user user = { 0 };
	int r;

	if (empty < 0)
		return err_errno(err, errno, "open '%s'", u->merged);
	if (config->user && *config->user) {
		r = build_find_user(root->fd, config->user, &user, err);
		if (r < 0)
			return r;
	}
	q.copy.context_fd = empty;
	q.copy.root_fd = root->fd;
	q.copy.uid = user.uid;
	q.copy.gid = user.gid;
	q.copy.has_mode = true;
	q.copy.mode = 0755;
	q.copy.items = &item;
	q.copy.items_len = 1;
	r = layer_run(&q, NULL, err);
	return r < 0 ? r : 1;
}

static int make_layer(struct build_at *at, struct build_upper *u, void *arg, struct err *err)
{
	const char *path = at->state->image.config.working_dir;
	struct merged_root root = { .fd = -1 };
	struct err why = { 0 };
	int r = build_step_root(at, u, false, path, &root, &why);

	(void)arg;
	if (r >= 0 && root.probe_exists && !root.probe_is_dir)
		r = err_set(&why, ENOTDIR, "'%s' is there and no folder", path);
	else if (r >= 0 && !root.probe_exists)
		r = make_folder(at, u, &root, &why);
	else if (r >= 0)
		r = 0;
	if (root.fd >= 0)
		close(root.fd);
	return r < 0 ? build_fail(at, 0, err, -r, "%s", why.msg) : r;
}

static int make_key(const struct build_at *at, struct digest *ret, struct err *err)
{
	CLEANUP(key_done) struct key k = KEY_INIT;

	build_key_begin(at, "WORKDIR", true, &k);
	key_add_str(&k, at->state->image.config.working_dir);
	key_add_str(&k, at->state->image.config.user);
	return key_finish(&k, ret, err);
}

int build_workdir(struct build_at *at, struct err *err)
{
	autobuf struct buf history = BUF_INIT(DOCKERFILE_LINE_MAX * 2);
	struct apply a = { at->df, at->vars, &at->state->image.config, &at->state->cmd_is_own };
	struct build_timer timer;
	struct digest key;
	int r = apply_instruction(&a, at->in, &history, err);

	if (r >= 0)
		r = make_key(at, &key, err);
	if (r >= 0)
		r = build_step_begin(at->s, at->state, at->stage, at->in->text, &timer, err);
	if (r < 0)
		return r;
	r = build_step_find(at, &key, err);
	timer.step.cached = r == 1;
	if (r == 0)
		build_step_work(at->s, &timer);
	if (r == 0)
		r = build_step_make(at, &key, make_layer, NULL, err);
	build_step_end(at->s, &timer, r);
	if (r < 0)
		return r;
	return build_history(at, buf_str(&history), err);
}

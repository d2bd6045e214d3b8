/* Maps of ids that hang on the image or on another container: --userns auto, and whose user namespace is shared. */
#include "engine/run/session.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "engine/container/auto_ids.h"
#include "engine/run/user.h"

#include <errno.h>
#include <string.h>

static int read_text(const struct layered *l, const char *path, struct buf *ret, struct err *err)
{
	int r = layered_read_file(l, path, RUN_PASSWD_MAX, ret, err);

	if (r != -ENOENT && r != -ENOTDIR)
		return r;
	err_clear(err);
	return 0;
}

static uint32_t max_of(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* So many as the image's users and groups and the user who was asked for need. */
static int find_size(struct run_session *s, const struct run_options *o, uint32_t *ret, struct err *err)
{
	const struct layered layers = { s->layer_fds, s->layer_fds_len };
	autobuf struct buf passwd = BUF_INIT(RUN_PASSWD_MAX), group = BUF_INIT(RUN_PASSWD_MAX);
	autouser struct run_user u = { 0 };
	uint32_t size = AUTO_IDS_MIN;
	int r = read_text(&layers, "/etc/passwd", &passwd, err);

	if (r >= 0)
		r = read_text(&layers, "/etc/group", &group, err);
	if (r >= 0)
		r = run_user_resolve(o->user ? o->user : s->image.config.user, &o->group_add, buf_str(&passwd),
				     buf_str(&group), &u, err);
	if (r < 0)
		return r;
	size = max_of(size, run_user_count_ids(&u, buf_str(&passwd), buf_str(&group)));
	*ret = size < AUTO_IDS_MAX ? size : AUTO_IDS_MAX;
	return 0;
}

static int choose(struct run_session *s, const struct run_options *o, const char *options, struct err *err)
{
	struct auto_ids want;
	int r = auto_ids_parse(options, &want, err);

	if (r >= 0 && s->ids.mode != ID_MODE_SINGLE && !want.size) {
		/* The image's own files tell, through the layers of the usual map, which are there anyway. */
		r = run_find_layers(s, err);
		if (r >= 0)
			r = find_size(s, o, &want.size, err);
		run_drop_layers(s);
	}
	if (r >= 0)
		r = auto_ids_choose(s->store, &want, &s->ids, &s->userns, err);
	if (r < 0)
		return err_wrap(err, "--userns '%s'", o->userns);
	s->ids_lock = r;
	s->keep = (struct container_keep){ .is_auto = true };
	container_userns_use(s->store, &s->ids, &s->keep);
	return 0;
}

int run_userns_settle(struct run_session *s, const struct run_options *o, struct err *err)
{
	const char *options = o->userns ? str_skip_prefix(o->userns, "auto") : NULL;

	if (options && (!*options || *options == ':'))
		return choose(s, o, options, err);
	return run_shares_ids(s->store, o, &s->ids, &s->keep, &s->userns, err);
}

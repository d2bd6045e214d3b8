#include "engine/exec/cp.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "engine/exec/cp_plan.h"
#include "engine/exec/cp_root.h"
#include "layer/client.h"
#include "layer/ensure.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void cp_side_done(struct cp_side *side)
{
	free(side->container);
	*side = (struct cp_side){ 0 };
}

int cp_side_parse(const char *word, struct cp_side *ret, struct err *err)
{
	const char *colon = strchr(word, ':');
	struct cp_side side = { .path = word };

	if (word[0] != '/' && word[0] != '.' && colon) {
		side.path = colon + 1;
		side.container = strndup(word, (size_t)(colon - word));
		if (!side.container)
			return err_oom(err);
	}
	if (!*side.path || (side.container && !*side.container)) {
		err_set(err, EINVAL, "'%s': nothing %s the colon", word, *side.path ? "before" : "behind");
		cp_side_done(&side);
		return -EINVAL;
	}
	*ret = side;
	return 0;
}

static bool is_stream(const struct cp_side *side)
{
	return !side->container && strcmp(side->path, "-") == 0;
}

/* Absolute, with what was typed at its end. */
static char *absolute(const struct cp_side *side)
{
	autofree char *cwd = NULL;

	if (side->path[0] == '/')
		return strdup(side->path);
	if (side->container)
		return str_format("/%s", side->path);
	cwd = getcwd(NULL, 0);
	return cwd ? str_format("%s/%s", cwd, side->path) : NULL;
}

/* --- from here to there --- */

static void plan_done(struct cp_plan *plan)
{
	if (plan->from_fd >= 0)
		close(plan->from_fd);
	if (plan->to_fd >= 0)
		close(plan->to_fd);
}

/*
 * Without -a, files belong to root in the container, and to us on the host, who are root in the container's ids. An ordinary user
 * can't own what is somebody else's there, so on the host -a means owners for root alone.
 */
static int copy(struct engine *e, const struct cp_plan *plan, bool keep_owners, struct layer_result *result,
		struct err *err)
{
	const struct layer_item item = {
		.dest = plan->dest, .source = plan->source, .flags = plan->is_folder ? LAYER_ITEM_RECURSE : 0, .fd = -1
	};
	const struct layer_request q = { .verb = LAYER_COPY,
					 .ids = &e->ids,
					 .copy = { .context_fd = plan->from_fd,
						   .root_fd = plan->to_fd,
						   .keep_owners = keep_owners,
						   .items = &item,
						   .items_len = 1 } };

	return layer_run(&q, result, err);
}

/* As a folder of its own first, since an archive is made of a whole one. */
static int write_tar(struct engine *e, struct cp_plan *plan, struct layer_result *result, struct err *err)
{
	struct layer_request make = { .verb = LAYER_MAKE, .ids = &e->ids };
	struct layer_request remove = { .verb = LAYER_REMOVE, .ids = &e->ids };
	CLEANUP(store_tmp_done) struct store_tmp tmp = STORE_TMP_INIT;
	int r = store_tmp_open(e->store, &tmp, err);

	if (r < 0)
		return r;
	if (mkdirat(tmp.dir_fd, "cp", 0755) < 0)
		return err_errno(err, errno, "make a folder in '%s/%s'", e->store->root, tmp.name);
	plan->to_fd = openat(tmp.dir_fd, "cp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = plan->to_fd < 0 ? err_errno(err, errno, "open '%s/%s/cp'", e->store->root, tmp.name)
			    : copy(e, plan, true, result, err);
	if (r >= 0) {
		make.make = (struct layer_make){ .tree_fd = plan->to_fd, .out_fd = STDOUT_FILENO, .plain = true };
		r = layer_run(&make, NULL, err);
	}
	remove.remove = (struct layer_remove){ .dir_fd = tmp.dir_fd, .name = "cp" };
	layer_run(&remove, NULL, NULL);
	return r;
}

static bool same_ranges(const struct id_range *a, size_t a_len, const struct id_range *b, size_t b_len)
{
	return a_len == b_len && memcmp(a, b, a_len * sizeof(*a)) == 0;
}

/* Owners in two containers whose ids are mapped in different ways (--userns keep-id) aren't the same people. */
static int check_maps(const struct idmap *from, const struct idmap *to, struct err *err)
{
	if (same_ranges(from->uids, from->uids_len, to->uids, to->uids_len) &&
	    same_ranges(from->gids, from->gids_len, to->gids, to->gids_len))
		return 0;
	err_set(err, EOPNOTSUPP, "the two containers have their ids mapped in different ways");
	return err_hint(err, "copy into a folder of the host, and from there into the other");
}

/* By one that has the ids of the side that is written: on the host the usual ones, in which root is us. */
static int copy_between(struct engine *e, const struct cp_options *o, const struct cp_side *from,
			const struct cp_side *to, struct layer_result *result, struct err *err)
{
	CLEANUP(cp_root_done) struct cp_root from_root = CP_ROOT_INIT;
	CLEANUP(cp_root_done) struct cp_root to_root = CP_ROOT_INIT;
	CLEANUP(plan_done) struct cp_plan plan = { .from_fd = -1, .to_fd = -1 };
	autofree char *source = absolute(from), *dest = is_stream(to) ? NULL : absolute(to);
	struct cp_request q = { .from = source, .to = dest, .follow = o->follow };
	struct engine there = *e, here = *e, *by = dest ? &here : &there;
	bool keep = o->archive && (to->container || e->ids.mode == ID_MODE_ROOT);
	int r;

	if (!source || (!dest && !is_stream(to)))
		return err_oom(err);
	r = cp_root_open(&there, from->container, &from_root, err);
	if (r >= 0 && dest)
		r = cp_root_open(&here, to->container, &to_root, err);
	if (r >= 0 && from->container && to->container)
		r = check_maps(&there.ids, &here.ids, err);
	if (r < 0)
		return r;
	q.from_root = from_root.fd;
	q.to_root = to_root.fd;
	r = cp_plan_make(&q, by->ids.mode == ID_MODE_ROOT ? NULL : &by->ids, &plan, err);
	if (r < 0)
		return r;
	return dest ? copy(by, &plan, keep, result, err) : write_tar(by, &plan, result, err);
}

/* --- a tar --- */

static int read_tar(struct engine *e, const struct cp_options *o, const struct cp_side *to, struct layer_result *result,
		    struct err *err)
{
	CLEANUP(cp_root_done) struct cp_root root = CP_ROOT_INIT;
	autofree char *dest = absolute(to);
	struct layer_request q = { .verb = LAYER_APPLY, .ids = &e->ids };
	struct cp_request look = { .from = dest, .follow = true };
	CLEANUP(plan_done) struct cp_plan plan = { .from_fd = -1, .to_fd = -1 };
	int r;

	if (!dest)
		return err_oom(err);
	r = cp_root_open(e, to->container, &root, err);
	look.from_root = root.fd;
	if (r >= 0)
		r = cp_plan_make(&look, e->ids.mode == ID_MODE_ROOT ? NULL : &e->ids, &plan, err);
	if (r < 0)
		return r;
	if (!plan.is_folder)
		return err_set(err, ENOTDIR, "'%s' is no folder: an archive is unpacked into one", to->path);
	q.apply = (struct layer_apply){ .in = { .fd = STDIN_FILENO },
					.dir_fd = root.fd,
					.name = dest,
					.flags = LAYER_PLAIN | LAYER_INTO | (o->archive ? 0 : LAYER_NO_OWNERS) };
	return layer_run(&q, result, err);
}

int engine_cp(struct engine *e, const struct cp_options *options, const struct cp_side *from, const struct cp_side *to,
	      uint64_t *ret_bytes, struct err *err)
{
	struct layer_result result = { 0 };
	int r;

	if (!from->container && !to->container) {
		err_set(err, EINVAL, "neither side is in a container");
		return err_hint(err, "name one as CONTAINER:PATH");
	}
	r = is_stream(from) ? read_tar(e, options, to, &result, err) : copy_between(e, options, from, to, &result, err);
	if (r < 0)
		return r;
	*ret_bytes = result.file_bytes;
	return 0;
}

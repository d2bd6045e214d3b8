/*
 * Opening what is the caller's before becoming somebody else.
 *
 * Where the caller's own id is none of the container's (--userns auto), root of its user namespace has no right to enter the
 * caller's folders. Until it becomes that root the new process is still the caller, though. So all that it will need of the
 * machine's is opened then, in its own mount namespace as the kernel wants it, and named /proc/self/fd/N from there on.
 */
#include "runtime/start.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum { AHEAD_NAME = 32 };

/* What getuid(2) says of an id that is not mapped; /proc/sys/kernel/overflowuid has never been seen to be another. */
enum { UNMAPPED = 65534 };

/* The number of paths that an overlay has. */
static size_t count_paths(const struct runtime_overlay *o)
{
	return o ? o->lowers_len + 2 : 0;
}

int start_prepare_ahead(struct start *st, struct err *err)
{
	size_t count = count_paths(st->options->overlay);

	st->is_outsider =
		start_joins(st, CLONE_NEWUSER) ||
		(st->clone_flags & CLONE_NEWUSER && idmap_inside(st->ids.uids, st->ids.uids_len, geteuid()) < 0);
	if (!st->is_outsider)
		return 0;
	for (size_t i = 0; i < st->mounts_len; i++)
		count += st->mounts[i].kind == PLAN_OVERLAY ? count_paths(&st->mounts[i].overlay) : 0;
	if (st->options->overlay) {
		st->overlay_ahead = *st->options->overlay;
		st->lowers_ahead = calloc(st->overlay_ahead.lowers_len, sizeof(*st->lowers_ahead));
		if (!st->lowers_ahead)
			return err_oom(err);
		memcpy(st->lowers_ahead, st->overlay_ahead.lowers,
		       st->overlay_ahead.lowers_len * sizeof(*st->lowers_ahead));
		st->overlay_ahead.lowers = st->lowers_ahead;
	}
	st->names_ahead = calloc(count + 1, AHEAD_NAME);
	return st->names_ahead ? 0 : err_oom(err);
}

void start_done_ahead(struct start *st)
{
	free(st->lowers_ahead);
	free(st->names_ahead);
}

static int open_path(struct start *st, const char **path)
{
	int fd = *path ? open(*path, O_PATH | O_CLOEXEC) : -1;
	char *name;

	if (!*path)
		return 0;
	if (fd < 0)
		return start_fail(st, errno, "open", *path);
	name = st->names_ahead + AHEAD_NAME * st->names_used++;
	snprintf(name, AHEAD_NAME, "/proc/self/fd/%d", fd);
	*path = name;
	return 0;
}

static int open_overlay(struct start *st, struct runtime_overlay *o)
{
	int r = 0;

	for (size_t i = 0; i < o->lowers_len && r == 0; i++)
		r = open_path(st, (const char **)(uintptr_t)&o->lowers[i]);
	if (r == 0)
		r = open_path(st, &o->upper);
	return r < 0 ? r : open_path(st, &o->work);
}

/* As the source is mounted: what it shows is looked up in here as well. */
static int open_source(struct start *st, struct planned_mount *m)
{
	if (m->foreign_path || m->mapped_tree >= 0 || m->early_tree >= 0 || m->flags & MS_REMOUNT)
		return 0;
	m->foreign_tree = start_clone_source(m);
	if (m->foreign_tree < 0)
		return start_fail(st, -m->foreign_tree, "find the volume", m->source);
	m->foreign_path = m->source;
	return 0;
}

/*
 * An overlay is found again by its path, so that has to be one that everybody may enter; in a mount namespace that is ours
 * alone any folder does. What is below is not needed any more: it is opened.
 */
static int open_roots(struct start *st)
{
	static char place[] = "/tmp";

	if (!st->options->overlay)
		return open_path(st, (const char **)&st->root);
	st->root = place;
	st->overlay = &st->overlay_ahead;
	return open_overlay(st, &st->overlay_ahead);
}

int start_open_ahead(struct start *st)
{
	int r;

	if (!st->is_outsider || (start_joins(st, CLONE_NEWUSER) && geteuid() != UNMAPPED))
		return 0;
	r = start_take_shared(st);
	if (r < 0)
		return r;
	/* What is cloned from a mount that hears of others would hear of them too. */
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return start_fail(st, errno, "make the mounts private", "/");
	r = open_roots(st);
	for (size_t i = 0; i < st->mounts_len && r == 0; i++) {
		struct planned_mount *m = &st->mounts[i];

		if (m->kind == PLAN_BIND)
			r = open_source(st, m);
		else if (m->kind == PLAN_OVERLAY)
			r = open_overlay(st, &m->overlay);
	}
	/* They can't be given to a user whose id is not the caller's to give: others can't get at them without our folders. */
	for (int i = 0; i <= 2 && r == 0; i++)
		if (start_is_pipe_to_give(st, i))
			(void)!fchmod(st->options->stdio[i], 0666);
	start_note(st, r, "open what is yours", NULL, "from here on it has none of your ids",
		   "open_tree(…, OPEN_TREE_CLONE), open(…, O_PATH)");
	return r;
}

/*
 * LAYER_DIFF: a tree is compared with the record of what it was like, and what has changed becomes a layer.
 *
 * Two walks. The first goes through tree and record side by side (both are in the order of a walk) and chooses; files with
 * several names are chosen together, since an upper layer can't link to a file of a lower one. The second writes what
 * was chosen, with the folders that it is in, as docker does: in an overlay a folder that a layer makes up on the way would hide
 * owner and mode of the real one.
 *
 * Content is only read where inode or ctime differ (a copied bundle) or could have been the same in spite of a change.
 */
#include "layer/job.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "base/vec.h"
#include "layer/describe.h"
#include "layer/make.h"
#include "layer/record_reader.h"
#include "layer/walk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The kernel's clock for ctime ticks every 1 to 10 ms. */
enum { TICK_NSEC = 20 * 1000 * 1000 };

/* A name of a file that has several. */
struct linked {
	uint64_t inode;
	uint32_t number;
};
DEFINE_VEC(linked_list, struct linked)

struct comparison {
	struct job *job;
	struct walk walk;
	struct describer describer;
	struct record_reader record;
	struct choices choices;
	struct linked_list linked;
	struct strv masks;
	uint32_t folders[LAYER_DEPTH_MAX + 2]; /* numbers of those that the walk is in */
	char gone[LAYER_PATH_MAX + LAYER_NAME_MAX +
		  2]; /* what is below this in the record went with it; "" for nothing */
};

static bool is_masked(const struct comparison *c, const char *path)
{
	for (size_t i = 0; i < c->masks.len; i++)
		if (strcmp(path, c->masks.items[i]) == 0 || tree_record_is_below(path, c->masks.items[i]))
			return true;
	return false;
}

/* --- what has gone --- */

/* The record's current entry is no longer in the tree's folder FOLDER. */
static int take_lost(struct comparison *c, uint32_t folder, struct err *err)
{
	const char *path = c->record.entry.path;
	int r = 0;

	if (!is_masked(c, path) && !(*c->gone && tree_record_is_below(path, c->gone))) {
		r = choices_delete(&c->choices, folder, path_basename(path));
		if (r < 0)
			return err_errno(err, -r, "note a deleted file");
		c->job->result.removed++;
		snprintf(c->gone, sizeof(c->gone), "%s", path);
	}
	return record_reader_next(&c->record, err);
}

static int take_lost_before(struct comparison *c, const char *path, uint32_t folder, struct err *err)
{
	int r = 0;

	while (r >= 0 && !c->record.ended && tree_record_order(c->record.entry.path, path) < 0)
		r = take_lost(c, folder, err);
	return r;
}

static int leave(struct walk *w, struct err *err)
{
	struct comparison *c = w->arg;
	uint32_t folder = c->folders[w->depth];
	int r = 0;

	while (r >= 0 && !c->record.ended && tree_record_is_below(c->record.entry.path, w->path))
		r = take_lost(c, folder, err);
	c->choices.items[folder].next = (uint32_t)c->choices.len;
	return r;
}

/* --- what is there --- */

static bool same_time(struct tree_record_time a, struct tree_record_time b)
{
	return a.sec == b.sec && a.nsec == b.nsec;
}

/* A change after the record was made must have changed the ctime. */
static bool is_certain(const struct comparison *c, const struct tree_record_entry *e)
{
	struct tree_record_time made = c->record.made;

	if (made.nsec < TICK_NSEC) {
		made.sec--;
		made.nsec += 1000000000;
	}
	made.nsec -= TICK_NSEC;
	return e->ctime.sec < made.sec || (e->ctime.sec == made.sec && e->ctime.nsec < made.nsec);
}

/* 1: E and the record's current entry say the same; of folders the time counts too, but not of the root. */
static int is_same(struct comparison *c, const struct subject *s, const struct tree_record_entry *e, struct err *err)
{
	const struct tree_record_entry *was = &c->record.entry;
	uint64_t content;
	int r;

	if (e->type != was->type || e->mode != was->mode || e->uid != was->uid || e->gid != was->gid ||
	    e->major != was->major || e->minor != was->minor || e->size != was->size || e->links != was->links ||
	    e->attributes != was->attributes || strcmp(e->link, was->link) != 0)
		return 0;
	if (*e->path && !same_time(e->mtime, was->mtime))
		return 0;
	if (e->type != 'f' || (same_time(e->ctime, was->ctime) && e->inode == was->inode && is_certain(c, was)))
		return 1;
	r = describe_content(&c->describer, s, &content, err);
	return r < 0 ? r : content == was->content;
}

static int compare(struct comparison *c, const struct subject *s, uint32_t number, struct err *err)
{
	struct tree_record_entry e;
	bool was_there = !c->record.ended && strcmp(c->record.entry.path, c->walk.path) == 0;
	int r = describe(&c->describer, s, c->walk.path, &e, err), same = 0;

	/* What a layer can't hold is as if it weren't there. */
	if (r <= 0)
		return r;
	if (e.links > 1 && linked_list_push(&c->linked, (struct linked){ e.inode, number }) < 0)
		return err_oom(err);
	if (was_there)
		same = is_same(c, s, &e, err);
	if (same < 0)
		return same;
	if (!same) {
		choices_want(&c->choices, number);
		*(was_there ? &c->job->result.changed : &c->job->result.added) += 1;
		c->choices.root_changed |= number == 0;
	}
	if (!was_there)
		return 0;
	if (c->record.entry.type == 'd' && e.type != 'd')
		snprintf(c->gone, sizeof(c->gone), "%s", c->walk.path);
	return record_reader_next(&c->record, err);
}

static int visit(struct walk *w, struct subject *s, struct err *err)
{
	struct comparison *c = w->arg;
	uint32_t parent = w->depth ? c->folders[w->depth - 1] : 0;
	int64_t number = choices_add(&c->choices, w->path, parent);
	int r;

	if (number < 0)
		return err_errno(err, (int)-number, "note a file");
	/* So many files has no layer that we write. */
	if ((uint64_t)number > LAYER_ENTRIES_MAX)
		return err_set(err, E2BIG, "the tree has more than %llu entries",
			       (unsigned long long)LAYER_ENTRIES_MAX);
	c->folders[w->depth] = (uint32_t)number;
	r = take_lost_before(c, w->path, parent, err);
	if (r >= 0 && is_masked(c, w->path)) {
		if (!c->record.ended && strcmp(c->record.entry.path, w->path) == 0)
			r = record_reader_next(&c->record, err);
		return r;
	}
	if (r >= 0)
		r = compare(c, s, (uint32_t)number, err);
	return r < 0 ? r : S_ISDIR(s->st.st_mode);
}

/* --- files with several names --- */

static int by_inode(const void *a, const void *b)
{
	const struct linked *x = a, *y = b;

	return (x->inode > y->inode) - (x->inode < y->inode);
}

/* One name of the file is wanted: all are. */
static void want_together(struct comparison *c)
{
	struct linked *l = c->linked.items;

	if (c->linked.len > 1)
		qsort(l, c->linked.len, sizeof(*l), by_inode);
	for (size_t from = 0, to; from < c->linked.len; from = to) {
		bool any = false;

		for (to = from; to < c->linked.len && l[to].inode == l[from].inode; to++)
			any |= c->choices.items[l[to].number].wanted;
		for (size_t i = from; any && i < to; i++)
			choices_want(&c->choices, l[i].number);
	}
}

/* --- all of it --- */

static int take_masks(struct comparison *c, struct err *err)
{
	struct layer_item item;
	int r;

	while ((r = job_next_item(c->job, &item, err)) > 0)
		if (!item.source || strv_add(&c->masks, item.source) < 0)
			return err_oom(err);
	return r;
}

static int choose_and_write(struct comparison *c, struct err *err)
{
	struct job *j = c->job;
	int r = take_masks(c, err);

	if (r >= 0)
		r = describer_init(&c->describer, err);
	if (r >= 0)
		r = record_reader_open(&c->record, j->q.diff.record_fd, err);
	if (r < 0)
		return r;
	c->walk.visit = visit;
	c->walk.leave = leave;
	c->walk.arg = c;
	r = walk_tree(&c->walk, j->q.diff.make.tree_fd, err);
	if (r < 0)
		return r;
	want_together(c);
	choices_sort(&c->choices);
	return c->choices.items[0].wanted ? make_archive(&j->q.diff.make, &c->choices, &j->q.limits, &j->result, err)
					  : 0;
}

int job_diff(struct job *j, struct err *err)
{
	struct comparison *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return err_oom(err);
	c->job = j;
	choices_init(&c->choices);
	r = choose_and_write(c, err);
	describer_done(&c->describer);
	record_reader_done(&c->record);
	choices_done(&c->choices);
	strv_done(&c->masks);
	free(c->linked.items);
	free(c);
	return r;
}

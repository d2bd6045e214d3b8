#include "engine/build/direct.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "engine/layered.h"
#include "layer/client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Each is a descriptor that is held open. */
enum { WAYS_MAX = 400 };

void build_direct_done(struct build_direct *d)
{
	for (size_t i = 0; i < d->items.len; i++)
		if (d->items.items[i].flags & LAYER_ITEM_LIKE)
			close(d->items.items[i].fd);
	free(d->items.items);
	strv_done(&d->dests);
	*d = (struct build_direct){ 0 };
}

/* One source entry and its place. */
struct target {
	size_t entry;
	const char *dest; /* absolute; borrowed from the list of destinations */
};
DEFINE_VEC(targets, struct target)

struct planner {
	const struct build_pick *pick;
	struct build_direct *plan;
	int fds[LAYERED_MAX];
	struct layered layers;
	struct targets targets;
	size_t ways;
	char *absent; /* a folder that the layers don't have: nothing below it needs to be looked up; owned */
};

static void planner_done(struct planner *p)
{
	for (size_t i = 0; i < p->layers.len; i++)
		close(p->fds[i]);
	free(p->targets.items);
	free(p->absent);
}

static int open_layers(struct planner *p, bool without_parents, struct err *err)
{
	static const struct store_image none = { 0 };
	struct build_at *at = p->pick->at;
	struct build_layers *l = &at->s->layers;
	autostrv struct strv lowers = { 0 };
	int r = without_parents ? 0 : build_layers_ensure(l, &at->state->image, err);

	if (r >= 0)
		r = build_layers_lowers(l, without_parents ? &none : &at->state->image, false, &lowers, err);
	for (size_t i = 0; r >= 0 && i < lowers.len && i < LAYERED_MAX; i++) {
		int fd = open(lowers.items[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (fd < 0)
			return err_errno(err, errno, "open layer '%s'", lowers.items[i]);
		p->fds[p->layers.len++] = fd;
	}
	p->layers.fds = p->fds;
	return r;
}

/* By components: what lies in a folder comes right behind it, as in a walk by names. */
static int by_dest(const void *x, const void *y)
{
	const unsigned char *a = (const void *)((const struct target *)x)->dest,
			    *b = (const void *)((const struct target *)y)->dest;

	while (*a && *a == *b) {
		a++;
		b++;
	}
	if (*a == '/' && *b)
		return -1;
	if (*b == '/' && *a)
		return 1;
	return *a - *b;
}

static int list_targets(struct planner *p, const struct build_put *put, struct err *err)
{
	const struct sources *s = &p->pick->sources;

	for (size_t i = 0; i < s->entries_len; i++) {
		char *dest = sources_dest(s, i, put->dest, put->into);

		if (strv_take(&p->plan->dests, dest) < 0)
			return err_oom(err);
	}
	for (size_t i = 0; i < s->entries_len; i++)
		if (targets_push(&p->targets, (struct target){ i, p->plan->dests.items[i] }) < 0)
			return err_oom(err);
	qsort(p->targets.items, p->targets.len, sizeof(struct target), by_dest);
	p->plan->in_order = true;
	for (size_t i = 0; i < p->targets.len; i++)
		p->plan->in_order &= p->targets.items[i].entry == i;
	return 0;
}

static bool is_below_absent(const struct planner *p, const char *path)
{
	size_t len = p->absent ? strlen(p->absent) : 0;

	return len && strncmp(path, p->absent, len) == 0 && path[len] == '/';
}

static int add_item(struct planner *p, struct layer_item item, struct err *err)
{
	if (layer_items_push(&p->plan->items, item) >= 0)
		return 0;
	if (item.flags & LAYER_ITEM_LIKE)
		close(item.fd);
	return err_oom(err);
}

/* What the layers have at PATH: 0: nothing; 1: a folder; 2: something else; or an error, which means: not so. */
static int look(const struct planner *p, const char *path)
{
	struct stat st;
	int r = is_below_absent(p, path) ? -ENOENT : layered_stat(&p->layers, path, &st);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	return S_ISDIR(st.st_mode) ? 1 : 2;
}

/* The folder PATH comes along, as the layers have it. */
static int add_like(struct planner *p, const char *path, struct err *err)
{
	int fd = ++p->ways > WAYS_MAX ? -EMFILE : layered_open_folder(&p->layers, path);

	if (fd < 0)
		return err_errno(err, -fd, "open folder '%s' of the layers", path);
	return add_item(p, (struct layer_item){ .dest = path, .flags = LAYER_ITEM_LIKE, .fd = fd }, err);
}

static int set_absent(struct planner *p, const char *path, struct err *err)
{
	free(p->absent);
	p->absent = strdup(path);
	return p->absent ? 0 : err_oom(err);
}

/* All folders above PATH that aren't above BEFORE, the target before it, as well. 1; 0: something is in the way. */
static int add_ways(struct planner *p, const char *path, const struct target *before, struct err *err)
{
	for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		size_t len = (size_t)(slash - path);
		int lower, r;
		char *way;

		if (before && strncmp(before->dest, path, len) == 0) {
			if (before->dest[len] == '/')
				continue;
			if (before->dest[len] == '\0' && !p->pick->sources.entries[before->entry].is_dir)
				return 0;
			if (before->dest[len] == '\0')
				continue;
		}
		way = strndup(path, len);
		if (strv_take(&p->plan->dests, way) < 0)
			return err_oom(err);
		lower = look(p, way);
		if (lower < 0 || lower == 2)
			return 0;
		if (lower == 1)
			r = add_like(p, way, err);
		else
			r = add_item(p, (struct layer_item){ .dest = way, .flags = LAYER_ITEM_PARENT, .fd = -1 }, err);
		if (r >= 0 && lower == 0 && !is_below_absent(p, way))
			r = set_absent(p, way, err);
		if (r < 0)
			return r;
	}
	return 1;
}

/* 1: it is among the items; 0: something of the image, or an earlier target, stands in the way. */
static int add_target(struct planner *p, const struct target *t, const struct target *before, struct err *err)
{
	const struct source_entry *entry = &p->pick->sources.entries[t->entry];
	int lower, r;

	if (before && strcmp(before->dest, t->dest) == 0)
		return 0;
	/* The root itself is there already, as the image has it. */
	if (strcmp(t->dest, "/") == 0) {
		p->plan->in_order = false;
		return entry->is_dir;
	}
	r = add_ways(p, t->dest, before, err);
	if (r != 1)
		return r;
	lower = look(p, t->dest);
	if (lower < 0 || (entry->is_dir ? lower == 2 : lower == 1))
		return 0;
	p->plan->in_order &= !entry->is_dir || lower == 0;
	if (entry->is_dir && lower == 1)
		r = add_like(p, t->dest, err);
	else
		r = add_item(p, (struct layer_item){ .dest = t->dest, .source = entry->path, .fd = -1 }, err);
	if (r >= 0 && entry->is_dir && lower == 0 && !is_below_absent(p, t->dest))
		r = set_absent(p, t->dest, err);
	return r < 0 ? r : 1;
}

/* Folders of the layers that nothing is put into stay out of it, as the overlay has it. */
static void drop_idle(struct build_direct *d)
{
	struct layer_item *items = d->items.items;
	size_t kept = d->items.len;

	for (size_t i = d->items.len; i-- > 0;) {
		size_t len = strlen(items[i].dest);
		bool used = kept < d->items.len && strncmp(items[kept].dest, items[i].dest, len) == 0 &&
			    items[kept].dest[len] == '/';

		if (items[i].flags & LAYER_ITEM_LIKE && !used)
			close(items[i].fd);
		else
			items[--kept] = items[i];
	}
	d->items.len -= kept;
	memmove(items, items + kept, d->items.len * sizeof(*items));
}

static int plan(struct planner *p, struct build_put *put, bool without_parents, struct err *err)
{
	struct stat st;
	int r = open_layers(p, without_parents, err), is_dir;

	if (r < 0)
		return r;
	is_dir = layered_stat(&p->layers, put->dest, &st);
	if (is_dir < 0 && is_dir != -ENOENT)
		return 0;
	/* A link there may lead to a folder. */
	if (is_dir == 0 && S_ISLNK(st.st_mode))
		return 0;
	put->into |= is_dir == 0 && S_ISDIR(st.st_mode);
	if (!put->into && p->pick->sources.roots_len > 1)
		return 0;
	r = list_targets(p, put, err);
	for (size_t i = 0; r >= 0 && i < p->targets.len; i++) {
		r = add_target(p, &p->targets.items[i], i ? &p->targets.items[i - 1] : NULL, err);
		if (r == 0)
			return 0;
	}
	if (r >= 0)
		drop_idle(p->plan);
	return r < 0 ? r : 1;
}

int build_direct_plan(struct build_pick *p, struct build_put *put, bool without_parents, struct build_direct *ret,
		      struct err *err)
{
	CLEANUP(planner_done) struct planner planner = { .pick = p, .plan = ret };
	int r = plan(&planner, put, without_parents, err);

	ret->possible = r == 1;
	/* A layer's folder that we may not look into (a range of ids) is for a helper to look into. */
	if (r == -EACCES || r == -EMFILE) {
		err_clear(err);
		r = 0;
	}
	return r < 0 ? r : 0;
}

int build_direct_copy(const struct build_direct *d, const struct build_pick *p, struct build_upper *u,
		      struct layer_copy copy, struct digest *ret_content, struct err *err)
{
	const struct build_layers *l = u->layers;
	struct layer_request q = { .verb = LAYER_COPY, .ids = l->ids, .copy = copy };
	autoclose int root = open(u->upper, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoclose int out = build_upper_blob(u, err);
	int r;

	if (out < 0)
		return out;
	if (root < 0)
		return err_errno(err, errno, "open '%s'", u->upper);
	q.copy.context_fd = p->fd;
	q.copy.root_fd = root;
	q.copy.out_fd = out;
	q.copy.clamp_mtime = l->epoch >= 0;
	q.copy.max_mtime = l->epoch;
	q.copy.hash = ret_content != NULL;
	q.copy.items = d->items.items;
	q.copy.items_len = d->items.len;
	r = layer_run(&q, &u->packed, err);
	if (r < 0)
		return r;
	u->is_packed = true;
	if (ret_content)
		*ret_content = u->packed.content;
	return 0;
}

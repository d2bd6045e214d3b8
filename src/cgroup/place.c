/* Where a container's control group goes: group.h tells the rules. */
#include "cgroup/group.h"

#include "base/str.h"
#include "cgroup/files.h"
#include "cgroup/systemd.h"

#include <errno.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

struct choice {
	const struct cgroup_request *request;
	struct cgroup_trees trees;
	const struct cgroup_settings *settings;
	struct cgroup *group;
	struct err *err;
};

enum { WANTED_MAX = 256 };

/* The controllers that settings of version 2 need, by blanks. */
static void wanted_v2(const struct cgroup_settings *settings, char dst[static WANTED_MAX])
{
	size_t len = 0;

	dst[0] = '\0';
	for (size_t i = 0; i < settings->len; i++) {
		const struct cgroup_setting *s = &settings->items[i];

		if (s->version != 2 || strcmp(s->controller, "cgroup") == 0 || cgroup_list_has(dst, s->controller) ||
		    len + strlen(s->controller) + 2 > WANTED_MAX)
			continue;
		len += (size_t)snprintf(dst + len, WANTED_MAX - len, "%s%s", len ? " " : "", s->controller);
	}
}

/* Takes over PATH and TOP. */
static int add_dir(struct choice *c, const struct cgroup_tree *tree, const char *controllers, char *path, char *top)
{
	struct cgroup_dir d = {
		.version = tree->version, .controllers = strdup(controllers), .path = path, .top = top
	};

	if (d.controllers && d.path && d.top && cgroup_dirs_push(&c->group->dirs, d) == 0)
		return 0;
	free(d.controllers);
	free(path);
	free(top);
	return err_oom(c->err);
}

static bool is_slice(const char *path)
{
	return path && strstr(path, ".slice:");
}

/* The folder that the processes have in TREE already. */
static const struct cgroup_dir *present_in(const struct choice *c, const struct cgroup_tree *tree)
{
	const struct cgroup *g = c->request->present;

	if (!g)
		return NULL;
	if (tree->version == 2)
		return cgroup_unified(g);
	for (size_t i = 0; i < g->dirs.len; i++)
		if (g->dirs.items[i].version == 1 && strcmp(g->dirs.items[i].controllers, tree->controllers) == 0)
			return &g->dirs.items[i];
	return NULL;
}

static int add_present(struct choice *c, const struct cgroup_tree *tree, const char *controllers,
		       const struct cgroup_dir *d)
{
	return add_dir(c, tree, controllers, strdup(d->path), strdup(d->path));
}

/* Below BASE (borrowed): what cgroupsPath says, or the name. */
static int add_below(struct choice *c, const struct cgroup_tree *tree, const char *controllers, const char *base)
{
	const char *path = c->request->path;
	const char *rest = path && !is_slice(path) ? path : c->request->name;
	autofree char *joined = str_format("%s/%s", base, rest);

	return add_dir(c, tree, controllers, joined ? path_clean(joined) : NULL, strdup(base));
}

static bool is_absolute(const struct choice *c)
{
	return c->request->path && c->request->path[0] == '/';
}

/* --- version 1 --- */

static int refused_v1(struct choice *c, const struct cgroup_tree *tree, const char *controller, const char *path)
{
	err_set(c->err, EACCES,
		"the control group controller '%s' can't be used by this user: '%s' is not ours to write to",
		controller, path ? path : tree->mount);
	return err_hint(c->err,
			"version 1 of control groups, which this machine has, is root's: run it as root; let root make "
			"a group that belongs to you; or boot with systemd.unified_cgroup_hierarchy=1");
}

static int add_v1(struct choice *c, const struct cgroup_tree *tree, const char *controller)
{
	const char *base = is_absolute(c) ? tree->mount : tree->own;

	for (size_t i = 0; i < c->group->dirs.len; i++)
		if (c->group->dirs.items[i].version == 1 &&
		    strcmp(c->group->dirs.items[i].controllers, tree->controllers) == 0)
			return 0;
	if (present_in(c, tree))
		return add_present(c, tree, tree->controllers, present_in(c, tree));
	if (!base || access(base, W_OK) < 0)
		return refused_v1(c, tree, controller, base);
	return add_below(c, tree, tree->controllers, base);
}

static int add_all_v1(struct choice *c)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < c->settings->len; i++) {
		const struct cgroup_setting *s = &c->settings->items[i];

		if (s->version == 1)
			r = add_v1(c, cgroup_trees_with(&c->trees, s->controller), s->controller);
	}
	return r;
}

/* Version 1 has its device rules as a controller; version 2 has programs that are attached to the group. */
static int add_devices(struct choice *c)
{
	const struct cgroup_tree *tree = cgroup_trees_with(&c->trees, "devices");

	if (!c->request->device_rules || !c->request->resources->devices.len)
		return 0;
	if (tree)
		return add_v1(c, tree, "devices");
	return 0;
}

/* --- version 2 --- */

static bool is_marked(const char *path)
{
	char value[2] = "";

	return (getxattr(path, "user.delegate", value, 1) == 1 || getxattr(path, "trusted.delegate", value, 1) == 1) &&
	       value[0] == '1';
}

/* systemd's own manager lives in it, and keeps what is below for itself. */
static bool is_user_manager(const char *path)
{
	return str_starts_with(path_basename(path), "user@") && str_ends_with(path, ".service");
}

static bool is_writable_group(const char *path)
{
	autofree char *procs = path_join(path, "cgroup.procs");

	return procs && access(path, W_OK) == 0 && access(procs, W_OK) == 0;
}

/* PATH cut to its parent; false at the top of the tree. */
static bool go_up(char *path, const char *mount)
{
	char *slash = strrchr(path, '/');

	if (strcmp(path, mount) == 0 || !slash)
		return false;
	*slash = '\0';
	return strlen(path) >= strlen(mount);
}

/* Up to where groups are ours: with systemd the nearest group that it has handed over, else the top. NULL: nowhere. */
static char *boundary_of(const struct cgroup_tree *tree)
{
	autofree char *path = strdup(tree->own);

	if (access("/run/systemd/system", F_OK) < 0)
		return strdup(tree->mount);
	do {
		if (path && is_marked(path))
			return is_user_manager(path) ? NULL : TAKE_PTR(path);
	} while (path && go_up(path, tree->mount));
	return NULL;
}

/*
 * The nearest group that can hand on all of WANTED to a child: it has them, and no processes of its own (cgroups(7), "no
 * internal processes") unless it is the root. NULL: none. *RET_BUSY: one had everything but was in use.
 */
static char *find_delegated(const struct cgroup_tree *tree, const char *wanted, char **ret_busy)
{
	autofree char *boundary = tree->own ? boundary_of(tree) : NULL, *path = boundary ? strdup(tree->own) : NULL;

	while (path && is_writable_group(path)) {
		int r = cgroup_hand_on(path, wanted);

		if (r == 0)
			return TAKE_PTR(path);
		if (r == -EBUSY && !*ret_busy)
			*ret_busy = strdup(path);
		if (strcmp(path, boundary) == 0 || !go_up(path, tree->mount))
			break;
	}
	return NULL;
}

static int refused_v2(struct choice *c, const char *wanted, const char *busy)
{
	err_set(c->err, EACCES, "the control group controllers '%s' can't be used by this user: %s%s%s", wanted,
		busy ? "'" : "no group is delegated to it, and there is no systemd to ask for one", busy ? busy : "",
		busy ? "' has processes of its own, so it can't give them to groups below" : "");
	if (busy)
		return err_hint(c->err,
				"move what runs in it into a group below: mkdir %s/x; for p in $(cat "
				"%s/cgroup.procs); do echo $p > %s/x/cgroup.procs; done",
				busy, busy, busy);
	return err_hint(c->err,
			"log in so that systemd runs a manager for you (loginctl enable-linger USER; ssh), or let root "
			"give you a group: mkdir /sys/fs/cgroup/G; chown -R USER /sys/fs/cgroup/G");
}

static int choose_scope(struct choice *c, const char *wanted)
{
	const char *path = c->request->path, *name = is_slice(path) ? strchr(path, ':') + 1 : NULL;
	struct cgroup *g = c->group;

	/* "x.slice:prefix:name" is PREFIX-NAME.scope in that slice, as runc has it. */
	if (name) {
		const char *colon = strchr(name, ':');

		if (!colon)
			return err_set(c->err, EINVAL, "cgroupsPath '%s': the form is SLICE:PREFIX:NAME", path);
		g->slice = strndup(path, (size_t)(name - path - 1));
		g->scope = str_format("%.*s%s%s.scope", (int)(colon - name), name, colon > name ? "-" : "", colon + 1);
	} else {
		g->scope = str_format("%s.scope", c->request->name);
	}
	g->scope_controllers = strdup(wanted);
	return !g->scope || (name && !g->slice) || !g->scope_controllers ? err_oom(c->err) : 0;
}

/* Nothing is limited there: a place, if it costs nothing to have one. */
static int choose_plain(struct choice *c, const struct cgroup_tree *tree)
{
	if (!tree->own || !is_writable_group(tree->own))
		return 0;
	return add_below(c, tree, "", tree->own);
}

/* 1: the group that the processes have has all of WANTED, or can get it. */
static int choose_present(struct choice *c, const struct cgroup_tree *tree, const char *wanted)
{
	const struct cgroup_dir *d = present_in(c, tree);
	autofree char *parent = d ? strdup(d->path) : NULL;
	struct cgroup *g = c->group;

	if (!parent || !go_up(parent, tree->mount) || (*wanted && cgroup_hand_on(parent, wanted) < 0))
		return 0;
	if (c->request->present->scope && !(g->scope = strdup(c->request->present->scope)))
		return err_oom(c->err);
	g->scope_made = g->scope != NULL;
	/* What it had before it keeps. */
	if (add_present(c, tree, *wanted ? wanted : d->controllers, d) < 0)
		return -ENOMEM;
	return 1;
}

static int choose_v2(struct choice *c)
{
	const struct cgroup_tree *tree = cgroup_trees_unified(&c->trees);
	autofree char *base = NULL, *busy = NULL;
	char wanted[WANTED_MAX];
	int r;

	wanted_v2(c->settings, wanted);
	r = tree ? choose_present(c, tree, wanted) : 0;
	if (r)
		return r < 0 ? r : 0;
	if (is_slice(c->request->path) && (*wanted || systemd_can_be_asked()))
		return choose_scope(c, wanted);
	if (!tree || is_slice(c->request->path))
		return 0;
	if (c->request->path) {
		const char *top = is_absolute(c) ? tree->mount : tree->own;

		/* Without controllers it is just for freezing and killing: version 1 has the limits. */
		if (!top || (!wanted[0] && access(top, W_OK) < 0))
			return 0;
		return add_below(c, tree, wanted, top);
	}
	if (!wanted[0])
		return choose_plain(c, tree);
	base = find_delegated(tree, wanted, &busy);
	if (base)
		return add_below(c, tree, wanted, base);
	return systemd_can_be_asked() ? choose_scope(c, wanted) : refused_v2(c, wanted, busy);
}

/* Where version 2 offers no place, its freezer is the only way to stop processes that may fork meanwhile. */
static int choose_freezer(struct choice *c)
{
	const struct cgroup_tree *tree = cgroup_trees_with(&c->trees, "freezer");

	if (c->group->scope || cgroup_unified(c->group) || !tree || !tree->own || access(tree->own, W_OK) < 0)
		return 0;
	return add_v1(c, tree, "freezer");
}

static int refused_path(struct choice *c)
{
	err_set(c->err, EACCES, "the control group '%s' can't be made by this user", c->request->path);
	return err_hint(c->err, "without limits, leave it out; 'cloche doctor' says which control groups can be used");
}

int cgroup_choose(const struct cgroup_request *q, struct cgroup *ret, struct cgroup_settings *ret_settings,
		  struct err *err)
{
	autocgroup struct cgroup g = { 0 };
	autosettings struct cgroup_settings settings = { 0 };
	struct choice c = { .request = q, .settings = &settings, .group = &g, .err = err };
	int r = cgroup_trees_read(q->beside, &c.trees, err);

	if (r >= 0)
		r = cgroup_plan(q->resources, &c.trees, &settings, err);
	if (r >= 0)
		r = add_all_v1(&c);
	if (r >= 0)
		r = add_devices(&c);
	if (r >= 0)
		r = choose_v2(&c);
	if (r >= 0)
		r = choose_freezer(&c);
	if (r >= 0 && q->path && !g.dirs.len && !g.scope)
		r = refused_path(&c);
	cgroup_trees_done(&c.trees);
	if (r < 0)
		return r;
	*ret = g;
	g = (struct cgroup){ 0 };
	*ret_settings = settings;
	settings = (struct cgroup_settings){ 0 };
	return 0;
}

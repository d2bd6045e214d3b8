/* Making a container's group, setting its limits, and moving its processes there. */
#include "cgroup/group.h"

#include "base/str.h"
#include "cgroup/devices.h"
#include "cgroup/files.h"
#include "cgroup/systemd.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- folders --- */

/* A new group of cpuset (version 1) has no processors and no memory, so nothing could be moved into it. */
static int inherit_cpuset(const char *parent, const char *path)
{
	static const char *const files[] = { "cpuset.cpus", "cpuset.mems" };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		autobuf struct buf mine = BUF_INIT(65536), theirs = BUF_INIT(65536);
		int r = cgroup_get(path, files[i], &mine);

		if (r >= 0 && strcspn(buf_str(&mine), "\n") > 0)
			continue;
		if (r >= 0)
			r = cgroup_get(parent, files[i], &theirs);
		if (r >= 0)
			r = cgroup_put(path, files[i], buf_str(&theirs));
		if (r < 0)
			return r;
	}
	return 0;
}

static int make_one(const struct cgroup_dir *d, const char *parent, const char *path, struct err *err)
{
	int r = 0;

	if (d->version == 2 && d->controllers[0])
		r = cgroup_hand_on(parent, d->controllers);
	if (r < 0) {
		err_errno(err, -r, "control group '%s': give '%s' to groups below", parent, d->controllers);
		return err_hint(err, r == -EBUSY ? "it has processes of its own: move them into a group below it"
						 : "'cloche doctor' says which controllers can be used here");
	}
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return err_errno(err, errno, "make the control group '%s'", path);
	if (d->version == 1 && cgroup_list_has(d->controllers, "cpuset"))
		r = inherit_cpuset(parent, path);
	return r < 0 ? err_errno(err, -r, "set up the control group '%s'", path) : 0;
}

/* All folders from d->top down to d->path. */
static int make_dir(const struct cgroup_dir *d, struct err *err)
{
	autofree char *parent = strdup(d->top), *path = strdup(d->path);
	char *slash;
	int r = 0;

	if (!parent || !path)
		return err_oom(err);
	for (slash = path + strlen(d->top); r == 0 && slash && *slash == '/';) {
		char *next = strchr(slash + 1, '/');

		if (next)
			*next = '\0';
		r = make_one(d, parent, path, err);
		free(parent);
		parent = strdup(path);
		if (!parent)
			return err_oom(err);
		if (next)
			*next = '/';
		slash = next;
	}
	return r;
}

/* --- limits --- */

static bool has_swap(void)
{
	autobuf struct buf text = BUF_INIT(65536);
	const char *line;

	if (fs_read_file(AT_FDCWD, "/proc/swaps", 65536, &text, NULL) < 0)
		return true;
	/* The first line is a heading. */
	line = strchr(buf_str(&text), '\n');
	return line && line[1];
}

static int refused(const char *dir, const struct cgroup_setting *s, int code, struct err *err)
{
	err_errno(err, code, "control group: write '%s' to '%s/%s'", s->value, dir, s->file);
	if (code == ENOENT && str_starts_with(s->file, "blkio.") && s->other_file)
		return err_hint(err,
				"the kernel shares disks by weight only with the BFQ scheduler, which isn't there");
	if (code == ENOENT && s->limits_swap)
		return err_hint(err, "the kernel counts no swap: boot with swapaccount=1, or say --memory-swap -1");
	if (code == ENOENT)
		return err_hint(err, "this kernel has no such limit");
	if (code == EBUSY && strcmp(s->controller, "memory") == 0)
		return err_hint(err, "more is in use already, and can't be taken away");
	if (strcmp(s->controller, "cpuset") == 0)
		return err_hint(err,
				"only what the group above has can be given: see cpuset.cpus and cpuset.mems there");
	if (code == ENODEV)
		return err_hint(err, "there is no whole disk with that number");
	return -code;
}

static int put_setting(const char *dir, const struct cgroup_setting *s)
{
	int r = cgroup_put(dir, s->file, s->value);

	if (r == -ENOENT && s->other_file)
		r = cgroup_put(dir, s->other_file, s->other_value ? s->other_value : s->value);
	/* Without swap nothing can be swapped out: the limit holds by itself. */
	if (r == -ENOENT && s->limits_swap &&
	    (strcmp(s->value, "max") == 0 || strcmp(s->value, "-1") == 0 || !has_swap()))
		r = 0;
	return r;
}

/* Those of VERSION. */
static int write_settings(const struct cgroup *g, const struct cgroup_settings *settings, int version, struct err *err)
{
	for (size_t i = 0; i < settings->len; i++) {
		const struct cgroup_setting *s = &settings->items[i];
		const struct cgroup_dir *d = s->version == 2 ? cgroup_unified(g) : cgroup_with(g, s->controller);
		int r;

		if (s->version != version)
			continue;
		if (!d)
			return err_set(err, ENOENT, "the container has no control group of '%s'", s->controller);
		r = put_setting(d->path, s);
		if (r == -EINVAL && s->swaps_with_next && i + 1 < settings->len) {
			r = put_setting(d->path, &settings->items[i + 1]);
			if (r == 0)
				r = put_setting(d->path, s);
		}
		if (r < 0)
			return refused(d->path, s, -r, err);
	}
	return 0;
}

int cgroup_write(const struct cgroup *g, const struct cgroup_settings *settings, struct err *err)
{
	int r = write_settings(g, settings, 1, err);

	return r < 0 ? r : write_settings(g, settings, 2, err);
}

/* --- processes --- */

static int move_one(const struct cgroup_dir *d, pid_t pid, struct err *err)
{
	char text[16];
	int r;

	snprintf(text, sizeof(text), "%d", (int)pid);
	r = cgroup_put(d->path, "cgroup.procs", text);
	/* It has ended meanwhile. */
	if (r == -ESRCH)
		return 0;
	return r < 0 ? err_errno(err, -r, "move process %d into the control group '%s'", (int)pid, d->path) : 0;
}

static int move_all(const struct cgroup_dir *d, const struct cgroup_enter *e, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < e->pids_len; i++)
		r = move_one(d, e->pids[i], err);
	return r;
}

int cgroup_move(const struct cgroup *g, const pid_t *pids, size_t len, struct err *err)
{
	const struct cgroup_enter e = { .pids = pids, .pids_len = len };
	int r = 0;

	for (size_t i = 0; r == 0 && i < g->dirs.len; i++)
		r = move_all(&g->dirs.items[i], &e, err);
	return r;
}

/* --- a scope of systemd --- */

static int scope_lacks(const char *path, const char *wanted, struct err *err)
{
	autobuf struct buf have = BUF_INIT(4096);
	autofree char *lacking = NULL, *list = strdup(wanted);
	char *rest = list, *word;
	bool is_root = geteuid() == 0;

	cgroup_get(path, "cgroup.controllers", &have);
	while (rest && !lacking && (word = strsep(&rest, " ")))
		if (!cgroup_list_has(buf_str(&have), word))
			lacking = strdup(word);
	err_set(err, EACCES,
		"the control group controller '%s' can't be used by this user: systemd gives '%s' only '%.*s'",
		lacking ? lacking : wanted, path, (int)strcspn(buf_str(&have), "\n"), buf_str(&have));
	if (is_root)
		return err_hint(err, "the kernel has no such controller for version 2, or it is in use by version 1");
	return err_hint(err,
			"as root: mkdir -p /etc/systemd/system/user@.service.d; printf "
			"'[Service]\\nDelegate=cpu cpuset io memory pids\\n' > "
			"/etc/systemd/system/user@.service.d/delegate.conf; systemctl daemon-reload; then log in anew");
}

/* The group that PID is in now, as a folder. */
static char *folder_of(pid_t pid, struct err *err)
{
	autotrees struct cgroup_trees trees = { 0 };

	if (cgroup_trees_read(pid, &trees, err) < 0)
		return NULL;
	for (size_t i = 0; i < trees.len; i++)
		if (trees.items[i].version == 2 && trees.items[i].own)
			return TAKE_PTR(trees.items[i].own);
	err_set(err, ENOENT, "process %d is in no control group that can be seen here", (int)pid);
	return NULL;
}

static int add_scope_dir(struct cgroup *g, char *scope, struct err *err)
{
	struct cgroup_dir d = { .version = 2, .top = scope };

	d.controllers = strdup(g->scope_controllers ? g->scope_controllers : "");
	d.path = path_join(scope, "container");
	if (d.controllers && d.path && cgroup_dirs_push(&g->dirs, d) == 0)
		return 0;
	free(d.controllers);
	free(d.path);
	free(scope);
	return err_oom(err);
}

static int start_scope(const struct cgroup *g, const struct cgroup_enter *e, struct err *err)
{
	autofree pid_t *pids = calloc(e->pids_len + 1, sizeof(*pids));

	if (!pids)
		return err_oom(err);
	memcpy(pids, e->pids, e->pids_len * sizeof(*pids));
	pids[e->pids_len] = getpid();
	return systemd_start_scope(g->scope, g->slice, pids, e->pids_len + e->stay, err);
}

static int stay_in_scope(const char *scope, struct err *err)
{
	autofree char *path = path_join(scope, "monitor");
	int r;

	if (!path)
		return err_oom(err);
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return err_errno(err, errno, "make the control group '%s'", path);
	r = cgroup_put(path, "cgroup.procs", "0");
	return r < 0 ? err_errno(err, -r, "move into the control group '%s'", path) : 0;
}

/* systemd moves the processes into its scope; from there they go on into a group of ours, then the scope has none itself. */
static int enter_scope(struct cgroup *g, const struct cgroup_enter *e, struct err *err)
{
	char *scope;
	int r = start_scope(g, e, err);

	if (r < 0)
		return r;
	g->scope_made = true;
	scope = folder_of(e->pids[0], err);
	if (!scope)
		return err && err->code ? -err->code : -ENOENT;
	if (strcmp(path_basename(scope), g->scope) != 0) {
		err_set(err, EIO, "systemd's scope '%s' is there, but the process is in '%s'", g->scope, scope);
		free(scope);
		return -EIO;
	}
	r = e->stay ? stay_in_scope(scope, err) : 0;
	if (r < 0)
		free(scope);
	else
		r = add_scope_dir(g, scope, err);
	if (r == 0 && e->on_change)
		r = e->on_change(g, e->arg, err);
	return r;
}

static int enter_v2(const struct cgroup_dir *d, bool in_scope, const struct cgroup_enter *e, struct err *err)
{
	int r;

	if (!in_scope) {
		r = make_dir(d, err);
		return r < 0 ? r : move_all(d, e, err);
	}
	if (mkdir(d->path, 0755) < 0 && errno != EEXIST)
		return err_errno(err, errno, "make the control group '%s'", d->path);
	r = move_all(d, e, err);
	if (r == 0 && d->controllers[0] && (r = cgroup_hand_on(d->top, d->controllers)) < 0)
		return r == -ENOENT ? scope_lacks(d->top, d->controllers, err)
				    : err_errno(err, -r, "control group '%s': give '%s' to groups below", d->top,
						d->controllers);
	return r;
}

/* --- all of it --- */

/* Version 1 gets its limits first, so that nothing ever runs without them. */
static int enter_v1(const struct cgroup *g, const struct cgroup_enter *e, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < g->dirs.len; i++)
		if (g->dirs.items[i].version == 1)
			r = make_dir(&g->dirs.items[i], err);
	if (r == 0)
		r = write_settings(g, e->settings, 1, err);
	if (r == 0 && e->device_rules)
		r = cgroup_set_devices_v1(g, &e->device_rules->devices, err);
	for (size_t i = 0; r == 0 && i < g->dirs.len; i++)
		if (g->dirs.items[i].version == 1)
			r = move_all(&g->dirs.items[i], e, err);
	return r;
}

int cgroup_enter(struct cgroup *g, const struct cgroup_enter *e, struct err *err)
{
	const struct cgroup_dir *d;
	int r = enter_v1(g, e, err);

	bool new_scope = g->scope && !g->scope_made;

	if (r == 0 && new_scope)
		r = enter_scope(g, e, err);
	d = cgroup_unified(g);
	if (r == 0 && d)
		r = enter_v2(d, new_scope, e, err);
	if (r == 0)
		r = write_settings(g, e->settings, 2, err);
	if (r == 0 && d && e->device_rules && !cgroup_with(g, "devices"))
		r = cgroup_set_devices_v2(d->path, &e->device_rules->devices, err);
	return r;
}

/* The mounts of the spec, each on a place that was resolved inside the container's root. */
#include "base/cleanup.h"
#include "runtime/start.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * A new file system on PLACE. mount(2) on "." after fchdir is one call where the newer interface needs four, and
 * as free of races: the working folder is the descriptor that was resolved.
 */
static int mount_here(int place, const char *type, const char *device, unsigned long flags, const char *data)
{
	if (fchdir(place) < 0)
		return -errno;
	return mount(device, ".", type, flags, data) < 0 ? -errno : 0;
}

/* Only what mount_setattr needs to be told about; PROPAGATION 0 leaves it. */
static int set_attrs(int tree, uint64_t set, uint64_t clear, uint64_t propagation, bool recursive)
{
	struct mount_attr attr = { .attr_set = set, .attr_clr = clear, .propagation = propagation };

	if (!set && !clear && !propagation)
		return 0;
	return mount_setattr(tree, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attr, sizeof(attr)) < 0 ? -errno
														: 0;
}

/* A copy of SOURCE, attached nowhere yet. FLAGS: AT_RECURSIVE for all mounts below too, AT_SYMLINK_NOFOLLOW. */
static int clone_tree(const char *source, unsigned flags)
{
	int tree = open_tree(AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | flags);

	return tree < 0 ? -errno : tree;
}

/* Attributes before it is attached, so that there is no moment at which it could be written. */
static int apply_plan(int tree, const struct planned_mount *m)
{
	/* Clearing a flag that a more privileged mount namespace set is refused; not set, there is nothing to clear. */
	uint64_t clear = m->attr_clear & MOUNT_ATTR__ATIME;
	int r = set_attrs(tree, m->attr_set, clear, 0, false);

	if (r == 0 && (m->recursive_set || m->recursive_clear))
		r = set_attrs(tree, m->recursive_set, m->recursive_clear, 0, true);
	return r;
}

static int dup_tree(int fd)
{
	int tree = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	return tree < 0 ? -errno : tree;
}

/*
 * What a mount shows is a part of TREE, looked up inside it, so that no link in it leads out. Returns a copy of the mount
 * of that part, attached nowhere yet.
 */
static int clone_part(int tree, const char *subpath, bool recursive)
{
	autoclose int part = fs_open_in_root(tree, subpath, O_PATH, 0, NULL);
	int r;

	if (part < 0)
		return part;
	r = open_tree(part, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0));
	return r < 0 ? -errno : r;
}

int start_clone_source(const struct planned_mount *m)
{
	autoclose int all = -1;

	if (m->foreign_path)
		return dup_tree(m->foreign_tree);
	if (!m->subpath)
		return clone_tree(m->source,
				  (m->recursive ? AT_RECURSIVE : 0u) | (m->source_nofollow ? AT_SYMLINK_NOFOLLOW : 0u));
	all = open(m->source, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return all < 0 ? -errno : clone_part(all, m->subpath, m->recursive);
}

static int bind_failed(struct start *st, int code, const struct planned_mount *m)
{
	if (m->subpath)
		snprintf(st->failed_detail, sizeof(st->failed_detail), "subpath '%s'", m->subpath);
	return start_fail(st, code, code == ENOENT || code == EACCES ? "find the volume" : "bind", m->source);
}

/* A mount that is to share what is mounted in it, or to hear of it, can do so only as a peer of the source: before all here is private. */
static bool is_shared(const struct planned_mount *m)
{
	return m->kind == PLAN_BIND && m->propagation & (MS_SHARED | MS_SLAVE) && !m->copy_symlink &&
	       !(m->flags & MS_REMOUNT) && m->mapped_tree < 0;
}

int start_take_shared(struct start *st)
{
	for (size_t i = 0; i < st->mounts_len; i++) {
		struct planned_mount *m = &st->mounts[i];

		if (!is_shared(m) || m->early_tree >= 0)
			continue;
		m->early_tree = start_clone_source(m);
		if (m->early_tree < 0)
			return bind_failed(st, -m->early_tree, m);
	}
	return 0;
}

/* The link that the source is, made anew. 1: the source is none. */
static int copy_symlink(struct start *st, const struct planned_mount *m)
{
	char target[PATH_MAX], there[PATH_MAX], folder[PATH_MAX];
	const char *name = strrchr(m->destination, '/') + 1;
	ssize_t n = readlink(m->source, target, sizeof(target) - 1), k;
	autoclose int parent = -1;

	if (n < 0)
		return errno == EINVAL ? 1 : bind_failed(st, errno, m);
	target[n] = '\0';
	snprintf(folder, sizeof(folder), "%.*s", (int)(name - m->destination), m->destination);
	parent = place_make(st, folder, true);
	if (parent < 0)
		return start_fail(st, -parent, "make the folder of the link", m->destination);
	if (symlinkat(target, parent, name) < 0 && errno != EEXIST)
		return start_fail(st, errno, "make the link", m->destination);
	k = readlinkat(parent, name, there, sizeof(there));
	if (k != n || memcmp(there, target, (size_t)n) != 0)
		return start_fail(st, EEXIST, "make the link", m->destination);
	start_note(st, 0, "make the link", m->destination, "", "symlink(\"%s\", \"%s\")", target, m->destination);
	return 0;
}

/* Where M goes: a place that is made if it is missing, or with dest-nofollow a link that is there. */
static int place_of(struct start *st, const struct planned_mount *m, bool folder)
{
	int fd = m->place_nofollow ? fs_open_in_root(st->root_fd, m->destination, O_PATH | O_NOFOLLOW, 0, NULL)
				   : -ENOENT;

	return fd == -ENOENT ? place_make(st, m->destination, folder) : fd;
}

static int mount_bind(struct start *st, const struct planned_mount *m)
{
	autoclose int tree = m->mapped_tree >= 0 ? dup_tree(m->mapped_tree)
			     : is_shared(m)	 ? m->early_tree
						 : start_clone_source(m);
	autoclose int place = -1;
	struct stat what;
	int r;

	if (tree < 0)
		return bind_failed(st, -tree, m);
	if (fstat(tree, &what) < 0)
		return bind_failed(st, errno, m);
	r = apply_plan(tree, m);
	if (r < 0)
		return start_fail(st, -r, "set the options of the volume", m->source);
	place = place_of(st, m, S_ISDIR(what.st_mode));
	if (place < 0)
		return start_fail(st, -place, "make the mount point", m->destination);
	r = place_attach(tree, place);
	if (r == 0 && m->propagation)
		r = set_attrs(tree, 0, 0, m->propagation & ~(uint64_t)MS_REC, m->propagation & MS_REC);
	start_note(st, r, m->attr_set & MOUNT_ATTR_RDONLY ? "bind read-only" : "bind", m->destination,
		   "a file or folder of the machine, as asked",
		   "open_tree(\"%s\", OPEN_TREE_CLONE%s); move_mount(tree, \"%s\")", m->source,
		   m->recursive ? " | AT_RECURSIVE" : "", m->destination);
	return r < 0 ? bind_failed(st, -r, m) : 0;
}

static const char *effect_of(const char *type)
{
	static const struct {
		const char *type, *effect;
	} effects[] = {
		{ "proc", "it sees its own processes only" },
		{ "tmpfs", "empty, in memory, gone with it" },
		{ "devpts", "terminals of its own" },
		{ "mqueue", "message queues of its own" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(effects); i++)
		if (strcmp(type, effects[i].type) == 0)
			return effects[i].effect;
	return "";
}

/*
 * Where parts of the /proc here are masked (an unprivileged pod or container) the kernel refuses a new one. The one that is
 * there does as well if its processes are the container's too: not with a pid namespace of its own.
 */
static int bind_proc(struct start *st, const struct planned_mount *m, int place)
{
	autoclose int tree = clone_tree("/proc", AT_RECURSIVE);
	int r = tree < 0 ? tree : set_attrs(tree, m->attr_set, 0, 0, true);

	if (r >= 0)
		r = place_attach(tree, place);
	start_note(st, r, "bind", m->destination, "a new one is refused, and the processes are shared anyway",
		   "open_tree(\"/proc\", OPEN_TREE_CLONE | AT_RECURSIVE); move_mount()");
	return r < 0 ? start_fail(st, -r, "bind /proc", m->destination) : 0;
}

static int mount_fs(struct start *st, const struct planned_mount *m, int place)
{
	int r = mount_here(place, m->type, m->device, m->flags, m->data);

	start_note(st, r, "mount", m->destination, effect_of(m->type), "mount(\"%s\", \"%s\", \"%s\", 0x%lx, \"%s\")",
		   m->device, m->destination, m->type, m->flags, m->data ? m->data : "");
	if (r == -EPERM && strcmp(m->type, "proc") == 0 && !(st->clone_flags & CLONE_NEWPID) &&
	    !start_joins(st, CLONE_NEWPID))
		return bind_proc(st, m, place);
	if (r < 0 && strcmp(m->type, "proc") == 0)
		return start_fail(st, -r, "mount a new /proc", m->destination);
	return r < 0 ? start_fail(st, -r, "mount", m->destination) : 0;
}

/* Only the owner of the network namespace may mount a sysfs: with the machine's network, its /sys is bound. */
static int mount_sysfs(struct start *st, const struct planned_mount *m, int place)
{
	int r = mount_here(place, "sysfs", "sysfs", m->flags, NULL);
	autoclose int tree = -1;

	start_note(st, r, "mount", m->destination, "the devices of its own network namespace",
		   "mount(\"sysfs\", \"%s\", \"sysfs\", 0x%lx)", m->destination, m->flags);
	if (r != -EPERM)
		return r < 0 ? start_fail(st, -r, "mount", m->destination) : 0;
	tree = clone_tree("/sys", AT_RECURSIVE);
	r = tree < 0 ? tree : set_attrs(tree, MOUNT_ATTR_RDONLY | m->attr_set, 0, 0, true);
	if (r >= 0)
		r = place_attach(tree, place);
	start_note(st, r, "bind read-only", m->destination, "the machine's own, since its network is shared",
		   "open_tree(\"/sys\", OPEN_TREE_CLONE | AT_RECURSIVE); move_mount()");
	return r < 0 ? start_fail(st, -r, "bind /sys", m->destination) : 0;
}

/*
 * One control group tree, of version 2, where there is one (alone or beside version 1). No limits are set here,
 * so a container can do without: then the folder is empty.
 */
static int mount_cgroup(struct start *st, const struct planned_mount *m, int place)
{
	int r = mount_here(place, "cgroup2", "cgroup", m->flags, NULL);

	start_note(st, r, "mount", m->destination, "its own control groups",
		   "mount(\"cgroup2\", \"%s\", \"cgroup2\", 0x%lx)", m->destination, m->flags);
	if (r == 0)
		return 0;
	r = mount_here(place, "tmpfs", "cgroup", m->flags | MS_RDONLY, "size=4k,mode=755");
	start_note(st, r, "mount", m->destination, "empty: no control groups may be mounted here",
		   "mount(\"tmpfs\", \"%s\", \"tmpfs\", MS_RDONLY)", m->destination);
	return r < 0 ? start_fail(st, -r, "mount", m->destination) : 0;
}

/* A part of the overlay is mounted over the whole: the kernel clones only what is attached somewhere. */
static int show_part(const struct planned_mount *m, int root)
{
	autoclose int tree = clone_part(root, m->subpath, false);
	int r = tree < 0 ? tree : apply_plan(tree, m);

	return r < 0 ? r : place_attach(tree, root);
}

static int finish_overlay(struct start *st, const struct planned_mount *m)
{
	autoclose int root = place_make(st, m->destination, true);

	if (root < 0)
		return root;
	return m->subpath ? show_part(m, root) : apply_plan(root, m);
}

static int mount_overlay(struct start *st, const struct planned_mount *m, int place)
{
	int r = start_make_overlay(st, &m->overlay, place);

	if (r == 0)
		r = finish_overlay(st, m);
	start_note(st, r, "mount overlay", m->destination,
		   m->overlay.upper ? "what is written does not change the folders below"
				    : "an image's files, read-only",
		   "fsconfig(fs, FSCONFIG_SET_STRING, \"lowerdir+\", \"%s\") and %zu more; move_mount()",
		   m->overlay.lowers[0], m->overlay.lowers_len - 1);
	if (r < 0 && m->subpath && !st->failed_detail[0])
		snprintf(st->failed_detail, sizeof(st->failed_detail), "subpath %s", m->subpath);
	return r < 0 ? start_fail(st, -r, "mount an overlay on", m->destination) : 0;
}

/* Other options of a mount that is there: of the file system, or with "bind" of the mount alone. */
static int remount(struct start *st, const struct planned_mount *m)
{
	autoclose int place = fs_open_in_root(st->root_fd, m->destination, O_PATH, 0, NULL);
	int r = place < 0 ? place : 0;

	if (r == 0 && m->kind == PLAN_BIND)
		r = set_attrs(place, m->attr_set, m->attr_clear, m->propagation & ~(uint64_t)MS_REC,
			      m->propagation & MS_REC);
	else if (r == 0)
		r = mount_here(place, m->type, m->device, m->flags, m->data);
	start_note(st, r, "remount", m->destination, "", "mount(NULL, \"%s\", NULL, MS_REMOUNT | 0x%lx)",
		   m->destination, m->flags);
	return r < 0 ? start_fail(st, -r, "remount", m->destination) : 0;
}

static int mount_new(struct start *st, const struct planned_mount *m, int place)
{
	switch (m->kind) {
	case PLAN_SYSFS:
		return mount_sysfs(st, m, place);
	case PLAN_OVERLAY:
		return mount_overlay(st, m, place);
	case PLAN_CGROUP:
		return mount_cgroup(st, m, place);
	default:
		return mount_fs(st, m, place);
	}
}

/* What a new file system was not told by its flags: propagation, attributes of all below, and what it hides. */
static int finish_new(struct start *st, const struct planned_mount *m, int hidden)
{
	autoclose int top = -1;
	int r;

	if (hidden < 0 && !m->propagation && !m->recursive_set && !m->recursive_clear)
		return 0;
	top = fs_open_in_root(st->root_fd, m->destination, O_RDONLY | O_DIRECTORY, 0, NULL);
	r = top < 0 ? top : 0;
	if (r == 0 && hidden >= 0)
		r = copy_up(hidden, top);
	if (r == 0)
		r = set_attrs(top, m->recursive_set, m->recursive_clear, 0, true);
	if (r == 0)
		r = set_attrs(top, 0, 0, m->propagation & ~(uint64_t)MS_REC, m->propagation & MS_REC);
	return r < 0 ? start_fail(st, -r, hidden >= 0 ? "copy up, or set the options of" : "set the options of",
				  m->destination)
		     : 0;
}

static int mount_one(struct start *st, const struct planned_mount *m)
{
	autoclose int place = -1, hidden = -1;
	int r = 1;

	if (m->flags & MS_REMOUNT)
		return remount(st, m);
	if (m->copy_symlink)
		r = copy_symlink(st, m);
	if (r <= 0)
		return r;
	if (m->kind == PLAN_BIND)
		return mount_bind(st, m);
	place = place_of(st, m, true);
	if (place < 0)
		return start_fail(st, -place, "make the mount point", m->destination);
	if (m->copy_up) {
		hidden = fs_open_in_root(st->root_fd, m->destination, O_RDONLY | O_DIRECTORY, 0, NULL);
		if (hidden < 0)
			return start_fail(st, -hidden, "open what is to be copied up", m->destination);
	}
	r = mount_new(st, m, place);
	return r < 0 ? r : finish_new(st, m, hidden);
}

int start_mount_all(struct start *st)
{
	for (size_t i = 0; i < st->mounts_len; i++) {
		int r = mount_one(st, &st->mounts[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

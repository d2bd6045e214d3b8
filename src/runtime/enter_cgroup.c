/*
 * The control groups of a container's pid 1, for whoever enters it: cgroups(7).
 *
 * /proc/PID/cgroup has a line for each hierarchy, "ID:CONTROLLERS:PATH", ID 0 and no controllers for version 2; where the
 * hierarchy is mounted, /proc/self/mountinfo tells. Only what differs from ours has to be entered.
 */
#include "base/cleanup.h"
#include "base/str.h"
#include "runtime/start.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { CGROUP_TEXT_MAX = 64 * 1024, MOUNTS_TEXT_MAX = 16 << 20, HIERARCHIES_MAX = 64 };

/* A line of /proc/PID/cgroup, cut up in place. */
struct hierarchy {
	const char *controllers, *path;
};

static bool next_hierarchy(char **rest, struct hierarchy *ret)
{
	char *line = strsep(rest, "\n");

	if (!line || !*line)
		return false;
	strsep(&line, ":");
	ret->controllers = strsep(&line, ":");
	ret->path = line;
	return ret->controllers && ret->path;
}

/* Is OPTIONS, the super block's of a version 1 mount, that of the hierarchy with CONTROLLERS? "rw,cpu,cpuacct"; "rw,xattr,name=systemd". */
static bool has_option(const char *options, const char *controllers)
{
	size_t len = strcspn(controllers, ",");

	for (const char *at = options; *at; at += *at == ',') {
		size_t n = strcspn(at, ",");

		if (n == len && strncmp(at, controllers, len) == 0)
			return true;
		at += n;
	}
	return false;
}

/*
 * The folder of H below the mount that LINE of mountinfo is, if it is of that hierarchy: proc_pid_mountinfo(5). Fields 4 and 5
 * are root and mount point, what follows " - " type, source and the super block's options.
 */
static char *folder_in_mount(char *line, const struct hierarchy *h)
{
	char *tail = strstr(line, " - "), *field[5];
	const char *type, *options, *inside;

	if (!tail)
		return NULL;
	*tail = '\0';
	tail += 3;
	type = strsep(&tail, " ");
	strsep(&tail, " ");
	options = tail;
	for (size_t i = 0; i < ARRAY_SIZE(field); i++)
		field[i] = strsep(&line, " ");
	if (!options || !field[4] || strcmp(type, *h->controllers ? "cgroup" : "cgroup2") != 0 ||
	    (*h->controllers && !has_option(options, h->controllers)))
		return NULL;
	inside = strcmp(field[3], "/") == 0 ? h->path : str_skip_prefix(h->path, field[3]);
	return inside ? str_format("%s%s/cgroup.procs", field[4], inside) : NULL;
}

/* NULL: it is mounted nowhere. */
static char *find_folder(const char *mounts, const struct hierarchy *h)
{
	autofree char *copy = strdup(mounts);
	char *rest = copy, *line;

	while (rest && (line = strsep(&rest, "\n"))) {
		char *found = folder_in_mount(line, h);

		if (found)
			return found;
	}
	return NULL;
}

/* The path that OURS has for the same hierarchy is H's. */
static bool is_ours(const char *ours, const struct hierarchy *h)
{
	autofree char *copy = strdup(ours);
	char *rest = copy;
	struct hierarchy own;

	while (next_hierarchy(&rest, &own))
		if (strcmp(own.controllers, h->controllers) == 0)
			return strcmp(own.path, h->path) == 0;
	return true;
}

/*
 * A container without a control group of its own is where its starter was: another terminal's session, say. That an
 * ordinary user can't move there costs nothing. One with limits must hold its guests too.
 */
static bool has_own(const struct start *st)
{
	return st->spec->linux_.cgroups_path || st->spec->linux_.resources;
}

/* *RET_FD -1: it is not to be entered. */
static int open_hierarchy(struct start *st, const char *mounts, const struct hierarchy *h, int *ret_fd, struct err *err)
{
	autofree char *file = find_folder(mounts, h);
	int fd = file ? open(file, O_WRONLY | O_CLOEXEC) : -1, code = file ? errno : ENOENT;

	*ret_fd = fd;
	if (fd >= 0 || !has_own(st))
		return 0;
	err_errno(err, code, "enter the container's control group '%s' (%s)", h->path,
		  *h->controllers ? h->controllers : "version 2");
	return err_hint(err, "its limits would not hold for the new process, so it is not started");
}

static int open_all(struct start *st, char *theirs, const char *ours, struct err *err)
{
	autobuf struct buf mounts = BUF_INIT(MOUNTS_TEXT_MAX);
	struct hierarchy h;
	size_t len = 0;
	int fd, r = fs_read_file(AT_FDCWD, "/proc/self/mountinfo", MOUNTS_TEXT_MAX, &mounts, err);

	if (r < 0)
		return r;
	st->cgroups = calloc(HIERARCHIES_MAX + 1, sizeof(int));
	if (!st->cgroups)
		return err_oom(err);
	st->cgroups[0] = -1;
	while (next_hierarchy(&theirs, &h) && len < HIERARCHIES_MAX) {
		if (is_ours(ours, &h))
			continue;
		r = open_hierarchy(st, buf_str(&mounts), &h, &fd, err);
		if (r < 0)
			return r;
		if (fd < 0)
			continue;
		st->cgroups[len++] = fd;
		st->cgroups[len] = -1;
	}
	return 0;
}

int start_prepare_cgroups(struct start *st, struct err *err)
{
	autobuf struct buf ours = BUF_INIT(CGROUP_TEXT_MAX), theirs = BUF_INIT(CGROUP_TEXT_MAX);
	autofree char *copy = NULL;
	int r = fs_read_file(AT_FDCWD, "/proc/self/cgroup", CGROUP_TEXT_MAX, &ours, err);

	/* A kernel without control groups. */
	if (r == -ENOENT) {
		err_clear(err);
		return 0;
	}
	if (r >= 0)
		r = fs_read_file(st->target->proc_fd, "cgroup", CGROUP_TEXT_MAX, &theirs, err);
	if (r < 0)
		return r;
	if (strcmp(buf_str(&ours), buf_str(&theirs)) == 0)
		return 0;
	copy = buf_take(&theirs);
	return copy ? open_all(st, copy, buf_str(&ours), err) : err_oom(err);
}

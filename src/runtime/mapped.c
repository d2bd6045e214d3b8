/*
 * Bind mounts with mapped ids (mount_setattr(2), MOUNT_ATTR_IDMAP; config.md, "mounts", uidMappings).
 *
 * The kernel takes the map from a user namespace, which is made for that alone: a child in a new one waits until its maps are
 * written and a descriptor of it is open. Only who has all rights over the file system may map it, which the new process in
 * its own user namespace has not, so the caller takes the source and maps it, and the process finds the tree among its
 * descriptors.
 */
#include "base/cleanup.h"
#include "runtime/start.h"
#include "sys/spawn.h"
#include "sys/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

static int copy_ranges(const struct oci_mappings *src, struct id_range *dst, size_t *ret_len, struct err *err)
{
	if (src->len > IDMAP_RANGES_MAX)
		return err_set(err, E2BIG, "more than %d ranges of ids", IDMAP_RANGES_MAX);
	for (size_t i = 0; i < src->len; i++)
		dst[i] = (struct id_range){ src->items[i].inside, src->items[i].outside, src->items[i].count };
	*ret_len = src->len;
	return 0;
}

/* A descriptor of a new user namespace with IDS. */
static int make_namespace(const struct idmap *ids, struct err *err)
{
	int pidfd = -1, fd = -1, r;
	char path[32];
	pid_t pid = spawn_clone(CLONE_NEWUSER, &pidfd);

	if (pid < 0)
		return userns_refused(errno, err);
	if (pid == 0)
		for (;;)
			pause();
	r = userns_write_maps(pid, ids, err);
	if (r == 0) {
		snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		r = fd < 0 ? err_errno(err, errno, "open '%s'", path) : 0;
	}
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	close(pidfd);
	return r < 0 ? r : fd;
}

/* The user namespace whose map is M's: its own, else the container's. */
static int namespace_of(const struct start *st, const struct oci_mount *src, struct err *err)
{
	const struct oci_linux *l = &st->spec->linux_;
	bool own = src->uid_mappings.len > 0;
	const struct oci_mappings *uids = own ? &src->uid_mappings : &l->uid_mappings;
	const struct oci_mappings *gids = own ? &src->gid_mappings : &l->gid_mappings;
	struct idmap ids = { .mode = geteuid() == 0 ? ID_MODE_ROOT : ID_MODE_RANGE };
	int r;

	for (size_t i = 0; i < st->joined_len && !own; i++) {
		int fd = st->joined[i].flag == CLONE_NEWUSER ? fcntl(st->joined[i].fd, F_DUPFD_CLOEXEC, 3) : -1;

		if (fd >= 0)
			return fd;
	}
	if (!own && !(st->clone_flags & CLONE_NEWUSER))
		return err_set(err, EINVAL, "idmap without uidMappings and without a user namespace");
	r = copy_ranges(uids, ids.uids, &ids.uids_len, err);
	if (r == 0)
		r = copy_ranges(gids, ids.gids, &ids.gids_len, err);
	return r < 0 ? r : make_namespace(&ids, err);
}

static int map_source(const struct start *st, struct planned_mount *m, const struct oci_mount *src, struct err *err)
{
	unsigned recursive = m->id_mapped_recursive ? AT_RECURSIVE : 0;
	unsigned nofollow = m->source_nofollow ? AT_SYMLINK_NOFOLLOW : 0;
	autoclose int namespace = namespace_of(st, src, err), tree = -1;
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP };
	int r;

	if (namespace < 0)
		return namespace;
	attr.userns_fd = (unsigned)namespace;
	tree = open_tree(AT_FDCWD, m->source,
			 OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | nofollow | (m->recursive ? AT_RECURSIVE : 0));
	if (tree < 0 || mount_setattr(tree, "", AT_EMPTY_PATH | recursive, &attr, sizeof(attr)) < 0) {
		r = err_errno(err, errno, "map the ids of '%s'", m->source);
		if (r == -EPERM)
			err_hint(err,
				 "only root may map a file system that isn't of the container's own user namespace");
		else if (r == -EINVAL)
			err_hint(err, "this kernel can't map ids on that type of file system");
		return r;
	}
	m->mapped_tree = TAKE_FD(tree);
	return 0;
}

int start_prepare_mapped(struct start *st, struct planned_mount *m, const struct oci_mount *src, struct err *err)
{
	int r;

	if (!src->uid_mappings.len != !src->gid_mappings.len)
		return err_set(err, EINVAL, "mount on '%s': uidMappings and gidMappings go together", m->destination);
	if (!src->uid_mappings.len && !m->id_mapped && !m->id_mapped_recursive)
		return 0;
	if (m->kind != PLAN_BIND || m->foreign_path || m->subpath || m->flags & MS_REMOUNT)
		return err_set(err, EINVAL,
			       "mount on '%s': only bind mounts of the machine's folders can have mapped ids",
			       m->destination);
	r = map_source(st, m, src, err);
	return r < 0 ? err_wrap(err, "mount on '%s'", m->destination) : 0;
}

/* What is looked up and understood before the process exists. */
#include "base/cleanup.h"
#include "base/log.h"
#include "base/str.h"
#include "runtime/nature.h"
#include "runtime/start.h"
#include "sys/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

/* --- namespaces --- */

static const struct namespace_kind {
	const char *type;
	int flag;
	bool joinable;
} namespace_kinds[] = {
	{ "user", CLONE_NEWUSER, true },     { "mount", CLONE_NEWNS, false }, { "pid", CLONE_NEWPID, true },
	{ "network", CLONE_NEWNET, true },   { "ipc", CLONE_NEWIPC, true },   { "uts", CLONE_NEWUTS, true },
	{ "cgroup", CLONE_NEWCGROUP, true }, { "time", CLONE_NEWTIME, true },
};

static int add_namespace(struct start *st, const struct oci_namespace *ns, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(namespace_kinds); i++) {
		const struct namespace_kind *k = &namespace_kinds[i];
		if (strcmp(ns->type, k->type) != 0)
			continue;
		if (!ns->path || !ns->path[0]) {
			if (k->flag == CLONE_NEWTIME)
				st->new_time = true;
			else
				st->clone_flags |= (uint64_t)k->flag;
			return 0;
		}
		if (!k->joinable) {
			err_set(err, EOPNOTSUPP,
				"the %s namespace '%s' can't be joined: the root of all who are in there would become "
				"the container's",
				ns->type, ns->path);
			return err_hint(err, "leave out its path");
		}
		return start_prepare_join(st, k->type, ns->path, k->flag, err);
	}
	return err_set(err, EINVAL, "linux.namespaces: there is no namespace of type '%s'", ns->type);
}

static int copy_mappings(const struct oci_mappings *src, const char *what, struct id_range *dst, size_t *ret_len,
			 struct err *err)
{
	if (src->len == 0)
		return err_set(err, EINVAL, "a user namespace without %s", what);
	if (src->len > IDMAP_RANGES_MAX)
		return err_set(err, E2BIG, "%s: more than %d ranges", what, IDMAP_RANGES_MAX);
	for (size_t i = 0; i < src->len; i++)
		dst[i] = (struct id_range){ src->items[i].inside, src->items[i].outside, src->items[i].count };
	*ret_len = src->len;
	return 0;
}

static int prepare_namespaces(struct start *st, struct err *err)
{
	const struct oci_linux *l = &st->spec->linux_;
	int r = 0;

	for (size_t i = 0; i < l->namespaces.len && r == 0; i++)
		r = add_namespace(st, &l->namespaces.items[i], err);
	if (r < 0)
		return r;
	if (!(st->clone_flags & CLONE_NEWNS))
		return err_set(err, EINVAL, "the configuration has no mount namespace");
	st->in_userns = st->clone_flags & CLONE_NEWUSER || start_joins(st, CLONE_NEWUSER);
	if (st->clone_flags & CLONE_NEWUSER && start_joins(st, CLONE_NEWUSER))
		return err_set(err, EINVAL, "the configuration has two user namespaces");
	if (!(st->clone_flags & CLONE_NEWUSER))
		return 0;
	r = copy_mappings(&l->uid_mappings, "linux.uidMappings", st->ids.uids, &st->ids.uids_len, err);
	if (r == 0)
		r = copy_mappings(&l->gid_mappings, "linux.gidMappings", st->ids.gids, &st->ids.gids_len, err);
	st->own_maps = st->groups_denied = userns_maps_own(&st->ids);
	/* newuidmap takes its time, and a network namespace is the dearest to make: both at once. */
	if (!st->own_maps && geteuid() != 0)
		st->late_flags = st->clone_flags & CLONE_NEWNET;
	return r;
}

/* --- capabilities --- */

/* What can't be given is left out and said: config.md, "capabilities", wants no failure. */
static cap_set caps_of(const struct strv *names)
{
	cap_set set = 0;

	for (size_t i = 0; i < names->len; i++) {
		int number = cap_from_name(names->items[i]);

		if (number < 0)
			log_warn("process.capabilities: there is no capability '%s'; it is left out", names->items[i]);
		else if (number <= cap_last())
			set |= CAP_BIT(number);
	}
	return set;
}

static void prepare_caps(struct start *st)
{
	const struct oci_capabilities *c = &st->spec->process.capabilities;
	struct cap_state own;

	st->caps = (struct cap_state){ caps_of(&c->bounding), caps_of(&c->effective), caps_of(&c->inheritable),
				       caps_of(&c->permitted), caps_of(&c->ambient) };
	/* Without a user namespace of its own nobody can have more than we have. */
	if (!st->in_userns && !st->target && caps_get(&own) == 0) {
		if (st->caps.permitted & ~own.permitted)
			log_warn("process.capabilities: more than this process has itself; they are left out");
		st->caps.permitted &= own.permitted;
		st->caps.inheritable &= own.permitted | own.inheritable;
	}
	/* The kernel lets nothing else be effective, or ambient: capabilities(7). Others write more there, and mean this. */
	st->caps.effective &= st->caps.permitted;
	st->caps.ambient &= st->caps.permitted & st->caps.inheritable;
}

/* --- the rest --- */

static int prepare_paths(struct start *st, struct err *err)
{
	const char *propagation = st->spec->linux_.rootfs_propagation;
	autofree char *cwd = NULL;

	if (st->options->bundle)
		cwd = strdup(st->options->bundle);
	else
		cwd = getcwd(NULL, 0);
	if (!cwd)
		return err_errno(err, errno, "find the working folder");
	st->bundle = realpath(cwd, NULL);
	if (!st->bundle)
		return err_errno(err, errno, "find the bundle '%s'", cwd);
	st->root = path_resolve(st->bundle, st->spec->root_path);
	st->cwd = st->spec->process.cwd ? path_clean(st->spec->process.cwd) : NULL;
	if (!st->root || (st->spec->process.cwd && !st->cwd))
		return err_oom(err);
	st->root_propagation = propagation ? mount_propagation(propagation) : 0;
	if (propagation && *propagation && !st->root_propagation)
		return err_set(err, EINVAL, "linux.rootfsPropagation: there is no '%s'", propagation);
	if (strcmp(st->root, "/") == 0)
		return err_set(err, EINVAL, "the root folder is the machine's own root");
	return 0;
}

static int prepare_argv(struct start *st, struct err *err)
{
	static char name[] = "init";
	const struct strv *args = &st->spec->process.args;

	st->init_argv = calloc(args->len + 3, sizeof(char *));
	if (!st->init_argv)
		return err_oom(err);
	st->init_argv[0] = name;
	for (size_t i = 0; i < args->len; i++)
		st->init_argv[i + 2] = args->items[i];
	return 0;
}

int start_prepare_process(struct start *st, struct err *err)
{
	int r;

	prepare_caps(st);
	r = start_prepare_seccomp(st, err);
	if (r == 0)
		r = prepare_argv(st, err);
	if (r < 0)
		return r;
	st->init_fd = init_image_open(err);
	return st->init_fd < 0 ? st->init_fd : 0;
}

int start_prepare(struct start *st, struct err *err)
{
	int r;

	st->init_fd = st->caller_end = st->child_end = st->root_fd = st->terminal = -1;
	st->overlay = st->options->overlay;
	st->go = st->options->halt ? st->options->halt->go : -1;
	st->report = st->options->halt ? st->options->halt->report : -1;
	st->creating_state = st->created_state = -1;
	r = start_check(st, err);
	if (r == 0)
		r = prepare_namespaces(st, err);
	if (r == 0)
		r = start_prepare_group(st, err);
	st->limits_outside = limits_are_outside(st);
	st->is_attended = st->has_group || st->limits_outside || nature_is_outside(st->spec);
	if (r == 0)
		r = prepare_paths(st, err);
	if (r == 0)
		r = start_plan_mounts(st, err);
	if (r == 0)
		r = start_prepare_devices(st, err);
	if (r == 0)
		r = start_prepare_ahead(st, err);
	if (r == 0)
		r = start_prepare_hooks(st, err);
	return r < 0 ? r : start_prepare_process(st, err);
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void start_done(struct start *st)
{
	for (size_t i = 0; i < st->joined_len; i++)
		close_fd(st->joined[i].fd);
	for (size_t i = 0; i < st->mounts_len; i++) {
		free(st->mounts[i].destination);
		free(st->mounts[i].source);
		free(st->mounts[i].data);
		free((void *)(uintptr_t)st->mounts[i].overlay.lowers);
		close_fd(st->mounts[i].foreign_ns);
		close_fd(st->mounts[i].foreign_tree);
		close_fd(st->mounts[i].mapped_tree);
	}
	free(st->mounts);
	free(st->bundle);
	free(st->root);
	free(st->cwd);
	free(st->filter_owned);
	free(st->init_argv);
	for (size_t i = 0; st->cgroups && st->cgroups[i] >= 0; i++)
		close(st->cgroups[i]);
	free(st->cgroups);
	start_done_group(st);
	start_done_ahead(st);
	start_done_devices(st);
	close_fd(st->creating_state);
	close_fd(st->created_state);
	close_fd(st->init_fd);
	close_fd(st->caller_end);
	close_fd(st->child_end);
}

/* The mounts of a spec, understood before the process exists: options become flags, paths absolute. */
#include "base/cleanup.h"
#include "base/num.h"
#include "base/str.h"
#include "runtime/nature.h"
#include "runtime/start.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

/* True if OPTION ("gid=5") names an id that the container does not have: the kernel would refuse the mount. */
static bool names_unmapped_id(const struct start *st, const char *option)
{
	const char *uid = str_skip_prefix(option, "uid="), *gid = str_skip_prefix(option, "gid=");
	uint32_t id;

	if (!st->in_userns || st->ids.uids_len == 0 || st->ids.gids_len == 0)
		return false;
	if (uid && num_parse_u32(uid, UINT32_MAX, &id) == 0)
		return idmap_outside(st->ids.uids, st->ids.uids_len, id) < 0;
	if (gid && num_parse_u32(gid, UINT32_MAX, &id) == 0)
		return idmap_outside(st->ids.gids, st->ids.gids_len, id) < 0;
	return false;
}

static int append_data(struct planned_mount *m, const char *option)
{
	char *joined = m->data ? str_format("%s,%s", m->data, option) : strdup(option);

	if (!joined)
		return -ENOMEM;
	free(m->data);
	m->data = joined;
	return 0;
}

/* The folders of an overlay, one option each, so that neither length nor commas matter; and what is to be seen of a mount. */
static bool apply_place(struct planned_mount *m, const char *option)
{
	const char *value;

	if ((value = str_skip_prefix(option, "subpath=")))
		m->subpath = value;
	else if (m->kind != PLAN_OVERLAY)
		return false;
	else if ((value = str_skip_prefix(option, "lowerdir+=")))
		((const char **)(uintptr_t)m->overlay.lowers)[m->overlay.lowers_len++] = value;
	else if ((value = str_skip_prefix(option, "upperdir=")))
		m->overlay.upper = value;
	else if ((value = str_skip_prefix(option, "workdir=")))
		m->overlay.work = value;
	else
		return false;
	return true;
}

/* An overlay whose folders stand one in each option; others are for the kernel as they are. */
static int begin_overlay(struct planned_mount *m, const struct oci_mount *src, struct err *err)
{
	bool found = false;

	for (size_t i = 0; i < src->options.len; i++)
		found |= str_starts_with(src->options.items[i], "lowerdir+=");
	if (m->kind != PLAN_FS || strcmp(m->type, "overlay") != 0 || !found)
		return 0;
	m->kind = PLAN_OVERLAY;
	m->overlay.lowers = calloc(src->options.len, sizeof(char *));
	return m->overlay.lowers ? 0 : err_oom(err);
}

static int plan_option(const struct start *st, struct planned_mount *m, const char *option, struct err *err)
{
	if (strcmp(option, "bind") == 0 || strcmp(option, "rbind") == 0) {
		m->kind = PLAN_BIND;
		m->recursive = option[0] == 'r';
		return 0;
	}
	if (mount_option_apply(m, option))
		return 0;
	if (apply_place(m, option))
		return 0;
	if (m->kind == PLAN_BIND || m->kind == PLAN_OVERLAY)
		return err_set(err, EINVAL, "mount on '%s': a %s mount has no option '%s'", m->destination,
			       m->kind == PLAN_BIND ? "bind" : "overlay", option);
	if (names_unmapped_id(st, option))
		return 0;
	return append_data(m, option) < 0 ? err_oom(err) : 0;
}

static void set_kind(struct planned_mount *m, const struct oci_mount *src)
{
	const char *type = src->type ? src->type : "bind";

	m->type = type;
	m->device = src->source && src->source[0] ? src->source : type;
	if (strcmp(type, "bind") == 0 || strcmp(type, "rbind") == 0 || strcmp(type, "none") == 0) {
		m->kind = PLAN_BIND;
		m->recursive = strcmp(type, "rbind") == 0;
	} else if (strcmp(type, "sysfs") == 0) {
		m->kind = PLAN_SYSFS;
	} else if (strcmp(type, "cgroup") == 0 || strcmp(type, "cgroup2") == 0) {
		m->kind = PLAN_CGROUP;
	} else {
		m->kind = PLAN_FS;
	}
	for (size_t i = 0; i < src->options.len; i++)
		if (strcmp(src->options.items[i], "bind") == 0 || strcmp(src->options.items[i], "rbind") == 0)
			m->kind = PLAN_BIND;
}

static int check_overlay(const struct planned_mount *m, struct err *err)
{
	const struct runtime_overlay *o = &m->overlay;

	if (m->kind != PLAN_OVERLAY)
		return 0;
	if (o->lowers_len > RUNTIME_LOWERS_MAX || !o->upper != !o->work || (o->lowers_len < 2 && !o->upper))
		return err_set(
			err, EINVAL,
			"mount on '%s': an overlay has up to %d lower folders, and an upper and a work folder or, "
			"with two or more of them, neither",
			m->destination, RUNTIME_LOWERS_MAX);
	return 0;
}

/* Options that mean something for some mounts only. */
static int check_special(const struct planned_mount *m, struct err *err)
{
	bool is_bind = m->kind == PLAN_BIND;
	const char *wrong = NULL;

	if (m->copy_up && (m->kind != PLAN_FS || strcmp(m->type, "tmpfs") != 0))
		wrong = "tmpcopyup";
	else if (m->copy_symlink && !is_bind)
		wrong = "copy-symlink";
	else if (m->source_nofollow && !is_bind)
		wrong = "src-nofollow";
	else if ((m->id_mapped || m->id_mapped_recursive) && !is_bind)
		wrong = "idmap";
	else if (m->flags & MS_REMOUNT && !is_bind && m->kind != PLAN_FS)
		wrong = "remount";
	if (wrong)
		return err_set(err, EINVAL, "mount on '%s': the option '%s' means nothing for a mount of type %s",
			       m->destination, wrong, m->type);
	return 0;
}

/* linux.mountLabel: what SELinux takes the files of a new file system for. Those of /proc, /sys and queues have labels of their own. */
static int add_label(const struct start *st, struct planned_mount *m)
{
	const char *label = st->spec->linux_.mount_label;
	autofree char *option = NULL;

	if (!nature_is_label(label) || m->kind != PLAN_FS || m->flags & MS_REMOUNT ||
	    (strcmp(m->type, "tmpfs") != 0 && strcmp(m->type, "devpts") != 0))
		return 0;
	option = str_format("context=\"%s\"", label);
	return option ? append_data(m, option) : -ENOMEM;
}

static int plan_mount(struct start *st, const struct oci_mount *src, struct planned_mount *m, struct err *err)
{
	int r;

	/* One that isn't absolute is old, and below the root: config.md. */
	m->destination = path_resolve("/", src->destination);
	if (!m->destination)
		return err_oom(err);
	if (strcmp(m->destination, "/") == 0)
		return err_set(err, EINVAL, "mount on '/': that is the root");
	set_kind(m, src);
	r = begin_overlay(m, src, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < src->options.len; i++) {
		r = plan_option(st, m, src->options.items[i], err);
		if (r < 0)
			return r;
	}
	if (add_label(st, m) < 0)
		return err_oom(err);
	r = check_overlay(m, err);
	if (r == 0)
		r = check_special(m, err);
	if (r < 0)
		return r;
	if (m->kind == PLAN_BIND && !(m->flags & MS_REMOUNT)) {
		if (!src->source)
			return err_set(err, EINVAL, "mount on '%s': a bind mount has no source", src->destination);
		m->source = path_resolve(st->bundle, src->source);
		if (!m->source)
			return err_oom(err);
		r = start_prepare_foreign(st, m, err);
		if (r < 0)
			return r;
	}
	return start_prepare_mapped(st, m, src, err);
}

int start_plan_mounts(struct start *st, struct err *err)
{
	const struct oci_mounts *mounts = &st->spec->mounts;

	st->mounts = calloc(mounts->len + 1, sizeof(*st->mounts));
	if (!st->mounts)
		return err_oom(err);
	st->mounts_len = mounts->len;
	for (size_t i = 0; i < mounts->len; i++)
		st->mounts[i].foreign_ns = st->mounts[i].foreign_tree = st->mounts[i].mapped_tree =
			st->mounts[i].early_tree = -1;
	for (size_t i = 0; i < mounts->len; i++) {
		int r = plan_mount(st, &mounts->items[i], &st->mounts[i], err);

		if (r < 0)
			return r;
		st->copies_up |= st->mounts[i].copy_up;
		/* Whoever gives the container a whole /dev has filled it. */
		if (strcmp(st->mounts[i].destination, "/dev") == 0)
			st->dev_is_foreign = st->mounts[i].kind == PLAN_BIND;
	}
	return 0;
}

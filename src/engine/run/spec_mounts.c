/* What a container sees beside its image: the files of name service, -v, --mount, --tmpfs, --device. */
#include "engine/run/spec.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "engine/run/mounts.h"
#include "engine/volume/chown.h"
#include "sys/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- collecting what was asked --- */

typedef int (*parse_fn)(const char *spec, const char *cwd, struct run_mount *ret, struct err *err);

static int parse_tmpfs(const char *spec, const char *cwd, struct run_mount *ret, struct err *err)
{
	(void)cwd;
	return run_parse_tmpfs(spec, ret, err);
}

static int add_mount(struct run_mounts *mounts, struct run_mount *m, struct err *err)
{
	for (size_t i = 0; i < mounts->len; i++)
		if (strcmp(mounts->items[i].target, m->target) == 0)
			return err_set(err, EINVAL, "'%s' is mounted twice", m->target);
	if (mounts->len == RUN_MOUNTS_MAX)
		return err_set(err, E2BIG, "more than %d mounts", RUN_MOUNTS_MAX);
	if (run_mounts_push(mounts, *m) < 0)
		return err_oom(err);
	*m = (struct run_mount){ 0 };
	return 0;
}

static int collect(struct run_mounts *mounts, const struct strv *words, const char *cwd, parse_fn parse,
		   struct err *err)
{
	for (size_t i = 0; i < words->len; i++) {
		CLEANUP(run_mount_done) struct run_mount m = { 0 };
		int r = parse(words->items[i], cwd, &m, err);

		if (r >= 0)
			r = add_mount(mounts, &m, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* A mount on /a must be made before one on /a/b; the order is otherwise that of the names. */
static int compare_targets(const void *a, const void *b)
{
	return strcmp(((const struct run_mount *)a)->target, ((const struct run_mount *)b)->target);
}

/* --- one mount of the user --- */

static int check_source(const struct run_mount *m, struct err *err)
{
	if (access(m->source, F_OK) == 0)
		return 0;
	if (errno != ENOENT) {
		err_errno(err, errno, "show '%s' at '%s'", m->source, m->target);
		return err_hint(err,
				"you can't look there yourself, and a container can't more than you: see ls -ld of "
				"it and of the folders above");
	}
	if (!m->create_source) {
		err_set(err, EINVAL, "bind source path does not exist: '%s'", m->source);
		return err_hint(err, "make it first, or use -v, which does");
	}
	return fs_make_dirs(AT_FDCWD, m->source, 0755, err);
}

static int check_relabel(const struct run_mount *m, struct err *err)
{
	if (!m->relabel || access("/sys/fs/selinux/enforce", F_OK) != 0)
		return 0;
	err_set(err, EOPNOTSUPP, "'%s': relabelling for SELinux (z, Z) is not there yet", m->target);
	return err_hint(err, "label the folder yourself: chcon -R -t container_file_t %s",
			m->source ? m->source : "DIR");
}

/* A mount whose options may hold commas: they are no list. */
static int add_options(struct oci_spec *spec, const char *key, const char *value, struct err *err)
{
	struct strv *options = &spec->mounts.items[spec->mounts.len - 1].options;

	return value && strv_addf(options, "%s%s", key, value) < 0 ? err_oom(err) : 0;
}

static int add_bind(const struct run_request *q, struct oci_spec *spec, const struct run_mount *m, struct err *err)
{
	autofree char *options = NULL;
	int r = check_source(m, err);

	if (r >= 0 && m->chown)
		r = volume_chown(q->ids, m->source, spec->process.user.uid, spec->process.user.gid, err);
	if (r < 0)
		return r;
	options = str_format("%s,%s%s%s%s", m->nonrecursive ? "bind" : "rbind", m->propagation,
			     !m->read_only			   ? ""
			     : m->read_only_top || m->nonrecursive ? ",ro"
								   : ",rro",
			     m->flags ? "," : "", m->flags ? m->flags : "");
	if (!options || oci_spec_add_mount(spec, m->target, "bind", m->source, options) < 0)
		return err_oom(err);
	return add_options(spec, "subpath=", m->subpath, err);
}

/* An image of one layer is that layer; an overlay of fewer than two folders there is none. */
static int add_overlay(struct oci_spec *spec, const struct run_mount *m, struct err *err)
{
	bool one = m->lowers.len == 1 && !m->upper;
	int r;

	if (m->source && access(m->source, F_OK) < 0)
		return err_errno(err, errno, "'%s'", m->source);
	if (oci_spec_add_mount(spec, m->target, one ? "bind" : "overlay", one ? m->lowers.items[0] : "overlay",
			       m->read_only ? one ? "bind,rprivate,ro,nosuid,nodev" : "ro,nosuid,nodev"
					    : "nosuid,nodev") < 0)
		return err_oom(err);
	r = one ? 0 : add_options(spec, "lowerdir+=", m->source, err);
	for (size_t i = 0; r >= 0 && !one && i < m->lowers.len; i++)
		r = add_options(spec, "lowerdir+=", m->lowers.items[i], err);
	if (r >= 0)
		r = add_options(spec, "upperdir=", m->upper, err);
	if (r >= 0)
		r = add_options(spec, "workdir=", m->work, err);
	return r < 0 ? r : add_options(spec, "subpath=", m->subpath, err);
}

static int add_one(const struct run_request *q, struct oci_spec *spec, const struct run_mount *m, struct err *err)
{
	autofree char *options = NULL;
	int r = check_relabel(m, err);

	if (r < 0)
		return r;
	/* What the user mounts on a place of ours (/dev/shm, /etc/hosts) takes its place. */
	oci_spec_remove_mount(spec, m->target);
	if (m->kind == RUN_MOUNT_VOLUME && !m->source)
		return err_set(err, EOPNOTSUPP, "'%s': there is no store here that could have volumes", m->target);
	if (m->kind == RUN_MOUNT_BIND || m->kind == RUN_MOUNT_VOLUME)
		return add_bind(q, spec, m, err);
	if (m->kind == RUN_MOUNT_OVERLAY || m->kind == RUN_MOUNT_IMAGE)
		return add_overlay(spec, m, err);
	options = str_format("%s%s", m->tmpfs_options, m->read_only ? ",ro" : "");
	return !options || oci_spec_add_mount(spec, m->target, "tmpfs", "tmpfs", options) < 0 ? err_oom(err) : 0;
}

int run_mounts_collect(const struct run_options *o, const char *cwd, struct run_mounts *ret, struct err *err)
{
	int r = collect(ret, &o->volumes, cwd, run_parse_volume, err);

	if (r >= 0)
		r = collect(ret, &o->mounts, cwd, run_parse_mount, err);
	if (r >= 0)
		r = collect(ret, &o->tmpfs, cwd, parse_tmpfs, err);
	return r;
}

void run_mounts_sort(struct run_mounts *mounts)
{
	if (mounts->len)
		qsort(mounts->items, mounts->len, sizeof(mounts->items[0]), compare_targets);
}

/* podman's: places where programs expect to be able to write, though the image can't be. */
static int add_writable(const struct run_options *o, struct oci_spec *spec, struct err *err)
{
	static const char *const places[] = { "/run", "/tmp", "/var/tmp" };

	if (!o->read_only || !o->read_only_tmpfs)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (oci_spec_add_mount(spec, places[i], "tmpfs", "tmpfs",
				       i == 0 ? "nosuid,nodev,mode=755" : "nosuid,nodev,mode=1777") < 0)
			return err_oom(err);
	return 0;
}

static int add_users_mounts(const struct run_request *q, struct oci_spec *spec, struct err *err)
{
	CLEANUP(run_mounts_done) struct run_mounts mounts = { 0 };
	const struct run_mounts *all = q->mounts ? q->mounts : &mounts;
	int r = q->mounts ? 0 : run_mounts_collect(q->options, q->cwd, &mounts, err);

	run_mounts_sort(&mounts);
	if (r >= 0)
		r = add_writable(q->options, spec, err);
	for (size_t i = 0; r >= 0 && i < all->len; i++)
		r = add_one(q, spec, &all->items[i], err);
	return r;
}

/* --- devices --- */

/* A device of the host is bound, in every mode: so it works without the right to make devices. */
static int bind_device(struct oci_spec *spec, const char *source, const char *target, struct err *err)
{
	oci_spec_remove_mount(spec, target);
	return oci_spec_add_mount(spec, target, "bind", source, "rbind,rprivate,nosuid,noexec") < 0 ? err_oom(err) : 0;
}

static int add_device(struct oci_spec *spec, const char *word, struct err *err)
{
	CLEANUP(run_device_done) struct run_device d = { 0 };
	struct stat st;
	int r = run_parse_device(word, &d, err);

	if (r < 0)
		return r;
	if (stat(d.source, &st) < 0)
		return err_errno(err, errno, "--device '%s'", word);
	if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode) && !S_ISDIR(st.st_mode))
		return err_set(err, EINVAL, "--device '%s': not a device", word);
	if (!strchr(d.access, 'r') || !strchr(d.access, 'w')) {
		err_set(err, EOPNOTSUPP,
			"--device '%s': less than rw needs rules of a control group, which are not there yet", word);
		return err_hint(err, "without them, the device's own permission bits decide");
	}
	return bind_device(spec, d.source, d.target, err);
}

/* Those of /dev that are terminals, our own or folders of the container's own are left out. */
static bool is_container_own(const char *name)
{
	static const char *const own[] = { "console", "full", "null", "ptmx", "random", "tty", "urandom", "zero" };

	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		if (strcmp(own[i], name) == 0)
			return true;
	return false;
}

/* --privileged: all devices at the top of /dev that we can open ourselves, as far as the kernel's rights go. */
static int add_all_devices(struct oci_spec *spec, struct err *err)
{
	autoclosedir DIR *dir = opendir("/dev");
	struct dirent *d;

	while (dir && (d = readdir(dir))) {
		autofree char *path = NULL;
		int r;

		if ((d->d_type != DT_CHR && d->d_type != DT_BLK) || is_container_own(d->d_name))
			continue;
		path = path_join("/dev", d->d_name);
		if (!path)
			return err_oom(err);
		if (access(path, R_OK | W_OK) != 0)
			continue;
		r = bind_device(spec, path, path, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* --- the files of name service --- */

static int add_name_files(const struct run_request *q, struct oci_spec *spec, struct err *err)
{
	static const char *const names[] = { "hosts", "hostname", "resolv.conf" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		autofree char *source = path_join(q->files_dir, names[i]), *target = path_join("/etc", names[i]);

		if (!source || !target ||
		    oci_spec_add_mount(spec, target, "bind", source, "bind,rprivate,nosuid,nodev,noexec") < 0)
			return err_oom(err);
	}
	return 0;
}

int run_spec_set_mounts(const struct run_request *q, struct oci_spec *spec, struct err *err)
{
	int r = add_name_files(q, spec, err);

	if (r >= 0 && q->options->privileged)
		r = add_all_devices(spec, err);
	for (size_t i = 0; r >= 0 && i < q->options->devices.len; i++)
		r = add_device(spec, q->options->devices.items[i], err);
	return r < 0 ? r : add_users_mounts(q, spec, err);
}

/*
 * Mounts that need the store: volumes are made, locked and filled, images opened, overlays given their folders. What comes
 * out stands in the session (for the spec) and in the record (for inspect, for --volumes-from and for who has which volume).
 *
 * The locks are held as long as the session: until others can see by the record and the live state that the container has them.
 */
#include "engine/run/session.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "engine/container/volumes.h"
#include "engine/volume/fill.h"
#include "layer/ensure.h"
#include "store/layers.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { VOLUME_TRIES = 5 };

void run_mounts_release(struct run_session *s)
{
	for (size_t i = 0; i < s->volume_locks_len; i++)
		close(s->volume_locks[i]);
	s->volume_locks_len = 0;
}

/* --- what others say --- */

static bool is_mounted(const struct run_mounts *mounts, const char *target)
{
	for (size_t i = 0; i < mounts->len; i++)
		if (strcmp(mounts->items[i].target, target) == 0)
			return true;
	return false;
}

/* Adds M, unless something of more weight is there. Takes it over. */
static int add_soft(struct run_mounts *mounts, struct run_mount *m, struct err *err)
{
	if (is_mounted(mounts, m->target))
		return 0;
	if (mounts->len == RUN_MOUNTS_MAX)
		return err_set(err, E2BIG, "more than %d mounts", RUN_MOUNTS_MAX);
	if (run_mounts_push(mounts, *m) < 0)
		return err_oom(err);
	*m = (struct run_mount){ 0 };
	return 0;
}

static char *dup_or_null(const char *s)
{
	return s ? strdup(s) : NULL;
}

static int add_of_other(const struct record_mount *from, bool read_only, struct run_mounts *mounts, struct err *err)
{
	CLEANUP(run_mount_done)
	struct run_mount m = { .kind = strcmp(from->type, "volume") == 0 ? RUN_MOUNT_VOLUME : RUN_MOUNT_BIND,
			       .read_only = read_only || from->read_only,
			       .propagation = "rprivate",
			       .no_copy = true };

	if (strcmp(from->type, "volume") != 0 && strcmp(from->type, "bind") != 0)
		return 0;
	m.name = dup_or_null(from->name);
	m.source = m.name ? NULL : dup_or_null(from->source);
	m.target = strdup(from->target);
	if ((!m.name && !m.source) || !m.target)
		return err_oom(err);
	return add_soft(mounts, &m, err);
}

/* "CONTAINER[:ro|rw|z|Z]" */
static int add_from(struct run_session *s, const char *word, struct run_mounts *mounts, struct err *err)
{
	static const char *const modes[] = { "ro", "rw", "z", "Z" };
	autorecord struct container_record other = { 0 };
	const char *colon = strchr(word, ':');
	autofree char *name = strndup(word, colon ? (size_t)(colon - word) : strlen(word));
	char id[CONTAINER_ID_MAX];
	bool known = !colon;
	int r;

	for (size_t i = 0; colon && i < ARRAY_SIZE(modes); i++)
		known |= strcmp(modes[i], colon + 1) == 0;
	if (!known)
		return err_set(err, EINVAL, "unknown mode '%s' (ro, rw, z, Z)", colon + 1);
	if (!name)
		return err_oom(err);
	r = container_find(s->store, name, id, err);
	if (r >= 0)
		r = container_record_read(s->store, id, &other, err);
	for (size_t i = 0; r >= 0 && i < other.mounts.len; i++)
		r = add_of_other(&other.mounts.items[i], colon && strcmp(colon + 1, "ro") == 0, mounts, err);
	return r;
}

static int add_image_volume(const struct run_options *o, const char *path, struct run_mounts *mounts, struct err *err)
{
	CLEANUP(run_mount_done) struct run_mount m = { .kind = RUN_MOUNT_VOLUME, .propagation = "rprivate" };
	bool tmpfs = o->image_volume && strcmp(o->image_volume, "tmpfs") == 0;

	m.target = path[0] == '/' ? path_clean(path) : NULL;
	if (path[0] != '/' || (m.target && strcmp(m.target, "/") == 0))
		return err_set(err, EINVAL, "the image's volume '%s' is no place for one", path);
	if (tmpfs) {
		m.kind = RUN_MOUNT_TMPFS;
		m.tmpfs_options = strdup("mode=1777");
	}
	if (!m.target || (tmpfs && !m.tmpfs_options))
		return err_oom(err);
	return add_soft(mounts, &m, err);
}

static int add_image_volumes(struct run_session *s, const struct run_options *o, struct run_mounts *mounts,
			     struct err *err)
{
	const struct strv *paths = &s->image.config.volumes;
	const char *word = o->image_volume;
	int r = 0;

	if (word && strcmp(word, "ignore") == 0)
		return 0;
	if (word && strcmp(word, "anonymous") != 0 && strcmp(word, "bind") != 0 && strcmp(word, "tmpfs") != 0)
		return err_set(err, EINVAL, "--image-volume '%s': one of anonymous, tmpfs and ignore", word);
	for (size_t i = 0; r >= 0 && i < paths->len; i++)
		r = add_image_volume(o, paths->items[i], mounts, err);
	return r;
}

/* --- volumes --- */

static int make_volume(struct run_session *s, struct run_mount *m, struct err *err)
{
	struct volume v = { .name = m->name, .labels = m->labels, .options = m->options };
	char name[65];
	int r = volume_check(NULL, &v, err);

	if (r < 0)
		return r;
	if (!m->name) {
		volume_new_name(name);
		m->anonymous = true;
		m->name = v.name = strdup(name);
		if (!m->name || strv_add(&m->labels, VOLUME_ANONYMOUS) < 0 || strv_add(&m->labels, "") < 0)
			return err_oom(err);
		v.labels = m->labels;
	}
	return volume_make(s->store, &v, err);
}

static int hold(struct run_session *s, const char *name, struct err *err)
{
	int fd;

	if (s->volume_locks_len == RUN_MOUNTS_MAX)
		return err_set(err, E2BIG, "more than %d volumes", RUN_MOUNTS_MAX);
	fd = volume_lock(s->store, name, false, err);
	if (fd < 0)
		return fd;
	s->volume_locks[s->volume_locks_len++] = fd;
	return 0;
}

/* A volume that stands for something else: the mount becomes that. */
static int substitute(struct run_mount *m, const struct volume *v, struct err *err)
{
	const char *o = volume_option(v, "o");

	if (volume_kind(v) == VOLUME_TMPFS) {
		m->kind = RUN_MOUNT_TMPFS;
		m->tmpfs_options = strdup(o && *o ? o : "mode=1777");
		return m->tmpfs_options ? 0 : err_oom(err);
	}
	m->source = strdup(volume_option(v, "device"));
	return m->source ? 0 : err_oom(err);
}

/* Made, filled and held. */
static int take_volume(struct run_session *s, struct run_mount *m, struct volume *v, struct err *err)
{
	int r = make_volume(s, m, err);

	if (r >= 0)
		r = volume_read(s->store, m->name, v, err);
	if (r >= 0 && volume_kind(v) == VOLUME_FOLDER && !m->no_copy && !m->subpath)
		r = volume_fill(s->store, &s->ids, &s->lowers, m->name, m->target, err);
	return r < 0 ? r : hold(s, m->name, err);
}

static int resolve_volume(struct run_session *s, struct run_mount *m, struct err *err)
{
	autovolume struct volume v = { 0 };
	int r = -ENOENT;

	/* Until it is held another command may remove it. */
	for (int i = 0; r == -ENOENT && i < VOLUME_TRIES; i++) {
		err_clear(err);
		volume_done(&v);
		r = take_volume(s, m, &v, err);
	}
	if (r < 0)
		return r;
	if (volume_kind(&v) != VOLUME_FOLDER)
		return substitute(m, &v, err);
	m->source = str_format("%s/volumes/%s/data", s->store->root, m->name);
	return m->source ? 0 : err_oom(err);
}

/* --- images --- */

/* Keeps the image of a mount from the collector, as the container's own. */
static int keep_image(struct run_session *s, const struct store_image *img, struct err *err)
{
	autoclose int fd = openat(s->dir_fd, "roots", O_WRONLY | O_APPEND | O_CLOEXEC);
	char digest[DIGEST_STR_MAX];
	autofree char *line = NULL;

	if (fd < 0)
		return err_errno(err, errno, "open 'roots'");
	digest_format(&img->manifest_digest, digest);
	line = str_format("%s\n", digest);
	return line ? fs_write_all(fd, line, strlen(line), err) : err_oom(err);
}

static int resolve_image(struct run_session *s, struct run_mount *m, struct err *err)
{
	autoimage struct store_image img = { 0 };
	int r = store_image_open(s->store, m->name, &img, err);

	if (r >= 0)
		r = layers_ensure(s->store, &s->ids, &img, err);
	if (r >= 0)
		r = keep_image(s, &img, err);
	if (r < 0)
		return err_wrap(err, "image '%s'", m->name);
	for (size_t i = img.config.diff_ids_len; r >= 0 && i-- > 0;) {
		char path[LAYER_DIR_MAX];

		layer_path(s->store, &img.config.diff_ids[i], path);
		if (!image_config_layer_again(&img.config, i))
			r = strv_addf(&m->lowers, "%s/%s/fs", s->store->root, path) < 0 ? err_oom(err) : 0;
	}
	if (r >= 0 && !m->lowers.len)
		r = err_set(err, EINVAL, "image '%s' has no files", m->name);
	if (r >= 0 && m->lowers.len > 1 && s->store->copies_only) {
		r = store_refuse_overlay(s->store, EOPNOTSUPP, err);
		err_hint(err, "an image of one layer can be mounted there");
	}
	return r;
}

/* --- overlays --- */

static int make_below(const struct run_session *s, const char *path, mode_t mode, struct err *err)
{
	if (mkdirat(s->dir_fd, path, mode) < 0 || fchmodat(s->dir_fd, path, mode, 0) < 0)
		return err_errno(err, errno, "make '%s/%s'", s->dir, path);
	return 0;
}

/* The folder that is merged shows the mode of the upper one. */
static int give_folders(struct run_session *s, struct run_mount *m, size_t number, struct err *err)
{
	autofree char *folder = str_format("overlays/%zu", number), *upper = str_format("overlays/%zu/upper", number),
		      *work = str_format("overlays/%zu/work", number);
	const char *lower = m->source ? m->source : m->lowers.items[0];
	struct stat st;
	int r;

	if (!folder || !upper || !work)
		return err_oom(err);
	if (stat(lower, &st) < 0)
		return err_errno(err, errno, "'%s'", lower);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, ENOTDIR, "'%s': only a folder can be overlaid", lower);
	if (mkdirat(s->dir_fd, "overlays", 0700) < 0 && errno != EEXIST)
		return err_errno(err, errno, "make '%s/overlays'", s->dir);
	r = make_below(s, folder, 0700, err);
	if (r >= 0)
		r = make_below(s, upper, st.st_mode & 07777, err);
	if (r >= 0)
		r = make_below(s, work, 0700, err);
	if (r < 0)
		return r;
	m->upper = path_join(s->dir, upper);
	m->work = path_join(s->dir, work);
	return m->upper && m->work ? 0 : err_oom(err);
}

/* --- all of them --- */

static int resolve(struct run_session *s, struct run_mount *m, size_t number, struct err *err)
{
	int r = 0;

	if (m->kind == RUN_MOUNT_VOLUME)
		r = resolve_volume(s, m, err);
	else if (m->kind == RUN_MOUNT_IMAGE)
		r = resolve_image(s, m, err);
	if (r >= 0 && !m->upper && (m->kind == RUN_MOUNT_OVERLAY || (m->kind == RUN_MOUNT_IMAGE && !m->read_only)))
		r = give_folders(s, m, number, err);
	return r < 0 ? err_wrap(err, "mount on '%s'", m->target) : 0;
}

static const char *type_of(const struct run_mount *m)
{
	static const char *const types[] = { "bind", "tmpfs", "volume", "image", "overlay" };

	return m->name && m->kind == RUN_MOUNT_TMPFS ? "volume" : types[m->kind];
}

static int add_record(struct container_record *r, const struct run_mount *m, struct err *err)
{
	CLEANUP(record_mount_done)
	struct record_mount to = { .read_only = m->read_only, .anonymous = m->anonymous };
	bool bound = m->kind == RUN_MOUNT_BIND || m->kind == RUN_MOUNT_VOLUME;

	to.type = strdup(type_of(m));
	to.name = dup_or_null(m->name);
	to.source = dup_or_null(m->source);
	to.target = strdup(m->target);
	to.mode = dup_or_null(m->mode);
	to.propagation = dup_or_null(m->kind == RUN_MOUNT_BIND ? m->propagation : NULL);
	if (!to.type || !to.target || (m->name && !to.name) || (m->source && !to.source) || (m->mode && !to.mode) ||
	    (bound && !to.source) || record_mounts_push(&r->mounts, to) < 0)
		return err_oom(err);
	to = (struct record_mount){ 0 };
	return 0;
}

int run_mounts_prepare(struct run_session *s, const struct run_options *o, const char *cwd, struct err *err)
{
	struct run_mounts *mounts = &s->mounts;
	int r = run_mounts_collect(o, cwd, mounts, err);

	for (size_t i = 0; r >= 0 && i < o->volumes_from.len; i++) {
		r = add_from(s, o->volumes_from.items[i], mounts, err);
		if (r < 0)
			err_wrap(err, "--volumes-from '%s'", o->volumes_from.items[i]);
	}
	if (r >= 0)
		r = add_image_volumes(s, o, mounts, err);
	run_mounts_sort(mounts);
	for (size_t i = 0; r >= 0 && i < mounts->len; i++) {
		r = resolve(s, &mounts->items[i], i, err);
		/* Also what only just came to be has to be found by those who clean up. */
		if (mounts->items[i].anonymous || r >= 0)
			r = add_record(&s->record, &mounts->items[i], r < 0 ? NULL : err) < 0 && r >= 0 ? -ENOMEM : r;
	}
	return r;
}

int run_mounts_hold(struct run_session *s, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < s->record.mounts.len; i++) {
		const struct record_mount *m = &s->record.mounts.items[i];

		if (m->name && strcmp(m->type, "volume") == 0)
			r = hold(s, m->name, err);
	}
	return r;
}

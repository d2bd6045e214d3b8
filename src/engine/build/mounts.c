#include "engine/build/mounts.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "build/mount_spec.h"
#include "engine/build/pick.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void build_mounts_done(struct build_mounts *m)
{
	for (size_t i = 0; i < m->list.len; i++) {
		free(m->list.items[i].target);
		free(m->list.items[i].source);
		if (m->list.items[i].lock >= 0)
			close(m->list.items[i].lock);
	}
	free(m->list.items);
	free(m->places);
	*m = (struct build_mounts){ 0 };
}

static int refuse(const struct build_at *at, const struct dockerfile_flag *flag, struct err *err, const char *what)
{
	return build_fail(at, flag->offset, err, EOPNOTSUPP, "RUN --mount: %s comes with a later version", what);
}

static int check(const struct build_at *at, const struct dockerfile_flag *flag, const struct mount_spec *m,
		 struct err *err)
{
	if (m->type == MOUNT_SECRET)
		return refuse(at, flag, err, "type=secret");
	if (m->type == MOUNT_SSH)
		return refuse(at, flag, err, "type=ssh");
	if (m->type == MOUNT_CACHE && m->sharing == MOUNT_PRIVATE)
		return refuse(at, flag, err, "sharing=private");
	if (m->type == MOUNT_CACHE && (m->from || m->source))
		return refuse(at, flag, err, "a cache with from= or source=");
	if (m->type == MOUNT_CACHE && m->has_owner && (m->uid || m->gid))
		return refuse(at, flag, err, "a cache of another owner than root");
	return 0;
}

static int parse(const struct build_at *at, const struct dockerfile_flag *flag, struct mount_spec *ret, struct err *err)
{
	autofree char *text = NULL;
	struct err why = { 0 };
	int r = vars_expand(&at->vars, at->df, at->in, flag->value, flag->offset, &text, err);

	if (r < 0)
		return r;
	r = mount_spec_parse(text, ret, &why);
	if (r < 0)
		return build_fail(at, flag->offset, err, -r, "RUN --mount: %s", why.msg);
	return check(at, flag, ret, err);
}

/* What source= and from= name. */
static int list_bind(struct build_at *at, const struct dockerfile_flag *flag, const struct mount_spec *m,
		     struct build_pick *pick, struct err *err)
{
	int r = build_pick_from(pick, m->from, flag->offset, err);

	pick->keep_owners = pick->from != NULL;
	if (r >= 0 && strv_add(&pick->words, m->source ? m->source : ".") < 0)
		r = err_oom(err);
	if (r >= 0)
		r = build_pick_list(pick, NULL, flag->offset, err);
	if (r >= 0 && pick->sources.roots_len != 1)
		r = build_fail(at, flag->offset, err, EBADMSG, "RUN --mount: several sources match '%s'", m->source);
	return r;
}

static int add_content(struct build_at *at, const struct dockerfile_flag *flag, const struct mount_spec *m,
		       struct key *k, struct err *err)
{
	CLEANUP(build_pick_done) struct build_pick pick = BUILD_PICK_INIT(at, "RUN --mount");
	struct digest content;
	int r = list_bind(at, flag, m, &pick, err);

	if (r >= 0)
		r = build_pick_content(&pick, &content, err);
	if (r >= 0)
		key_add_digest(k, &content);
	return r;
}

int build_mounts_key(struct build_at *at, struct key *k, struct err *err)
{
	for (size_t i = 0; i < at->in->flags.len; i++) {
		const struct dockerfile_flag *flag = &at->in->flags.items[i];
		CLEANUP(mount_spec_done) struct mount_spec m = { 0 };
		int r;

		if (strcmp(flag->name, "mount") != 0)
			continue;
		r = parse(at, flag, &m, err);
		if (r < 0)
			return r;
		/* What is in a cache is nobody's business: a step may not depend on it. */
		key_add_str(k, m.type == MOUNT_BIND ? "bind" : m.type == MOUNT_CACHE ? "cache" : "tmpfs");
		key_add_str(k, m.target);
		if (m.type == MOUNT_BIND)
			r = add_content(at, flag, &m, k, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/*
 * type=bind: the files are copied to a folder of the step's own. So .dockerignore holds here too, what the command
 * writes (rw) is forgotten, and the user's own files can't be changed.
 */
static int open_bind(struct build_at *at, const struct dockerfile_flag *flag, const struct mount_spec *m,
		     struct build_mount *ret, struct err *err)
{
	CLEANUP(build_pick_done) struct build_pick pick = BUILD_PICK_INIT(at, "RUN --mount");
	struct build_layers *l = &at->s->layers;
	struct build_put put = { .dest = "/fs" };
	autofree char *name = str_format("b%u", l->next++);
	autoclose int fd = -1;
	int r = list_bind(at, flag, m, &pick, err);

	if (r < 0)
		return r;
	if (!name)
		return err_oom(err);
	if (mkdirat(l->tmp.dir_fd, name, 0755) < 0)
		return err_errno(err, errno, "make a folder");
	fd = openat(l->tmp.dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, errno, "open a folder");
	r = build_pick_copy(&pick, &put, fd, (struct layer_copy){ 0 }, err);
	if (r < 0)
		return r;
	ret->is_file = !pick.sources.roots[0].is_dir;
	ret->source = str_format("%s/%s/%s/fs", l->store->root, l->tmp.name, name);
	return ret->source ? 0 : err_oom(err);
}

/* cache/mounts/<digest of the id>/fs. */
static int open_cache(struct build_at *at, const struct mount_spec *m, struct build_mount *ret, struct err *err)
{
	struct store *s = at->s->store;
	const char *id = m->id ? m->id : ret->target;
	autofree char *path = NULL, *lock = NULL, *folder = NULL;
	char hex[DIGEST_HEX_MAX];
	struct digest d;
	int r;

	digest_of(id, strlen(id), &d);
	digest_format_hex(&d, hex);
	path = str_format("cache/mounts/%s/fs", hex);
	lock = str_format("cache/mounts/%s/lock", hex);
	folder = str_format("cache/mounts/%s", hex);
	if (!path || !lock || !folder)
		return err_oom(err);
	r = fs_make_dirs(s->root_fd, path, 0755, err);
	if (r >= 0 && m->has_mode && fchmodat(s->root_fd, path, m->mode, 0) < 0)
		r = err_errno(err, errno, "set the mode of '%s'", path);
	if (r >= 0) {
		/* Shared users hold it too, so that nobody prunes the folder under them. */
		ret->lock = fs_lock(s->root_fd, lock, m->sharing == MOUNT_LOCKED, false, err);
		r = ret->lock;
	}
	if (r < 0)
		return r;
	utimensat(s->root_fd, folder, NULL, 0); /* asked for today: prune goes by it */
	ret->source = str_format("%s/%s", s->root, path);
	return ret->source ? 0 : err_oom(err);
}

static int open_one(struct build_at *at, const struct dockerfile_flag *flag, const struct mount_spec *m,
		    struct build_mount *ret, struct err *err)
{
	const char *dir = at->state->image.config.working_dir;

	ret->lock = -1;
	ret->read_only = m->read_only;
	ret->size = m->size;
	ret->target = path_resolve(dir && *dir ? dir : "/", m->target);
	if (!ret->target)
		return err_oom(err);
	if (strcmp(ret->target, "/") == 0)
		return err_set(err, EINVAL, "RUN --mount: the target can't be /");
	if (m->type == MOUNT_BIND)
		return open_bind(at, flag, m, ret, err);
	return m->type == MOUNT_CACHE ? open_cache(at, m, ret, err) : 0;
}

/* Somewhere to mount on, below everything else. */
static int make_place(struct build_at *at, struct build_mounts *m, const struct build_mount *mount, struct err *err)
{
	struct build_layers *l = &at->s->layers;
	autofree char *path = NULL, *parent = NULL;
	autoclose int fd = -1;
	int r;

	if (!m->places) {
		m->places = str_format("%s/%s/p%u", l->store->root, l->tmp.name, l->next++);
		if (!m->places)
			return err_oom(err);
	}
	path = str_format("%s%s", m->places, mount->target);
	parent = path ? strndup(path, (size_t)(path_basename(path) - path) - 1) : NULL;
	if (!parent)
		return err_oom(err);
	r = fs_make_dirs(AT_FDCWD, mount->is_file ? parent : path, 0755, err);
	if (r < 0 || !mount->is_file)
		return r;
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	return fd < 0 ? err_errno(err, errno, "make '%s'", path) : 0;
}

int build_mounts_open(struct build_at *at, struct build_mounts *ret, struct err *err)
{
	for (size_t i = 0; i < at->in->flags.len; i++) {
		const struct dockerfile_flag *flag = &at->in->flags.items[i];
		CLEANUP(mount_spec_done) struct mount_spec spec = { 0 };
		struct build_mount mount = { .lock = -1 };
		int r;

		if (strcmp(flag->name, "mount") != 0)
			continue;
		r = parse(at, flag, &spec, err);
		if (r >= 0)
			r = open_one(at, flag, &spec, &mount, err);
		if (build_mount_list_push(&ret->list, mount) < 0)
			return err_oom(err);
		if (r >= 0)
			r = make_place(at, ret, &mount, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int build_mounts_add(const struct build_mounts *m, struct oci_spec *spec, struct err *err)
{
	for (size_t i = 0; i < m->list.len; i++) {
		const struct build_mount *b = &m->list.items[i];
		autofree char *options = NULL;
		int r;

		if (b->source) {
			r = oci_spec_add_mount(spec, b->target, "bind", b->source,
					       b->read_only ? "rbind,rprivate,ro" : "rbind,rprivate");
		} else {
			options = b->size ? str_format("nosuid,nodev,mode=1777,size=%llu", (unsigned long long)b->size)
					  : strdup("nosuid,nodev,mode=1777");
			r = options ? oci_spec_add_mount(spec, b->target, "tmpfs", "tmpfs", options) : -ENOMEM;
		}
		if (r < 0)
			return err_oom(err);
	}
	return 0;
}

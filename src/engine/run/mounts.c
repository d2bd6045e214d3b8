#include "engine/run/mounts_impl.h"

#include "base/cleanup.h"
#include "base/num.h"
#include "base/str.h"

#include <ctype.h>
#include <string.h>

void run_mount_done(struct run_mount *m)
{
	char *owned[] = { m->source, m->name, m->target, m->subpath, m->tmpfs_options,
			  m->flags,  m->mode, m->upper,	 m->work };

	for (size_t i = 0; i < ARRAY_SIZE(owned); i++)
		free(owned[i]);
	strv_done(&m->labels);
	strv_done(&m->options);
	strv_done(&m->lowers);
	*m = (struct run_mount){ 0 };
}

void run_mounts_done(struct run_mounts *v)
{
	for (size_t i = 0; i < v->len; i++)
		run_mount_done(&v->items[i]);
	free(v->items);
	*v = (struct run_mounts){ 0 };
}

const char *run_mount_propagation(const char *word)
{
	static const char *const words[] = { "private", "rprivate", "shared", "rshared", "slave", "rslave" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(words[i], word) == 0)
			return words[i];
	return NULL;
}

int run_mount_set_target(struct run_mount *m, const char *path, struct err *err)
{
	if (path[0] != '/')
		return err_set(err, EINVAL, "the path '%s' in the container is not absolute", path);
	m->target = path_clean(path);
	if (!m->target)
		return err_oom(err);
	if (strcmp(m->target, "/") == 0)
		return err_set(err, EINVAL, "the path in the container can't be '/'");
	return 0;
}

int run_mount_set_name(struct run_mount *m, const char *name, struct err *err)
{
	m->kind = RUN_MOUNT_VOLUME;
	if (!volume_name_is_valid(name)) {
		err_set(err, EINVAL, "'%s' is neither a path nor a name for a volume", name);
		return err_hint(err,
				"a name has letters, digits, and behind the first also _ . -; a folder is ./%s or an "
				"absolute path",
				name);
	}
	m->name = strdup(name);
	return m->name ? 0 : err_oom(err);
}

/* A source that is a path, absolute or marked as relative by a dot; a bare word is the name of a volume. */
static int set_source(struct run_mount *m, const char *source, const char *cwd, struct err *err)
{
	if (source[0] != '/' && source[0] != '.')
		return run_mount_set_name(m, source, err);
	m->create_source = true;
	m->source = path_resolve(cwd, source);
	return m->source ? 0 : err_oom(err);
}

/* --- -v --- */

static int add_flag(struct run_mount *m, const char *word, struct err *err)
{
	char *flags = m->flags ? str_format("%s,%s", m->flags, word) : strdup(word);

	if (!flags)
		return err_oom(err);
	free(m->flags);
	m->flags = flags;
	return 0;
}

/* podman's, of the file system that is mounted. */
static bool is_flag(const char *word)
{
	static const char *const flags[] = { "exec", "noexec", "suid", "nosuid", "dev", "nodev" };

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		if (strcmp(flags[i], word) == 0)
			return true;
	return false;
}

/* Says nothing about the mount, or nothing on Linux. */
static bool is_empty_mode(const char *word)
{
	static const char *const words[] = { "rw", "consistent", "cached", "delegated", "copy", "rbind" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(words[i], word) == 0)
			return true;
	return false;
}

static int set_folder(char **to, const char *key, const char *value, const char *cwd, struct err *err)
{
	if (!*value)
		return err_set(err, EINVAL, "%s= needs a folder", key);
	free(*to);
	*to = path_resolve(cwd, value);
	return *to ? 0 : err_oom(err);
}

static int set_volume_mode(struct run_mount *m, const char *word, const char *cwd, struct err *err)
{
	const char *propagation = run_mount_propagation(word), *value;

	if (propagation)
		m->propagation = propagation;
	else if (strcmp(word, "ro") == 0)
		m->read_only = true;
	else if (strcmp(word, "z") == 0 || strcmp(word, "Z") == 0)
		m->relabel = true;
	else if (strcmp(word, "nocopy") == 0)
		m->no_copy = true;
	else if (strcmp(word, "U") == 0)
		m->chown = true;
	else if (strcmp(word, "O") == 0)
		m->kind = RUN_MOUNT_OVERLAY;
	else if (strcmp(word, "bind") == 0)
		m->nonrecursive = true;
	else if ((value = str_skip_prefix(word, "upperdir=")))
		return set_folder(&m->upper, "upperdir", value, cwd, err);
	else if ((value = str_skip_prefix(word, "workdir=")))
		return set_folder(&m->work, "workdir", value, cwd, err);
	else if (is_flag(word))
		return add_flag(m, word, err);
	else if (!is_empty_mode(word))
		return err_set(err, EINVAL, "unknown mode '%s'", word);
	return 0;
}

/* Modes that exclude each other, or that need another kind of source. */
static int check_modes(const struct run_mount *m, bool ro, bool rw, struct err *err)
{
	if (ro && rw)
		return err_set(err, EINVAL, "modes 'ro' and 'rw' exclude each other");
	if (m->no_copy && m->kind != RUN_MOUNT_VOLUME)
		return err_set(err, EINVAL, "the mode 'nocopy' is for volumes, not for folders of the host");
	if (m->kind == RUN_MOUNT_OVERLAY && !m->source)
		return err_set(err, EINVAL, "the mode 'O' is for folders of the host, not for volumes");
	if (m->kind != RUN_MOUNT_OVERLAY && (m->upper || m->work))
		return err_set(err, EINVAL, "upperdir= and workdir= go with the mode 'O'");
	if (!m->upper != !m->work)
		return err_set(err, EINVAL, "upperdir= and workdir= go together, on one file system");
	return 0;
}

static int set_volume_modes(struct run_mount *m, char *modes, const char *cwd, struct err *err)
{
	bool ro = false, rw = false;
	char *word;

	if (!*modes)
		return err_set(err, EINVAL, "empty section between colons");
	m->mode = strdup(modes);
	if (!m->mode)
		return err_oom(err);
	while ((word = strsep(&modes, ","))) {
		int r = set_volume_mode(m, word, cwd, err);

		if (r < 0)
			return r;
		ro |= strcmp(word, "ro") == 0;
		rw |= strcmp(word, "rw") == 0;
	}
	return check_modes(m, ro, rw, err);
}

static int fill_volume(char *spec, const char *cwd, struct run_mount *m, struct err *err)
{
	char *parts[3] = { NULL };
	size_t n = 0;
	char *part;
	int r;

	while ((part = strsep(&spec, ":"))) {
		if (n == ARRAY_SIZE(parts)) {
			err_set(err, EINVAL, "too many colons");
			return err_hint(err, "as in SOURCE:TARGET:MODES; what has colons itself needs --mount");
		}
		if (!*part)
			return err_set(err, EINVAL, "empty section between colons");
		parts[n++] = part;
	}
	if (n < 2) {
		m->kind = RUN_MOUNT_VOLUME;
		return run_mount_set_target(m, parts[0], err);
	}
	r = run_mount_set_target(m, parts[1], err);
	if (r >= 0)
		r = set_source(m, parts[0], cwd, err);
	if (r >= 0 && n == 3)
		r = set_volume_modes(m, parts[2], cwd, err);
	return r;
}

/* A copy of SPEC that may be cut up, within the limit; NULL with ERR set. */
char *run_mount_copy(const char *spec, struct err *err)
{
	char *copy;

	if (!*spec || strlen(spec) > RUN_MOUNT_SPEC_MAX) {
		err_set(err, EINVAL, *spec ? "longer than %d bytes" : "empty", RUN_MOUNT_SPEC_MAX);
		return NULL;
	}
	copy = strdup(spec);
	if (!copy)
		err_oom(err);
	return copy;
}

int run_mount_finish(const char *option, const char *spec, struct run_mount *m, int r, struct run_mount *ret,
		     struct err *err)
{
	if (r < 0) {
		run_mount_done(m);
		return err_wrap(err, "%s '%s'", option, spec);
	}
	*ret = *m;
	return 0;
}

int run_parse_volume(const char *spec, const char *cwd, struct run_mount *ret, struct err *err)
{
	struct run_mount m = { .kind = RUN_MOUNT_BIND, .propagation = "rprivate" };
	autofree char *copy = run_mount_copy(spec, err);

	return run_mount_finish("-v", spec, &m, copy ? fill_volume(copy, cwd, &m, err) : -EINVAL, ret, err);
}

/* --- --tmpfs --- */

static int check_tmpfs_option(struct run_mount *m, const char *word, struct err *err)
{
	static const char *const flags[] = { "rw",	    "ro",	 "exec",     "noexec",	   "suid",
					     "nosuid",	    "dev",	 "nodev",    "sync",	   "async",
					     "atime",	    "noatime",	 "diratime", "nodiratime", "relatime",
					     "strictatime", "norelatime" };
	static const char *const values[] = { "size=", "mode=", "uid=", "gid=", "nr_inodes=", "nr_blocks=" };

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		if (strcmp(flags[i], word) != 0)
			continue;
		if (strcmp(word, "ro") == 0)
			m->read_only = true;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		if (str_starts_with(word, values[i]) && word[strlen(values[i])])
			return 0;
	return err_set(err, EINVAL, "invalid tmpfs option '%s'", word);
}

static int fill_tmpfs(char *spec, struct run_mount *m, struct err *err)
{
	char *options = strchr(spec, ':');
	autofree char *words = NULL;
	char *word, *rest;
	int r;

	if (options)
		*options++ = '\0';
	r = run_mount_set_target(m, spec, err);
	if (r < 0)
		return r;
	words = options ? strdup(options) : NULL;
	for (rest = words; rest && (word = strsep(&rest, ","));) {
		r = check_tmpfs_option(m, word, err);
		if (r < 0)
			return r;
	}
	/* docker's own three come first, so that the user's win. */
	m->tmpfs_options = str_format("noexec,nosuid,nodev%s%s", options ? "," : "", options ? options : "");
	return m->tmpfs_options ? 0 : err_oom(err);
}

int run_parse_tmpfs(const char *spec, struct run_mount *ret, struct err *err)
{
	struct run_mount m = { .kind = RUN_MOUNT_TMPFS, .propagation = "rprivate" };
	autofree char *copy = run_mount_copy(spec, err);

	return run_mount_finish("--tmpfs", spec, &m, copy ? fill_tmpfs(copy, &m, err) : -EINVAL, ret, err);
}

/* --- --device --- */

void run_device_done(struct run_device *d)
{
	free(d->source);
	free(d->target);
	*d = (struct run_device){ 0 };
}

static bool is_device_access(const char *word)
{
	static const char letters[] = "rwm";
	bool seen[sizeof(letters)] = { false };

	if (!*word)
		return false;
	for (; *word; word++) {
		const char *at = strchr(letters, *word);

		if (!at || seen[at - letters])
			return false;
		seen[at - letters] = true;
	}
	return true;
}

static int fill_device(char *spec, struct run_device *d, struct err *err)
{
	char *source = strsep(&spec, ":"), *target = source, *word = spec ? strsep(&spec, ":") : NULL;
	const char *rights = "rwm";

	if (word && is_device_access(word) && !spec) {
		rights = word;
	} else if (word) {
		target = word;
		if (spec)
			rights = spec;
	}
	if (source[0] != '/' || target[0] != '/')
		return err_set(err, EINVAL, "the path of a device is absolute");
	if (!is_device_access(rights))
		return err_set(err, EINVAL, "invalid device mode '%s': some of r, w, m", rights);
	snprintf(d->access, sizeof(d->access), "%s", rights);
	d->source = path_clean(source);
	d->target = path_clean(target);
	return d->source && d->target ? 0 : err_oom(err);
}

int run_parse_device(const char *spec, struct run_device *ret, struct err *err)
{
	struct run_device d = { 0 };
	autofree char *copy = run_mount_copy(spec, err);
	int r = copy ? fill_device(copy, &d, err) : -EINVAL;

	if (r < 0) {
		run_device_done(&d);
		return err_wrap(err, "--device '%s'", spec);
	}
	*ret = d;
	return 0;
}

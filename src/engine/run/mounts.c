#include "engine/run/mounts.h"

#include "base/cleanup.h"
#include "base/num.h"
#include "base/str.h"

#include <ctype.h>
#include <string.h>

void run_mount_done(struct run_mount *m)
{
	free(m->source);
	free(m->target);
	free(m->tmpfs_options);
	*m = (struct run_mount){ 0 };
}

void run_mounts_done(struct run_mounts *v)
{
	for (size_t i = 0; i < v->len; i++)
		run_mount_done(&v->items[i]);
	free(v->items);
	*v = (struct run_mounts){ 0 };
}

static const char *find_propagation(const char *word)
{
	static const char *const words[] = { "private", "rprivate", "shared", "rshared", "slave", "rslave" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(words[i], word) == 0)
			return words[i];
	return NULL;
}

static int set_target(struct run_mount *m, const char *path, struct err *err)
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

/* A source that is a path, absolute or marked as relative by a dot; a bare word is the name of a volume. */
static int set_source(struct run_mount *m, const char *source, const char *cwd, struct err *err)
{
	if (source[0] != '/' && source[0] != '.') {
		err_set(err, EOPNOTSUPP, "named volumes ('%s') are not there yet", source);
		return err_hint(err, "they come with a later version; give a folder: ./%s or an absolute path", source);
	}
	m->source = path_resolve(cwd, source);
	return m->source ? 0 : err_oom(err);
}

/* --- -v --- */

static int set_volume_mode(struct run_mount *m, const char *word, struct err *err)
{
	const char *propagation = find_propagation(word);

	if (propagation)
		m->propagation = propagation;
	else if (strcmp(word, "ro") == 0)
		m->read_only = true;
	else if (strcmp(word, "z") == 0 || strcmp(word, "Z") == 0)
		m->relabel = true;
	else if (strcmp(word, "nocopy") == 0)
		return err_set(err, EINVAL, "the mode 'nocopy' is for volumes, not for folders of the host");
	else if (strcmp(word, "rw") != 0 && strcmp(word, "consistent") != 0 && strcmp(word, "cached") != 0 &&
		 strcmp(word, "delegated") != 0)
		return err_set(err, EINVAL, "unknown mode '%s'", word);
	return 0;
}

static int set_volume_modes(struct run_mount *m, char *modes, struct err *err)
{
	bool ro = false, rw = false;
	char *word;

	if (!*modes)
		return err_set(err, EINVAL, "empty section between colons");
	while ((word = strsep(&modes, ","))) {
		int r = set_volume_mode(m, word, err);

		if (r < 0)
			return r;
		ro |= strcmp(word, "ro") == 0;
		rw |= strcmp(word, "rw") == 0;
	}
	return ro && rw ? err_set(err, EINVAL, "modes 'ro' and 'rw' exclude each other") : 0;
}

static int fill_volume(char *spec, const char *cwd, struct run_mount *m, struct err *err)
{
	char *parts[3] = { NULL };
	size_t n = 0;
	char *part;
	int r;

	while ((part = strsep(&spec, ":"))) {
		if (n == ARRAY_SIZE(parts))
			return err_set(err, EINVAL, "too many colons");
		if (!*part)
			return err_set(err, EINVAL, "empty section between colons");
		parts[n++] = part;
	}
	if (n < 2) {
		err_set(err, EOPNOTSUPP, "volumes without a source are not there yet");
		return err_hint(err, "they come with a later version; give a folder: ./DIR:%s, or --tmpfs %s", parts[0],
				parts[0]);
	}
	r = set_target(m, parts[1], err);
	if (r >= 0)
		r = set_source(m, parts[0], cwd, err);
	if (r >= 0 && n == 3)
		r = set_volume_modes(m, parts[2], err);
	return r;
}

/* A copy of SPEC that may be cut up, within the limit; NULL with ERR set. */
static char *copy_spec(const char *spec, struct err *err)
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

static int finish(const char *option, const char *spec, struct run_mount *m, int r, struct run_mount *ret,
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
	struct run_mount m = { .kind = RUN_MOUNT_BIND, .propagation = "rprivate", .create_source = true };
	autofree char *copy = copy_spec(spec, err);

	return finish("-v", spec, &m, copy ? fill_volume(copy, cwd, &m, err) : -EINVAL, ret, err);
}

/* --- --mount --- */

/* Cuts the next field of a line of CSV off *REST in place: a field in quotes may hold commas, and "" for a quote. */
static int next_csv_field(char **rest, char **ret, struct err *err)
{
	char *in = *rest, *out;

	if (*in != '"') {
		*ret = strsep(rest, ",");
		return 0;
	}
	*ret = out = ++in;
	for (; *in; in++) {
		if (*in == '"' && in[1] == '"')
			in++;
		else if (*in == '"')
			break;
		*out++ = *in;
	}
	if (*in != '"' || (in[1] && in[1] != ','))
		return err_set(err, EINVAL, "a quote that doesn't end at a comma");
	*rest = in[1] ? in + 2 : NULL;
	*out = '\0';
	return 0;
}

/* What --mount collects before its type is known. */
struct mount_words {
	const char *type, *source, *target, *tmpfs_size, *tmpfs_mode, *bind_word, *volume_word;
};

static int parse_bool(const char *key, const char *value, bool *ret, struct err *err)
{
	if (!value || strcmp(value, "true") == 0 || strcmp(value, "1") == 0)
		*ret = true;
	else if (strcmp(value, "false") == 0 || strcmp(value, "0") == 0)
		*ret = false;
	else
		return err_set(err, EINVAL, "invalid value for %s: '%s'", key, value);
	return 0;
}

static int set_bind_recursive(struct run_mount *m, const char *value, struct err *err)
{
	if (strcmp(value, "disabled") == 0)
		m->nonrecursive = true;
	else if (strcmp(value, "writable") == 0)
		m->read_only_top = true;
	else if (strcmp(value, "enabled") != 0 && strcmp(value, "readonly") != 0)
		return err_set(err, EINVAL,
			       "invalid value for bind-recursive: '%s' (enabled, disabled, writable, readonly)", value);
	return 0;
}

static int set_bind_key(struct run_mount *m, const char *key, const char *value, struct err *err)
{
	if (strcmp(key, "bind-nonrecursive") == 0)
		return parse_bool(key, value, &m->nonrecursive, err);
	if (!value)
		return err_set(err, EINVAL, "invalid field '%s': must be a key=value pair", key);
	if (strcmp(key, "bind-recursive") == 0)
		return set_bind_recursive(m, value, err);
	if (strcmp(key, "bind-propagation") != 0)
		return err_set(err, EINVAL, "unexpected key '%s'", key);
	m->propagation = find_propagation(value);
	return m->propagation ? 0 : err_set(err, EINVAL, "invalid value for bind-propagation: '%s'", value);
}

static int set_mount_key(struct run_mount *m, struct mount_words *w, const char *key, const char *value,
			 struct err *err)
{
	static const struct {
		const char *key;
		size_t offset;
	} words[] = {
		{ "type", offsetof(struct mount_words, type) },
		{ "source", offsetof(struct mount_words, source) },
		{ "src", offsetof(struct mount_words, source) },
		{ "target", offsetof(struct mount_words, target) },
		{ "dst", offsetof(struct mount_words, target) },
		{ "destination", offsetof(struct mount_words, target) },
		{ "tmpfs-size", offsetof(struct mount_words, tmpfs_size) },
		{ "tmpfs-mode", offsetof(struct mount_words, tmpfs_mode) },
	};

	if (strcmp(key, "readonly") == 0 || strcmp(key, "ro") == 0)
		return parse_bool(key, value, &m->read_only, err);
	if (str_starts_with(key, "bind-")) {
		w->bind_word = key;
		return set_bind_key(m, key, value, err);
	}
	if (str_starts_with(key, "volume-")) {
		w->volume_word = key;
		return 0;
	}
	if (!value)
		return err_set(err, EINVAL, "invalid field '%s': must be a key=value pair", key);
	if (strcmp(key, "consistency") == 0)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(words[i].key, key) != 0)
			continue;
		*(const char **)((char *)w + words[i].offset) = value;
		return 0;
	}
	return err_set(err, EINVAL, "unexpected key '%s'", key);
}

static int set_tmpfs_words(struct run_mount *m, const struct mount_words *w, struct err *err)
{
	uint64_t size = 0, mode = 01777;

	if (w->source)
		return err_set(err, EINVAL, "a tmpfs has no source");
	if (w->tmpfs_size && num_parse_size(w->tmpfs_size, &size) < 0)
		return err_set(err, EINVAL, "invalid value for tmpfs-size: '%s'", w->tmpfs_size);
	if (w->tmpfs_mode && (num_parse_u64(w->tmpfs_mode, 8, &mode) < 0 || mode > 07777))
		return err_set(err, EINVAL, "invalid value for tmpfs-mode: '%s'", w->tmpfs_mode);
	m->kind = RUN_MOUNT_TMPFS;
	m->propagation = "rprivate";
	if (size)
		m->tmpfs_options =
			str_format("mode=%llo,size=%llu", (unsigned long long)mode, (unsigned long long)size);
	else
		m->tmpfs_options = str_format("mode=%llo", (unsigned long long)mode);
	return m->tmpfs_options ? 0 : err_oom(err);
}

static int set_bind_words(struct run_mount *m, const struct mount_words *w, const char *cwd, struct err *err)
{
	if (w->tmpfs_size || w->tmpfs_mode)
		return err_set(err, EINVAL, "tmpfs-size and tmpfs-mode are for type=tmpfs");
	if (!w->source)
		return err_set(err, EINVAL, "source is required");
	m->source = path_resolve(cwd, w->source);
	return m->source ? 0 : err_oom(err);
}

static int check_mount_words(struct run_mount *m, const struct mount_words *w, const char *cwd, struct err *err)
{
	const char *type = w->type ? w->type : "volume";
	int r;

	if (strcmp(type, "volume") == 0 || strcmp(type, "image") == 0 || strcmp(type, "cluster") == 0) {
		err_set(err, EOPNOTSUPP, "mounts of type '%s' are not there yet", type);
		return err_hint(err, "they come with a later version; type=bind and type=tmpfs are there");
	}
	if (!w->target)
		return err_set(err, EINVAL, "target is required");
	if (w->volume_word)
		return err_set(err, EINVAL, "'%s' is for type=volume", w->volume_word);
	r = set_target(m, w->target, err);
	if (r < 0)
		return r;
	if (strcmp(type, "bind") == 0)
		return set_bind_words(m, w, cwd, err);
	if (w->bind_word)
		return err_set(err, EINVAL, "'%s' is for type=bind", w->bind_word);
	if (strcmp(type, "tmpfs") == 0)
		return set_tmpfs_words(m, w, err);
	return err_set(err, EINVAL, "unknown type '%s'", type);
}

static int fill_mount(char *spec, const char *cwd, struct run_mount *m, struct err *err)
{
	struct mount_words words = { 0 };

	while (spec) {
		char *field, *value;
		int r = next_csv_field(&spec, &field, err);

		if (r < 0)
			return r;
		value = strchr(field, '=');
		if (value)
			*value++ = '\0';
		for (char *p = field; *p; p++)
			*p = (char)tolower((unsigned char)*p);
		r = set_mount_key(m, &words, field, value, err);
		if (r < 0)
			return r;
	}
	return check_mount_words(m, &words, cwd, err);
}

int run_parse_mount(const char *spec, const char *cwd, struct run_mount *ret, struct err *err)
{
	struct run_mount m = { .kind = RUN_MOUNT_BIND, .propagation = "rprivate" };
	autofree char *copy = copy_spec(spec, err);

	return finish("--mount", spec, &m, copy ? fill_mount(copy, cwd, &m, err) : -EINVAL, ret, err);
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
	r = set_target(m, spec, err);
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
	autofree char *copy = copy_spec(spec, err);

	return finish("--tmpfs", spec, &m, copy ? fill_tmpfs(copy, &m, err) : -EINVAL, ret, err);
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
	autofree char *copy = copy_spec(spec, err);
	int r = copy ? fill_device(copy, &d, err) : -EINVAL;

	if (r < 0) {
		run_device_done(&d);
		return err_wrap(err, "--device '%s'", spec);
	}
	*ret = d;
	return 0;
}

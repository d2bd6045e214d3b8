/* --mount: docker's and podman's keys, in a line of CSV. */
#include "engine/run/mounts_impl.h"

#include "base/cleanup.h"
#include "base/num.h"
#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

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
	const char *type, *source, *target, *subpath, *driver;
	const char *tmpfs_size, *tmpfs_mode;
	const char *bind_word, *volume_word, *image_word, *tmpfs_word; /* a key that only that type has; NULL: none */
	bool writable;
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
	if (strcmp(key, "bind-create-src") == 0)
		return parse_bool(key, value, &m->create_source, err);
	if (!value)
		return err_set(err, EINVAL, "invalid field '%s': must be a key=value pair", key);
	if (strcmp(key, "bind-recursive") == 0)
		return set_bind_recursive(m, value, err);
	if (strcmp(key, "bind-propagation") != 0)
		return err_set(err, EINVAL, "unexpected key '%s'", key);
	m->propagation = run_mount_propagation(value);
	return m->propagation ? 0 : err_set(err, EINVAL, "invalid value for bind-propagation: '%s'", value);
}

/* "KEY=VALUE" or "KEY" as a pair. */
static int add_pair(struct strv *pairs, const char *text, struct err *err)
{
	size_t len = strcspn(text, "=");

	if (!len)
		return err_set(err, EINVAL, "'%s' has no key", text);
	if (strv_addn(pairs, text, len) < 0 || strv_add(pairs, text[len] ? text + len + 1 : "") < 0)
		return err_oom(err);
	return 0;
}

static int set_volume_key(struct run_mount *m, struct mount_words *w, const char *key, const char *value,
			  struct err *err)
{
	if (strcmp(key, "volume-nocopy") == 0)
		return parse_bool(key, value, &m->no_copy, err);
	if (!value)
		return err_set(err, EINVAL, "invalid field '%s': must be a key=value pair", key);
	if (strcmp(key, "volume-subpath") == 0)
		w->subpath = value;
	else if (strcmp(key, "volume-driver") == 0)
		w->driver = value;
	else if (strcmp(key, "volume-opt") == 0)
		return add_pair(&m->options, value, err);
	else if (strcmp(key, "volume-label") == 0)
		return add_pair(&m->labels, value, err);
	else
		return err_set(err, EINVAL, "unexpected key '%s'", key);
	return 0;
}

/* podman's words: SELinux's labels, which mean nothing where that isn't. */
static int set_relabel(struct run_mount *m, const char *value, struct err *err)
{
	if (strcmp(value, "shared") != 0 && strcmp(value, "private") != 0)
		return err_set(err, EINVAL, "invalid value for relabel: '%s' (shared, private)", value);
	m->relabel = true;
	return 0;
}

/* 1: KEY was one of those without which there may be a value. */
static int set_flag_key(struct run_mount *m, struct mount_words *w, const char *key, const char *value, struct err *err)
{
	bool *to = strcmp(key, "readonly") == 0 || strcmp(key, "ro") == 0    ? &m->read_only
		   : strcmp(key, "rw") == 0 || strcmp(key, "readwrite") == 0 ? &w->writable
		   : strcmp(key, "u") == 0 || strcmp(key, "chown") == 0	     ? &m->chown
									     : NULL;
	int r = to ? parse_bool(key, value, to, err) : 0;

	return r < 0 ? r : to != NULL;
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
		{ "subpath", offsetof(struct mount_words, subpath) },
		{ "image-subpath", offsetof(struct mount_words, subpath) },
		{ "tmpfs-size", offsetof(struct mount_words, tmpfs_size) },
		{ "tmpfs-mode", offsetof(struct mount_words, tmpfs_mode) },
	};
	int r = set_flag_key(m, w, key, value, err);

	if (r != 0)
		return r < 0 ? r : 0;
	if (str_starts_with(key, "bind-")) {
		w->bind_word = key;
		return set_bind_key(m, key, value, err);
	}
	if (str_starts_with(key, "volume-")) {
		w->volume_word = key;
		return set_volume_key(m, w, key, value, err);
	}
	if (str_starts_with(key, "image-"))
		w->image_word = key;
	if (str_starts_with(key, "tmpfs-"))
		w->tmpfs_word = key;
	if (!value)
		return err_set(err, EINVAL, "invalid field '%s': must be a key=value pair", key);
	if (strcmp(key, "consistency") == 0)
		return 0;
	if (strcmp(key, "relabel") == 0)
		return set_relabel(m, value, err);
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
	if (!w->source)
		return err_set(err, EINVAL, "source is required");
	if (w->subpath)
		return err_set(err, EINVAL, "subpath is for type=volume and type=image");
	m->source = path_resolve(cwd, w->source);
	return m->source ? 0 : err_oom(err);
}

/* Where in the volume or image: never above it. */
static int set_subpath(struct run_mount *m, const struct mount_words *w, struct err *err)
{
	if (!w->subpath)
		return 0;
	if (w->subpath[0] == '/' || !*w->subpath)
		return err_set(err, EINVAL, "the subpath '%s' is not relative", w->subpath);
	m->subpath = path_clean(w->subpath);
	return m->subpath ? 0 : err_oom(err);
}

static int set_volume_words(struct run_mount *m, const struct mount_words *w, struct err *err)
{
	m->kind = RUN_MOUNT_VOLUME;
	if (w->driver && strcmp(w->driver, "local") != 0) {
		err_set(err, EOPNOTSUPP, "there is no volume driver '%s'", w->driver);
		return err_hint(err,
				"drivers are plugins of a daemon, and there is none: 'local' is the one that is there");
	}
	if (w->source && *w->source) {
		int r = run_mount_set_name(m, w->source, err);

		if (r < 0)
			return r;
	}
	return set_subpath(m, w, err);
}

static int set_image_words(struct run_mount *m, const struct mount_words *w, struct err *err)
{
	m->kind = RUN_MOUNT_IMAGE;
	m->read_only = !w->writable;
	if (!w->source || !*w->source)
		return err_set(err, EINVAL, "source is required: the image");
	m->name = strdup(w->source);
	return m->name ? set_subpath(m, w, err) : err_oom(err);
}

/* A key of another type than the mount's. */
static int check_keys(const struct mount_words *w, const char *type, struct err *err)
{
	const struct {
		const char *word, *type;
	} keys[] = {
		{ w->bind_word, "bind" },
		{ w->volume_word, "volume" },
		{ w->image_word, "image" },
		{ w->tmpfs_word, "tmpfs" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (keys[i].word && strcmp(keys[i].type, type) != 0)
			return err_set(err, EINVAL, "'%s' is for type=%s", keys[i].word, keys[i].type);
	return 0;
}

static int check_mount_words(struct run_mount *m, const struct mount_words *w, const char *cwd, struct err *err)
{
	const char *type = w->type ? w->type : "volume";
	int r;

	if (strcmp(type, "cluster") == 0 || strcmp(type, "npipe") == 0)
		return err_set(err, EOPNOTSUPP, "type=%s is for %s", type,
			       type[0] == 'c' ? "a swarm, and there is none" : "Windows");
	if (!w->target)
		return err_set(err, EINVAL, "target is required");
	r = check_keys(w, type, err);
	if (r >= 0)
		r = run_mount_set_target(m, w->target, err);
	if (r < 0)
		return r;
	if (strcmp(type, "bind") == 0)
		return set_bind_words(m, w, cwd, err);
	if (strcmp(type, "volume") == 0)
		return set_volume_words(m, w, err);
	if (strcmp(type, "image") == 0)
		return set_image_words(m, w, err);
	if (strcmp(type, "tmpfs") == 0)
		return set_tmpfs_words(m, w, err);
	return err_set(err, EINVAL, "unknown type '%s' (bind, volume, tmpfs, image)", type);
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
	autofree char *copy = run_mount_copy(spec, err);

	return run_mount_finish("--mount", spec, &m, copy ? fill_mount(copy, cwd, &m, err) : -EINVAL, ret, err);
}

#include "engine/container/volumes.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "engine/container/container.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH_MAX = 256 };

void volume_new_name(char dst[static 65])
{
	container_new_id(dst);
}

/* --- options --- */

static bool has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (; list && *list; list += strcspn(list, ","), list += *list == ',')
		if (strncmp(list, word, len) == 0 && (list[len] == ',' || !list[len]))
			return true;
	return false;
}

enum volume_kind volume_kind(const struct volume *v)
{
	const char *type = volume_option(v, "type"), *o = volume_option(v, "o");

	if (type && strcmp(type, "tmpfs") == 0)
		return VOLUME_TMPFS;
	return has_word(o, "bind") || has_word(o, "rbind") ? VOLUME_BIND : VOLUME_FOLDER;
}

static int check_keys(const struct volume *v, struct err *err)
{
	static const char *const keys[] = { "type", "device", "o" };

	for (size_t i = 0; i + 1 < v->options.len; i += 2) {
		bool known = false;

		for (size_t k = 0; k < ARRAY_SIZE(keys); k++)
			known |= strcmp(keys[k], v->options.items[i]) == 0;
		if (known)
			continue;
		err_set(err, EINVAL, "the driver 'local' has no option '%s'", v->options.items[i]);
		return err_hint(err, "it has type, device and o");
	}
	return 0;
}

int volume_check(const char *driver, const struct volume *v, struct err *err)
{
	const char *type = volume_option(v, "type"), *device = volume_option(v, "device");
	int r = check_keys(v, err);

	if (r < 0)
		return r;
	if (driver && *driver && strcmp(driver, "local") != 0) {
		err_set(err, EOPNOTSUPP, "there is no volume driver '%s'", driver);
		return err_hint(err,
				"drivers are plugins of a daemon, and there is none: 'local' is the one that is there");
	}
	switch (volume_kind(v)) {
	case VOLUME_TMPFS:
		return 0;
	case VOLUME_BIND:
		if (device && device[0] == '/')
			return 0;
		return err_set(err, EINVAL, "the option o=bind needs device=PATH, absolute");
	default:
		break;
	}
	if (!type && !device && !volume_option(v, "o"))
		return 0;
	if (type && strcmp(type, "none") != 0 && strcmp(type, "bind") != 0) {
		err_set(err, EOPNOTSUPP, "a file system of type '%s' can't be mounted as a volume", type);
		return err_hint(err,
				"only root of the machine could: mount it outside, then give type=none, o=bind and "
				"device=PATH");
	}
	return err_set(err, EINVAL,
		       "the options say nothing that can be mounted: type=tmpfs, or o=bind with device=PATH");
}

/* --- who uses it --- */

static bool has_volume(const struct container_record *r, const char *name)
{
	for (size_t i = 0; i < r->mounts.len; i++)
		if (r->mounts.items[i].name && strcmp(r->mounts.items[i].type, "volume") == 0 &&
		    strcmp(r->mounts.items[i].name, name) == 0)
			return true;
	return false;
}

int volume_users(struct store *s, const char *name, const char *except, struct strv *ret, struct err *err)
{
	autostrv struct strv ids = { 0 };
	int r = containers_list(s, &ids, err);

	for (size_t i = 0; r >= 0 && i < ids.len; i++) {
		autorecord struct container_record record = { 0 };

		if (except && strcmp(except, ids.items[i]) == 0)
			continue;
		/* One without a record is being made: it holds the lock of its volumes. */
		if (container_record_read(s, ids.items[i], &record, NULL) < 0 || !has_volume(&record, name))
			continue;
		r = strv_add(ret, ids.items[i]) < 0 ? err_oom(err) : 0;
	}
	return r;
}

int volume_remove(struct store *s, const char *name, const char *except, struct err *err)
{
	autostrv struct strv users = { 0 };
	autoclose int lock = volume_lock(s, name, true, err);
	int r = lock;

	if (r >= 0)
		r = volume_users(s, name, except, &users, err);
	if (r >= 0 && users.len > 0)
		r = err_set(err, EBUSY, "volume '%s' is in use", name);
	if (r == -EBUSY && users.len > 0)
		return err_hint(err, "container %.12s%s has it: 'cloche rm' removes that", users.items[0],
				users.len > 1 ? " and others" : "");
	if (r == -EBUSY)
		return err_hint(err, "a running container has it");
	return r < 0 ? r : volume_trash(s, name, err);
}

void volumes_remove_anonymous(struct store *s, const struct container_record *r)
{
	for (size_t i = 0; i < r->mounts.len; i++)
		if (r->mounts.items[i].anonymous && r->mounts.items[i].name)
			volume_remove(s, r->mounts.items[i].name, r->id, NULL);
}

/* --- size --- */

static uint64_t size_of(int parent, const char *name, int depth)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	autoclosedir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	uint64_t sum = 0;
	struct dirent *d;

	if (!dir && fd >= 0)
		close(fd);
	while (dir && depth < DEPTH_MAX && (d = readdir(dir))) {
		struct stat st;

		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0 ||
		    fstatat(fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (S_ISDIR(st.st_mode))
			sum += size_of(fd, d->d_name, depth + 1);
		else if (S_ISREG(st.st_mode))
			sum += (uint64_t)st.st_size;
	}
	return sum;
}

uint64_t volume_size(struct store *s, const char *name)
{
	char path[VOLUME_PATH_MAX + 8];

	snprintf(path, sizeof(path), "volumes/%.*s/data", VOLUME_NAME_MAX, name);
	return size_of(s->root_fd, path, 0);
}

/* --- filters --- */

static bool has_label(const struct volume *v, const char *word)
{
	size_t len = strcspn(word, "=");

	for (size_t i = 0; i + 1 < v->labels.len; i += 2)
		if (strncmp(v->labels.items[i], word, len) == 0 && !v->labels.items[i][len])
			return !word[len] || strcmp(v->labels.items[i + 1], word + len + 1) == 0;
	return false;
}

bool volume_fits_labels(const struct volume *v, const struct volume_filter *f)
{
	for (size_t i = 0; f->labels && i < f->labels->len; i++)
		if (!has_label(v, f->labels->items[i]))
			return false;
	for (size_t i = 0; f->not_labels && i < f->not_labels->len; i++)
		if (has_label(v, f->not_labels->items[i]))
			return false;
	return true;
}

#include "store/volumes.h"

#include "base/str.h"
#include "base/timefmt.h"
#include "oci/json.h"
#include "sys/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { VOLUME_JSON_MAX = 1 << 20, LOCK_TRIES = 100 };

void volume_done(struct volume *v)
{
	free(v->name);
	strv_done(&v->labels);
	strv_done(&v->options);
	*v = (struct volume){ 0 };
}

bool volume_name_is_valid(const char *name)
{
	size_t len = strlen(name);

	if (len < 2 || len >= VOLUME_NAME_MAX || strchr("_.-", name[0]))
		return false;
	return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == len;
}

static const char *find(const struct strv *pairs, const char *key)
{
	for (size_t i = 0; i + 1 < pairs->len; i += 2)
		if (strcmp(pairs->items[i], key) == 0)
			return pairs->items[i + 1];
	return NULL;
}

bool volume_is_anonymous(const struct volume *v)
{
	return find(&v->labels, VOLUME_ANONYMOUS) != NULL;
}

const char *volume_option(const struct volume *v, const char *key)
{
	return find(&v->options, key);
}

static void path_of(const char *name, char dst[static VOLUME_PATH_MAX])
{
	snprintf(dst, VOLUME_PATH_MAX, "volumes/%.*s", VOLUME_NAME_MAX - 1, name);
}

static int no_such(const char *name, struct err *err)
{
	err_set(err, ENOENT, "there is no volume '%s'", name);
	return err_hint(err, "'cloche volume ls' lists them all");
}

/* --- volume.json --- */

static int write_description(int dir_fd, const struct volume *v, struct err *err)
{
	autobuf struct buf text = BUF_INIT(VOLUME_JSON_MAX);
	autojson json_t *o = json_object();
	char created[TIME_RFC3339_MAX];
	struct timespec now;
	int r, bad = !o;

	clock_gettime(CLOCK_REALTIME, &now);
	time_format_rfc3339(now, created);
	bad |= json_add_string(o, "name", v->name);
	bad |= json_add_string(o, "created", created);
	bad |= json_add_strings(o, "labels", &v->labels, false);
	bad |= json_add_strings(o, "options", &v->options, false);
	if (bad)
		return err_oom(err);
	r = json_write(o, &text, err);
	return r < 0 ? r : fs_write_new(dir_fd, "volume.json", text.data, text.len, 0600, err);
}

static int parse_description(const struct json_at *top, struct volume *v, struct err *err)
{
	autofree char *created = NULL;
	int r = json_check(top, JSON_WANT_OBJECT, err);

	if (r >= 0)
		r = json_get_string(top, "name", &v->name, err);
	if (r >= 0)
		r = json_get_string(top, "created", &created, err);
	if (r >= 0)
		r = json_get_strings(top, "labels", &v->labels, err);
	if (r >= 0)
		r = json_get_strings(top, "options", &v->options, err);
	if (r >= 0 && created && time_parse_rfc3339(created, &v->created) < 0)
		r = json_err(top, err, EBADMSG, "created is not a time");
	return r;
}

int volume_read(struct store *s, const char *name, struct volume *ret, struct err *err)
{
	autobuf struct buf text = BUF_INIT(VOLUME_JSON_MAX);
	autojson json_t *root = NULL;
	autovolume struct volume v = { 0 };
	char folder[VOLUME_PATH_MAX], path[VOLUME_PATH_MAX + 16];
	struct json_at top;
	int r;

	if (!volume_name_is_valid(name))
		return no_such(name, err);
	path_of(name, folder);
	snprintf(path, sizeof(path), "%s/volume.json", folder);
	r = fs_read_file(s->root_fd, path, VOLUME_JSON_MAX, &text, err);
	if (r == -ENOENT)
		return no_such(name, err);
	if (r >= 0)
		r = json_parse(buf_str(&text), text.len, "volume.json", &root, err);
	if (r < 0)
		return err_wrap(err, "volume '%s'", name);
	top = json_top(root, "volume.json");
	r = parse_description(&top, &v, err);
	if (r >= 0 && !v.name && !(v.name = strdup(name)))
		r = err_oom(err);
	if (r < 0)
		return err_wrap(err, "volume '%s'", name);
	*ret = v;
	v = (struct volume){ 0 };
	return 0;
}

/* --- making --- */

static int fill_in(int tmp_fd, const struct volume *v, struct err *err)
{
	autoclose int fd = -1;

	if (mkdirat(tmp_fd, "volume", 0700) < 0)
		return err_errno(err, errno, "make a folder");
	fd = openat(tmp_fd, "volume", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, errno, "open a folder");
	if (mkdirat(fd, "data", 0700) < 0 || fchmodat(fd, "data", 0755, 0) < 0)
		return err_errno(err, errno, "make 'data'");
	return write_description(fd, v, err);
}

int volume_make(struct store *s, const struct volume *v, struct err *err)
{
	autotmp struct store_tmp tmp = STORE_TMP_INIT;
	char path[VOLUME_PATH_MAX];
	int r;

	if (!volume_name_is_valid(v->name)) {
		err_set(err, EINVAL, "'%s': not a name for a volume", v->name);
		return err_hint(err, "letters, digits, and behind the first also _ . -; at least two, at most %d",
				VOLUME_NAME_MAX - 1);
	}
	path_of(v->name, path);
	if (faccessat(s->root_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	if (mkdirat(s->root_fd, "volumes", 0700) < 0 && errno != EEXIST)
		return err_errno(err, errno, "make '%s/volumes'", s->root);
	r = store_tmp_open(s, &tmp, err);
	if (r >= 0)
		r = fill_in(tmp.dir_fd, v, err);
	if (r < 0)
		return err_wrap(err, "volume '%s'", v->name);
	if (renameat2(tmp.dir_fd, "volume", s->root_fd, path, RENAME_NOREPLACE) == 0)
		return 1;
	return errno == EEXIST ? 0 : err_errno(err, errno, "name the volume '%s'", v->name);
}

int volumes_list(struct store *s, struct strv *ret, struct err *err)
{
	int fd = openat(s->root_fd, "volumes", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoclosedir DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *d;

	if (!dir)
		return errno == ENOENT ? 0 : err_errno(err, errno, "read '%s/volumes'", s->root);
	while ((d = readdir(dir)))
		if (volume_name_is_valid(d->d_name) && strv_add(ret, d->d_name) < 0)
			return err_oom(err);
	strv_sort(ret);
	return 0;
}

/* --- using and removing --- */

static int open_folder(struct store *s, const char *name, const char *path, struct err *err)
{
	int fd = openat(s->root_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return no_such(name, err);
	return fd >= 0 ? fd : err_errno(err, errno, "open volume '%s'", name);
}

/* Whether what FD leads to is still what has the name. */
static bool is_current(struct store *s, const char *path, int fd)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && fstatat(s->root_fd, path, &b, AT_SYMLINK_NOFOLLOW) == 0 && a.st_ino == b.st_ino &&
	       a.st_dev == b.st_dev;
}

int volume_lock(struct store *s, const char *name, bool exclusive, struct err *err)
{
	char path[VOLUME_PATH_MAX];

	if (!volume_name_is_valid(name))
		return no_such(name, err);
	path_of(name, path);
	for (int i = 0; i < LOCK_TRIES; i++) {
		autoclose int fd = open_folder(s, name, path, err);

		if (fd < 0)
			return fd;
		while (flock(fd, exclusive ? LOCK_EX | LOCK_NB : LOCK_SH) < 0) {
			if (errno == EWOULDBLOCK)
				return err_set(err, EBUSY, "volume '%s' is in use", name);
			if (errno != EINTR)
				return err_errno(err, errno, "lock volume '%s'", name);
		}
		/* While it was waited for it may have been removed, and another made. */
		if (is_current(s, path, fd))
			return TAKE_FD(fd);
	}
	return err_set(err, EBUSY, "volume '%s' is made and removed all the time", name);
}

int volume_trash(struct store *s, const char *name, struct err *err)
{
	char path[VOLUME_PATH_MAX];

	path_of(name, path);
	return store_trash(s, path, err);
}

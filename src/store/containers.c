#include "store/containers.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "sys/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

void container_new_id(char dst[static CONTAINER_ID_MAX])
{
	struct digest random;

	/* Of at most 256 bytes getrandom gives all, once the kernel's pool is up. */
	while (getrandom(random.bytes, sizeof(random.bytes), 0) != sizeof(random.bytes))
		;
	digest_format_hex(&random, dst);
}

static bool is_id(const char *s)
{
	return strlen(s) == CONTAINER_ID_MAX - 1 && strspn(s, "0123456789abcdef") == CONTAINER_ID_MAX - 1;
}

static int write_roots(int dir_fd, const struct store_image *img, struct err *err)
{
	autobuf struct buf text = BUF_INIT((IMAGE_LAYERS_MAX + 2) * DIGEST_STR_MAX);
	autoclose int fd = -1;
	char digest[DIGEST_STR_MAX];

	digest_format(&img->manifest_digest, digest);
	buf_addf(&text, "%s\n", digest);
	for (size_t i = 0; i < img->config.diff_ids_len; i++) {
		digest_format(&img->config.diff_ids[i], digest);
		buf_addf(&text, "%s\n", digest);
	}
	if (text.error)
		return err_errno(err, -text.error, "list the layers");
	/* Nobody reads it before our lock/store is let go, so it need not be written aside. */
	fd = openat(dir_fd, "roots", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(err, errno, "create 'roots'");
	return fs_write_all(fd, text.data, text.len, err);
}

int container_take_name(struct store *s, const char *id, const char *name, struct err *err)
{
	autofree char *link = str_format("containers/by-name/%s", name), *target = str_format("../%s", id);
	char holder[CONTAINER_ID_MAX + 8] = "";

	if (!link || !target)
		return err_oom(err);
	if (symlinkat(target, s->root_fd, link) == 0)
		return 0;
	/* A container whose removal was killed half-way may have left its name. */
	if (errno == EEXIST && faccessat(s->root_fd, link, F_OK, 0) < 0 && errno == ENOENT) {
		unlinkat(s->root_fd, link, 0);
		if (symlinkat(target, s->root_fd, link) == 0)
			return 0;
	}
	if (errno != EEXIST)
		return err_errno(err, errno, "name the container '%s'", name);
	if (readlinkat(s->root_fd, link, holder, sizeof(holder) - 1) < 0)
		holder[0] = '\0';
	err_set(err, EEXIST, "the name '%s' is taken by container %.12s", name, path_basename(holder));
	return err_hint(err, "remove that one with 'cloche rm %s', or choose another name", name);
}

int container_drop_name(struct store *s, const char *name, struct err *err)
{
	autofree char *link = str_format("containers/by-name/%s", name);

	if (!link)
		return err_oom(err);
	if (unlinkat(s->root_fd, link, 0) < 0 && errno != ENOENT)
		return err_errno(err, errno, "free the name '%s'", name);
	return 0;
}

int container_make(struct store *s, const char *id, const char *name, const struct store_image *img, struct err *err)
{
	autofree char *path = str_format("containers/%s", id);
	autoclose int fd = -1;
	int r = 0;

	if (!path)
		return err_oom(err);
	if (mkdirat(s->root_fd, path, 0700) < 0)
		return err_errno(err, errno, "make folder '%s/%s'", s->root, path);
	fd = openat(s->root_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		r = err_errno(err, errno, "open folder '%s/%s'", s->root, path);
	if (r >= 0 && img)
		r = write_roots(fd, img, err);
	if (r >= 0 && name)
		r = container_take_name(s, id, name, err);
	if (r < 0) {
		store_trash(s, path, NULL);
		return r;
	}
	return TAKE_FD(fd);
}

int containers_list(struct store *s, struct strv *ret, struct err *err)
{
	int fd = openat(s->root_fd, "containers", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoclosedir DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *d;

	if (!dir)
		return err_errno(err, errno, "read '%s/containers'", s->root);
	while ((d = readdir(dir)))
		if (is_id(d->d_name) && strv_add(ret, d->d_name) < 0)
			return err_oom(err);
	return 0;
}

static int no_such(const char *text, struct err *err)
{
	err_set(err, ENOENT, "there is no container '%s'", text);
	return err_hint(err, "'cloche ps -a' lists them all");
}

static int find_by_prefix(struct store *s, const char *text, char ret_id[static CONTAINER_ID_MAX], struct err *err)
{
	autostrv struct strv ids = { 0 };
	const char *found = NULL;
	int r = containers_list(s, &ids, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < ids.len; i++) {
		if (!str_starts_with(ids.items[i], text))
			continue;
		if (found)
			return err_set(err, EINVAL, "the container ID '%s' is ambiguous", text);
		found = ids.items[i];
	}
	if (!found)
		return no_such(text, err);
	memcpy(ret_id, found, CONTAINER_ID_MAX);
	return 0;
}

int container_find(struct store *s, const char *text, char ret_id[static CONTAINER_ID_MAX], struct err *err)
{
	autofree char *link = NULL;
	char target[CONTAINER_ID_MAX + 8];
	ssize_t n;

	if (!*text || strchr(text, '/') || text[0] == '.')
		return no_such(text, err);
	link = str_format("containers/by-name/%s", text);
	if (!link)
		return err_oom(err);
	n = readlinkat(s->root_fd, link, target, sizeof(target) - 1);
	if (n > 3) {
		target[n] = '\0';
		if (is_id(target + 3)) {
			memcpy(ret_id, target + 3, CONTAINER_ID_MAX);
			return 0;
		}
	}
	if (strspn(text, "0123456789abcdef") != strlen(text))
		return no_such(text, err);
	return find_by_prefix(s, text, ret_id, err);
}

int container_open(struct store *s, const char *id, struct err *err)
{
	autofree char *path = str_format("containers/%s", id);
	int fd;

	if (!path)
		return err_oom(err);
	fd = openat(s->root_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return no_such(id, err);
	return fd >= 0 ? fd : err_errno(err, errno, "open container '%s/%s'", s->root, path);
}

int container_trash(struct store *s, const char *id, const char *name, struct err *err)
{
	autofree char *path = str_format("containers/%s", id);
	autofree char *link = name ? str_format("containers/by-name/%s", name) : NULL;

	if (!path || (name && !link))
		return err_oom(err);
	if (link && unlinkat(s->root_fd, link, 0) < 0 && errno != ENOENT)
		return err_errno(err, errno, "free the name '%s'", name);
	return store_trash(s, path, err);
}

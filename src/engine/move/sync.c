#include "engine/move/sync.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "engine/image/remote_list.h"
#include "sys/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int add_pair(const struct sync_options *o, const char *from, const char *dest, const char *suffix,
		    struct strv *ret, struct err *err)
{
	if (ret->len / 2 >= SYNC_IMAGES_MAX)
		return err_set(err, E2BIG, "more than %d images at once", SYNC_IMAGES_MAX);
	if (strv_addf(ret, "%s%s", o->from_dir ? "dir:" : "docker://", from) < 0 ||
	    strv_addf(ret, "%s%s/%s", o->to_dir ? "dir:" : "docker://", dest, suffix) < 0)
		return err_oom(err);
	return 0;
}

/* --- registries --- */

/* Or a digest. */
static bool has_tag(const char *name)
{
	return strpbrk(path_basename(name), ":@") != NULL;
}

static int add_image(const struct sync_options *o, const char *image, const char *dest, struct strv *ret,
		     struct err *err)
{
	return add_pair(o, image, dest, o->scoped ? image : path_basename(image), ret, err);
}

static int plan_registry(const struct sync_options *o, const char *source, const char *dest, struct strv *ret,
			 struct err *err)
{
	autostrv struct strv tags = { 0 };
	char name[REFERENCE_MAX];
	int r;

	if (has_tag(source))
		return add_image(o, source, dest, ret, err);
	r = remote_list_tags(&o->from, source, false, &tags, name, err);
	if (r >= 0 && tags.len == 0)
		r = err_set(err, ENOENT, "the repository has no tags");
	for (size_t i = 0; r >= 0 && i < tags.len; i++) {
		/* They become names of folders. */
		if (strchr(tags.items[i], '/'))
			return err_set(err, EBADMSG, "the registry lists the tag '%.100s', which is none",
				       tags.items[i]);

		autofree char *image = str_format("%s:%s", source, tags.items[i]);

		r = image ? add_image(o, image, dest, ret, err) : err_oom(err);
	}
	return r;
}

/* --- folders --- */

struct walk {
	const struct sync_options *o;
	const char *top, *dest;
	struct strv *ret;
};

static int walk(const struct walk *w, int dir_fd, const char *below, int depth, struct err *err);

static int enter(const struct walk *w, DIR *dir, const char *below, const char *name, int depth, struct err *err)
{
	autofree char *path = below[0] ? path_join(below, name) : strdup(name);
	int fd;

	if (!path)
		return err_oom(err);
	fd = openat(dirfd(dir), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOTDIR || errno == ELOOP ? 0 : err_errno(err, errno, "open '%s/%s'", w->top, path);
	return walk(w, fd, path, depth + 1, err);
}

/* The names of one folder, sorted, so that the order depends on nothing else. */
static int read_names(DIR *dir, struct strv *ret, struct err *err)
{
	struct dirent *d;

	while ((d = readdir(dir))) {
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0 ||
		    (d->d_type != DT_DIR && d->d_type != DT_UNKNOWN))
			continue;
		if (ret->len >= SYNC_IMAGES_MAX)
			return err_set(err, E2BIG, "more than %d folders in one", SYNC_IMAGES_MAX);
		if (strv_add(ret, d->d_name) < 0)
			return err_oom(err);
	}
	strv_sort(ret);
	return 0;
}

/* A folder with a manifest is an image; others may have some further down. DIR_FD is taken over. */
static int walk(const struct walk *w, int dir_fd, const char *below, int depth, struct err *err)
{
	autostrv struct strv names = { 0 };
	autoclosedir DIR *dir = fdopendir(dir_fd);
	int r;

	if (!dir) {
		r = err_errno(err, errno, "read '%s/%s'", w->top, below);
		close(dir_fd);
		return r;
	}
	if (faccessat(dir_fd, "manifest.json", F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		autofree char *path = below[0] ? path_join(w->top, below) : strdup(w->top);

		return path ? add_pair(w->o, path, w->dest, below[0] ? below : path_basename(w->top), w->ret, err)
			    : err_oom(err);
	}
	if (depth >= SYNC_DEPTH_MAX)
		return err_set(err, E2BIG, "'%s/%s': folders more than %d deep", w->top, below, SYNC_DEPTH_MAX);
	r = read_names(dir, &names, err);
	for (size_t i = 0; r >= 0 && i < names.len; i++)
		r = enter(w, dir, below, names.items[i], depth, err);
	return r;
}

static int plan_folder(const struct sync_options *o, const char *source, const char *dest, struct strv *ret,
		       struct err *err)
{
	autofree char *top = path_clean(source);
	const struct walk w = { o, top, dest, ret };
	int fd, r;

	if (!top)
		return err_oom(err);
	fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, errno, "open '%s'", source);
	r = walk(&w, fd, "", 0, err);
	if (r >= 0 && ret->len == 0)
		r = err_set(err, ENOENT, "'%s' has no image that dir: has written", source);
	return r;
}

int sync_plan(const struct sync_options *options, const char *source, const char *dest, struct strv *ret,
	      struct err *err)
{
	if (options->from_dir && options->to_dir)
		return err_set(err, EINVAL, "from folder to folder nothing is synchronised: 'cp -a' copies them");
	return options->from_dir ? plan_folder(options, source, dest, ret, err)
				 : plan_registry(options, source, dest, ret, err);
}

#include "store/store.h"

#include "base/str.h"
#include "sys/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

static const char copies_only[] = "copies-only";
static const char layout_text[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
static const char empty_index[] =
	"{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index.v1+json\",\"manifests\":[]}";

/* --- where --- */

/* DIR "/" NAME if DIR is an absolute path, else NULL. */
static char *below_absolute(const char *dir, const char *name)
{
	return dir && dir[0] == '/' ? path_join(dir, name) : NULL;
}

static int choose_root(const char *given, char **ret, struct err *err)
{
	autofree char *cwd = NULL;

	if (given) {
		cwd = getcwd(NULL, 0);
		*ret = path_resolve(cwd ? cwd : "/", given);
		return *ret ? 0 : err_oom(err);
	}
	if (geteuid() == 0)
		*ret = strdup("/var/lib/cloche");
	else if (!(*ret = below_absolute(getenv("XDG_DATA_HOME"), "cloche")))
		*ret = below_absolute(getenv("HOME"), ".local/share/cloche");
	if (*ret)
		return 0;
	err_set(err, ENOENT, "no folder for the store: neither XDG_DATA_HOME nor HOME is set");
	return err_hint(err, "name one with --root DIR");
}

/* --- making a new one --- */

/* A folder that has things in it and was never a store is not ours to fill. */
static int check_unclaimed(int root_fd, const char *root, struct err *err)
{
	autoclosedir DIR *dir = NULL;
	struct dirent *d;
	int fd = openat(root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (faccessat(root_fd, "lock", F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		close(fd);
		return 0;
	}
	dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (!dir)
		return err_errno(err, errno, "read folder '%s'", root);
	while ((d = readdir(dir))) {
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0 || strcmp(d->d_name, "lost+found") == 0)
			continue;
		/* Another command may be making it just now; "lock" comes first. */
		if (faccessat(root_fd, "lock", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			break;
		err_set(err, EEXIST, "'%s' is no store, and it isn't empty ('%s' is in it)", root, d->d_name);
		return err_hint(err, "name an empty or new folder with --root DIR");
	}
	return 0;
}

static int write_once(int root_fd, const char *name, const char *text, struct err *err)
{
	int r = fs_write_file(root_fd, name, text, strlen(text), 0644, FS_EXCLUSIVE, err);

	return r == -EEXIST ? 0 : r;
}

/*
 * The folders in FOLDER are spread over ext4's block groups, as those of the top level are: unpacking after a mass
 * deletion stays fast. Layers are made in tmp/ and renamed, so it is that folder which counts.
 */
static void spread(int root_fd, const char *folder)
{
	autoclose int fd = openat(root_fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int flags;

	if (fd < 0 || ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
		return;
	flags |= FS_TOPDIR_FL;
	ioctl(fd, FS_IOC_SETFLAGS, &flags);
}

/*
 * Any number of processes may do this at once, and each may be killed on the way: every step can be done
 * again. "lock" comes first, as it marks the folder as ours, lock/store last, as it says that all is there.
 */
static int make_layout(int root_fd, const char *root, struct err *err)
{
	static const char *const folders[] = { "lock",	      "blobs/sha256", "refs",
					       "logs",	      "layers",	      "containers/by-name",
					       "cache/roots", "tmp",	      "trash" };
	int r = check_unclaimed(root_fd, root, err);

	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(folders); i++)
		r = fs_make_dirs(root_fd, folders[i], 0700, err);
	if (r >= 0)
		r = write_once(root_fd, "oci-layout", layout_text, err);
	if (r >= 0)
		r = write_once(root_fd, "index.json", empty_index, err);
	if (r < 0)
		return r;
	spread(root_fd, "tmp");
	spread(root_fd, "containers");
	return 0;
}

/* --- opening --- */

static int open_lock(int root_fd)
{
	int fd = openat(root_fd, "lock/store", O_RDWR | O_CLOEXEC);

	/* Read-only file systems and stores of others can still be looked at. */
	if (fd < 0 && (errno == EROFS || errno == EACCES))
		fd = openat(root_fd, "lock/store", O_RDONLY | O_CLOEXEC);
	return fd;
}

static int lock_in_use(struct store *s, struct err *err)
{
	autoclose int fd = open_lock(s->root_fd);
	int r;

	if (fd < 0 && errno == ENOENT) {
		r = make_layout(s->root_fd, s->root, err);
		if (r < 0)
			return r;
		fd = openat(s->root_fd, "lock/store", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	}
	if (fd < 0)
		return err_errno(err, errno, "open 'lock/store'");
	while (flock(fd, LOCK_SH) < 0)
		if (errno != EINTR)
			return err_errno(err, errno, "lock 'lock/store'");
	s->use_fd = TAKE_FD(fd);
	return 0;
}

/* Says why a store can't be opened, and what would help. */
static int explain(const char *root, struct err *err)
{
	struct stat st;

	err_wrap(err, "the store '%s'", root);
	if (err->code == EACCES && stat(root, &st) == 0 && st.st_uid != geteuid())
		return err_hint(err, "it belongs to user %u; name one of your own with --root DIR", st.st_uid);
	if (err->code == EACCES || err->code == EPERM || err->code == EROFS)
		return err_hint(err, "its folder must be yours and writable; name another with --root DIR");
	if (err->code == ENOSPC || err->code == EDQUOT)
		return err_hint(err, "free some space there, or name another folder with --root DIR");
	return -err->code;
}

static int open_at(struct store *s, const struct store_options *options, struct err *err)
{
	int r = choose_root(options->root, &s->root, err);

	if (r < 0)
		return r;
	s->single = options->single;
	if (options->runroot) {
		s->runroot_given = strdup(options->runroot);
		if (!s->runroot_given)
			return err_oom(err);
	}
	s->root_fd = fs_open_dir_make(AT_FDCWD, s->root, 0700, err);
	r = s->root_fd < 0 ? s->root_fd : lock_in_use(s, err);
	s->copies_only = r >= 0 && faccessat(s->root_fd, copies_only, F_OK, 0) == 0;
	return r < 0 && err ? explain(s->root, err) : r;
}

int store_open(const struct store_options *options, struct store **ret, struct err *err)
{
	struct store *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return err_oom(err);
	s->root_fd = s->run_fd = s->use_fd = -1;
	r = open_at(s, options, err);
	if (r < 0) {
		store_close(s);
		return r;
	}
	*ret = s;
	return 0;
}

void store_settle(struct store *s)
{
	if (s->use_fd >= 0)
		close(s->use_fd);
	s->use_fd = -1;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	store_settle(s);
	if (s->run_fd >= 0)
		close(s->run_fd);
	if (s->root_fd >= 0)
		close(s->root_fd);
	free(s->root);
	free(s->runroot);
	free(s->runroot_given);
	free(s);
}

int store_set_copies_only(struct store *s, struct err *err)
{
	if (s->copies_only)
		return 0;
	s->copies_only = true;
	return fs_write_file(s->root_fd, copies_only, "", 0, 0644, 0, err);
}

int store_refuse_overlay(const struct store *s, int code, struct err *err)
{
	return err_set(err, code, "the store '%s' was filled on a file system that refuses an overlay", s->root);
}

int store_sync(struct store *s, struct err *err)
{
	if (syncfs(s->root_fd) < 0)
		return err_errno(err, errno, "sync the store '%s'", s->root);
	s->is_synced = true;
	return 0;
}

int store_sync_blobs(struct store *s, struct err *err)
{
	return s->is_synced ? 0 : store_sync(s, err);
}

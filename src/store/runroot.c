/* The folder of live state: in memory if the machine has such a place for us, ours alone in any case. */
#include "store/store.h"

#include "base/str.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Opens PATH, made if missing with mode 0700, if it is a real folder of ours that nobody else can write to.
 * In /dev/shm anyone might have made it before us: a link or a foreign owner is refused.
 */
static int open_private(const char *path, struct err *err)
{
	autoclose int fd = -1;
	struct stat st;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_errno(err, errno, "make folder '%s'", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, errno, "open folder '%s'", path);
	if (st.st_uid != geteuid())
		return err_set(err, EPERM, "folder '%s' belongs to user %u, not to us", path, st.st_uid);
	if (st.st_mode & 022)
		return err_set(err, EPERM, "folder '%s' can be written by others (mode %04o)", path,
			       st.st_mode & 07777);
	return TAKE_FD(fd);
}

static bool is_our_folder(const char *path)
{
	struct stat st;

	return path && path[0] == '/' && stat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid();
}

/* The candidate number WHICH, owned by the caller; NULL: it does not apply here. */
static char *candidate(const struct store *s, int which)
{
	const char *xdg = getenv("XDG_RUNTIME_DIR");
	autofree char *user = str_format("/run/user/%u", geteuid());

	switch (which) {
	case 0:
		return is_our_folder(xdg) && geteuid() != 0 ? path_join(xdg, "cloche") : NULL;
	case 1:
		if (geteuid() == 0)
			return strdup("/run/cloche");
		return is_our_folder(user) ? path_join(user, "cloche") : NULL;
	case 2:
		return geteuid() == 0 ? NULL : str_format("/dev/shm/cloche-%u", geteuid());
	case 3:
		/* On disk, so slower; it works everywhere. */
		return path_join(s->root, "run");
	default:
		return NULL;
	}
}

static int open_given(struct store *s, struct err *err)
{
	autofree char *cwd = getcwd(NULL, 0);
	int fd;

	s->runroot = path_resolve(cwd ? cwd : "/", s->runroot_given);
	if (!s->runroot)
		return err_oom(err);
	fd = fs_make_dirs(AT_FDCWD, s->runroot, 0700, err);
	return fd < 0 ? fd : open_private(s->runroot, err);
}

int store_run_fd(struct store *s, struct err *err)
{
	int fd = s->run_fd;

	if (fd >= 0)
		return fd;
	if (s->runroot_given) {
		fd = open_given(s, err);
	} else {
		for (int which = 0; fd < 0 && which <= 3; which++) {
			autofree char *path = candidate(s, which);

			fd = path ? open_private(path, err) : -ENOENT;
			if (fd >= 0)
				s->runroot = TAKE_PTR(path);
		}
	}
	if (fd < 0) {
		err_wrap(err, "the folder of live state");
		return err_hint(err, "name a folder of your own with --runroot DIR");
	}
	s->run_fd = fd;
	return fd;
}

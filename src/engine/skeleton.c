#include "engine/skeleton.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* A new name whenever the content changes: those that run keep theirs. */
#define SKELETON "skeleton.1"

static int make_content(int fd, struct err *err)
{
	static const char *const dirs[] = { "proc", "sys", "dev", "etc" };
	static const char *const files[] = { "etc/hosts", "etc/hostname", "etc/resolv.conf" };

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		if (mkdirat(fd, dirs[i], 0755) < 0 || fchmodat(fd, dirs[i], 0755, 0) < 0)
			return err_errno(err, errno, "make '%s'", dirs[i]);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		autoclose int file = openat(fd, files[i], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

		if (file < 0 || fchmod(file, 0644) < 0)
			return err_errno(err, errno, "make '%s'", files[i]);
	}
	return 0;
}

static int make_skeleton(struct store *s, struct err *err)
{
	autotmp struct store_tmp tmp = STORE_TMP_INIT;
	autoclose int fd = -1;
	int r = store_tmp_open(s, &tmp, err);

	if (r < 0)
		return r;
	if (mkdirat(tmp.dir_fd, "fs", 0755) < 0)
		return err_errno(err, errno, "make a folder");
	fd = openat(tmp.dir_fd, "fs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fchmod(fd, 0755) < 0)
		return err_errno(err, errno, "open a folder");
	r = make_content(fd, err);
	if (r < 0)
		return r;
	if (renameat(tmp.dir_fd, "fs", s->root_fd, SKELETON) < 0 && errno != EEXIST && errno != ENOTEMPTY)
		return err_errno(err, errno, "rename");
	return 0;
}

int skeleton_ensure(struct store *s, char **ret, struct err *err)
{
	autofree char *path = path_join(s->root, SKELETON);
	int r = 0;

	if (!path)
		return err_oom(err);
	if (faccessat(s->root_fd, SKELETON, F_OK, 0) < 0)
		r = make_skeleton(s, err);
	if (r < 0)
		return err_wrap(err, "make '%s'", path);
	*ret = TAKE_PTR(path);
	return 0;
}

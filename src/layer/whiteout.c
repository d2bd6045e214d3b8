#include "layer/whiteout.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* In 1976. Seconds, since not all file systems keep less. */
enum { STAND_IN_MTIME = 0x0c10c1e5 };

bool whiteout_is_stand_in(const struct stat *st)
{
	return S_ISSOCK(st->st_mode) && (st->st_mode & 07777) == 0 && st->st_mtim.tv_sec == STAND_IN_MTIME;
}

bool whiteout_is(const struct stat *st)
{
	return (S_ISCHR(st->st_mode) && st->st_rdev == 0) || whiteout_is_stand_in(st);
}

int whiteout_make(int dir_fd, const char *name)
{
	static const struct timespec times[2] = { { .tv_sec = STAND_IN_MTIME }, { .tv_sec = STAND_IN_MTIME } };
	int code;

	if (mknodat(dir_fd, name, S_IFCHR, 0) == 0)
		return 0;
	if (errno != EPERM)
		return -errno;
	if (mknodat(dir_fd, name, S_IFSOCK, 0) < 0)
		return -errno;
	if (utimensat(dir_fd, name, times, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	code = errno;
	unlinkat(dir_fd, name, 0);
	return -code;
}

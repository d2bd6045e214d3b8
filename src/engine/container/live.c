#include "engine/container/live.h"

#include "engine/container/group.h"
#include "engine/container/leftovers.h"
#include "monitor/protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LIVE_PATH_MAX = 16 + CONTAINER_ID_MAX };

/*
 * Who has a container holds both bytes of its live file. The first says so to whoever looks; the second is what others wait for,
 * so that one who has waited, and holds that for a moment, looks like nobody's owner and is in nobody's way for long.
 */
enum { LOCK_OWNER, LOCK_END, LOCK_LEN };

static struct flock lock_of(short type, off_t start, off_t len)
{
	return (struct flock){ .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len };
}

static int wait_for_lock(int fd, struct flock lock)
{
	while (fcntl(fd, F_OFD_SETLKW, &lock) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

static void live_path(const char *id, char dst[static LIVE_PATH_MAX])
{
	snprintf(dst, LIVE_PATH_MAX, "containers/%.64s", id);
}

/* The locked file must still be the one of that name: its last holder may have removed it meanwhile. */
static bool is_still_there(int dir_fd, const char *path, int fd)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && fstatat(dir_fd, path, &b, AT_SYMLINK_NOFOLLOW) == 0 && a.st_ino == b.st_ino;
}

/*
 * A new file that is locked before it has a name, so that no sweep can take it for one whose owner was killed. -1: there is
 * such a file, or this file system can't.
 */
static int make_locked(int run, const char *path)
{
	autoclose int fd = openat(run, "containers", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	struct flock lock = lock_of(F_WRLCK, LOCK_OWNER, LOCK_LEN);
	char self[32];

	if (fd < 0 || fcntl(fd, F_OFD_SETLK, &lock) < 0)
		return -1;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, self, run, path, AT_SYMLINK_FOLLOW) < 0 ? -1 : TAKE_FD(fd);
}

/* One that is there and nobody's: whose it was has been killed. FLAGS: O_CREAT, if it may be made. -EBUSY; -ESTALE: it has just gone. */
static int take_present(struct store *s, const char *id, int flags)
{
	struct flock lock = lock_of(F_WRLCK, LOCK_OWNER, 1);
	char path[LIVE_PATH_MAX];
	autoclose int fd = -1;
	int run = store_run_fd(s, NULL);

	live_path(id, path);
	fd = openat(run, path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
	if (fd < 0)
		return -errno;
	if (fcntl(fd, F_OFD_SETLK, &lock) < 0)
		return -EBUSY;
	if (wait_for_lock(fd, lock_of(F_WRLCK, LOCK_END, 1)) < 0 || !is_still_there(run, path, fd))
		return -ESTALE;
	/* What it says is no longer so. */
	(void)!ftruncate(fd, 0);
	container_end_leftovers(s, id);
	return TAKE_FD(fd);
}

int container_live_take(struct store *s, const char *id, struct container_live *ret, struct err *err)
{
	struct container_live l = { .fd = -1, .store = s };
	char path[LIVE_PATH_MAX];
	int run = store_run_fd(s, err);

	if (run < 0)
		return run;
	live_path(id, path);
	l.fd = make_locked(run, path);
	while (l.fd < 0) {
		l.fd = take_present(s, id, O_CREAT);
		if (l.fd == -EBUSY)
			return err_set(err, EBUSY, "container %.12s is in use", id);
		if (l.fd == -ENOENT && mkdirat(run, "containers", 0700) < 0 && errno != EEXIST)
			return err_errno(err, errno, "make folder '%s/containers'", s->runroot);
		if (l.fd < 0 && l.fd != -ENOENT && l.fd != -ESTALE)
			return err_errno(err, -l.fd, "make live state '%s/%s'", s->runroot, path);
	}
	snprintf(l.id, sizeof(l.id), "%s", id);
	*ret = l;
	return 0;
}

void container_live_sweep(struct store *s, const char *id)
{
	struct container_live l = { .fd = -1, .store = s };

	if (store_run_fd(s, NULL) < 0)
		return;
	l.fd = take_present(s, id, 0);
	snprintf(l.id, sizeof(l.id), "%s", id);
	container_live_done(&l);
}

int container_live_adopt(struct store *s, const char *id, int fd, struct container_live *ret, struct err *err)
{
	struct container_live l = { .fd = fd, .store = s };
	char path[LIVE_PATH_MAX];
	int run = store_run_fd(s, err);

	if (run < 0)
		return run;
	live_path(id, path);
	if (!is_still_there(run, path, fd))
		return err_set(err, EBADF, "descriptor %d is not the live state of container %.12s", fd, id);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	snprintf(l.id, sizeof(l.id), "%s", id);
	*ret = l;
	return 0;
}

int container_live_write(struct container_live *l, const struct live_line *line, struct err *err)
{
	char text[LIVE_LINE_SIZE];

	live_line_format(line, text);
	if (pwrite(l->fd, text, sizeof(text), 0) != sizeof(text))
		return err_errno(err, errno, "write live state of container %.12s", l->id);
	return 0;
}

void container_live_unsay(struct container_live *l)
{
	(void)!ftruncate(l->fd, 0);
}

static void remove_files(int run, const char *id)
{
	static const char *const names[] = { "/hosts",	  "/hostname",	       "/resolv.conf",
					     "/ids.sock", ("/" ATTACH_SOCKET), "/health.json",
					     "/cgroup",	  "/paused",	       "/network",
					     "" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char path[LIVE_PATH_MAX + 16];

		snprintf(path, sizeof(path), "files/%.64s%s", id, names[i]);
		unlinkat(run, path, *names[i] ? 0 : AT_REMOVEDIR);
	}
}

void container_live_leave(struct container_live *l)
{
	if (l->fd >= 0)
		close(l->fd);
	*l = CONTAINER_LIVE_INIT;
}

void container_live_done(struct container_live *l)
{
	char path[LIVE_PATH_MAX];
	int run;

	if (l->fd < 0)
		return;
	run = store_run_fd(l->store, NULL);
	if (run >= 0) {
		container_group_end(l->store, l->id);
		remove_files(run, l->id);
		live_path(l->id, path);
		unlinkat(run, path, 0);
	}
	container_live_leave(l);
}

int container_live_read(struct store *s, const char *id, struct live_line *ret, bool *ret_begun, struct err *err)
{
	struct flock lock = lock_of(F_WRLCK, LOCK_OWNER, 1);
	char path[LIVE_PATH_MAX], text[LIVE_LINE_SIZE + 1];
	autoclose int fd = -1;
	int run = store_run_fd(s, err);
	ssize_t n;

	if (run < 0)
		return run;
	live_path(id, path);
	fd = openat(run, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? 0 : err_errno(err, errno, "open live state '%s/%s'", s->runroot, path);
	/* Asking takes no lock, so it never stands in the way of one who takes it. */
	if (fcntl(fd, F_OFD_GETLK, &lock) < 0)
		return err_errno(err, errno, "look at the lock '%s/%s'", s->runroot, path);
	if (lock.l_type == F_UNLCK)
		return 0;
	n = pread(fd, text, LIVE_LINE_SIZE, 0);
	text[n > 0 ? n : 0] = '\0';
	*ret_begun = live_line_parse(text, ret) == 0;
	return 1;
}

int container_live_wait(struct store *s, const char *id, struct err *err)
{
	char path[LIVE_PATH_MAX];
	autoclose int fd = -1;
	int run = store_run_fd(s, err), r;

	if (run < 0)
		return run;
	live_path(id, path);
	fd = openat(run, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? 0 : err_errno(err, errno, "open live state '%s/%s'", s->runroot, path);
	r = wait_for_lock(fd, lock_of(F_RDLCK, LOCK_END, 1));
	return r < 0 ? err_errno(err, -r, "wait for the end of container %.12s", id) : 0;
}

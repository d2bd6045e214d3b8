#include "intercept/place.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "intercept/client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static int own_root = -1;

int place_init_root(void)
{
	own_root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return own_root < 0 ? -errno : 0;
}

void place_fd_path(int fd, char dst[static FD_PATH_MAX])
{
	snprintf(dst, FD_PATH_MAX, "self/fd/%d", fd);
}

/* From here until place_done, "/" means what it means to the caller. */
static int enter_root(struct place *p)
{
	char path[FD_PATH_MAX];

	if (!client_any_own_root() || !request_cred(p->request)->own_root)
		return 0;
	snprintf(path, sizeof(path), "%d/root", (int)p->request->tid);
	if (chroot(path) < 0)
		return -errno;
	p->entered = true;
	return 0;
}

void place_done(struct place *p)
{
	char path[FD_PATH_MAX];

	if (!p->entered)
		return;
	p->entered = false;
	place_fd_path(own_root, path);
	/* We could act in a wrong root from now on. */
	if (chroot(path) < 0)
		abort();
}

/* "fd/12" and what is behind it, if REST begins so and 12 is a number; else NULL. */
static bool is_fd_number(const char *s, const char **ret_end)
{
	const char *p = s;

	while (*p >= '0' && *p <= '9')
		p++;
	*ret_end = p;
	return p > s && (*p == '\0' || *p == '/');
}

/*
 * The caller's descriptors under their other names, which would be ours if we resolved them: "fd/N…", or NULL. Only forms
 * whose first two components are a link that leads out of /proc are taken: "/proc/self/.." must not become "TID/..".
 */
static const char *as_descriptor(const char *asked, char dst[static 8])
{
	static const char *const streams[] = { "/dev/stdin", "/dev/stdout", "/dev/stderr" };
	const char *number = str_skip_prefix(asked, "/proc/self/fd/"), *end;

	if (!number)
		number = str_skip_prefix(asked, "/dev/fd/");
	if (!number)
		number = str_skip_prefix(asked, "/proc/thread-self/fd/");
	if (number)
		return is_fd_number(number, &end) ? number : NULL;
	for (int i = 0; i < 3; i++) {
		if (strcmp(asked, streams[i]) != 0)
			continue;
		snprintf(dst, 8, "%d", i);
		return dst;
	}
	return NULL;
}

/* "TID/WHAT" + "/" + REST into P->path. */
static int join(struct place *p, const char *what, const char *rest)
{
	int n = snprintf(p->path, sizeof(p->path), "%d/%s%s%s", (int)p->request->tid, what, *rest ? "/" : "", rest);

	return n >= (int)sizeof(p->path) ? -ENAMETOOLONG : 0;
}

static int join_fd(struct place *p, int fd, const char *rest)
{
	char what[FD_PATH_MAX];

	snprintf(what, sizeof(what), "fd/%d", fd);
	return join(p, what, rest);
}

static int resolve(struct place *p, int dirfd)
{
	const char *asked = p->asked, *descriptor;
	char number[8];

	if (*asked == '\0') {
		p->is_descriptor = dirfd != AT_FDCWD;
		return dirfd == AT_FDCWD ? join(p, "cwd/.", "") : join_fd(p, dirfd, "");
	}
	if (*asked != '/')
		return dirfd == AT_FDCWD ? join(p, "cwd", asked) : join_fd(p, dirfd, asked);
	descriptor = (asked[1] == 'p' || asked[1] == 'd') ? as_descriptor(asked, number) : NULL;
	if (descriptor) {
		int n = snprintf(p->path, sizeof(p->path), "%d/fd/%s", (int)p->request->tid, descriptor);

		p->is_renamed = !strchr(descriptor, '/');
		return n >= (int)sizeof(p->path) ? -ENAMETOOLONG : 0;
	}
	memcpy(p->path, asked, strlen(asked) + 1);
	return 0;
}

int place_init(struct place *p, struct request *r, int dirfd, uint64_t address, bool may_be_empty)
{
	int len;

	p->request = r;
	p->entered = p->is_descriptor = p->is_renamed = false;
	p->asked[0] = '\0';
	if (address != 0 || !may_be_empty) {
		len = request_read_string(r, address, p->asked, sizeof(p->asked));
		if (len < 0)
			return len;
	}
	if (p->asked[0] == '\0' && !may_be_empty)
		return -ENOENT;
	len = resolve(p, dirfd);
	return len < 0 ? len : enter_root(p);
}

int place_init_string(struct place *p, struct request *r, int dirfd, const char *path)
{
	size_t len = strlen(path);
	int result;

	p->request = r;
	p->entered = p->is_descriptor = p->is_renamed = false;
	if (len == 0)
		return -ENOENT;
	if (len >= sizeof(p->asked))
		return -ENAMETOOLONG;
	memcpy(p->asked, path, len + 1);
	result = resolve(p, dirfd);
	return result < 0 ? result : enter_root(p);
}

int place_init_fd(struct place *p, struct request *r, int fd)
{
	p->request = r;
	p->entered = p->is_renamed = false;
	p->is_descriptor = true;
	p->asked[0] = '\0';
	return fd < 0 ? -EBADF : join_fd(p, fd, "");
}

int place_open(const struct place *p, bool follow)
{
	int flags = O_PATH | O_CLOEXEC;
	int fd;

	if (!follow && !p->is_descriptor)
		flags |= O_NOFOLLOW;
	fd = open(p->path, flags);
	if (fd < 0)
		return -errno;
	if (request_is_alive(p->request))
		return fd;
	close(fd);
	return -ESRCH;
}

int place_open_parent(const struct place *p, const char **ret_name)
{
	__attribute__((uninitialized)) char folder[PATH_MAX];
	const char *slash = strrchr(p->path, '/'), *name;
	int fd;

	if (p->is_descriptor || p->is_renamed || !slash)
		return -EINVAL;
	name = slash + 1;
	if (*name == '\0')
		return -EINVAL;
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return -EINVAL;
	memcpy(folder, p->path, (size_t)(slash - p->path));
	folder[slash - p->path] = '\0';
	fd = open(*folder ? folder : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (!request_is_alive(p->request)) {
		close(fd);
		return -ESRCH;
	}
	*ret_name = name;
	return fd;
}

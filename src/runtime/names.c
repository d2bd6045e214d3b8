/* What a container is called, its loopback, and its settings of the kernel. */
#include "base/cleanup.h"
#include "runtime/start.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

static int set_host_name(struct start *st)
{
	const char *name = st->spec->hostname, *domain = st->spec->domainname;

	if (name && sethostname(name, strlen(name)) < 0)
		return start_fail(st, errno, "set the host name", name);
	if (domain && setdomainname(domain, strlen(domain)) < 0)
		return start_fail(st, errno, "set the domain name", domain);
	if (name)
		start_note(st, 0, "set the host name", name, "the machine keeps its own", "sethostname(\"%s\")", name);
	return 0;
}

/* The kernel gives it 127.0.0.1 and ::1 when it comes up. */
static int raise_loopback(struct start *st)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	autoclose int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		return start_fail(st, errno, "bring the loopback up", "lo");
	start_note(st, 0, "bring the loopback up", "lo", "its only network: 127.0.0.1",
		   "ioctl(socket, SIOCSIFFLAGS, {\"lo\", IFF_UP})");
	return 0;
}

/* "net.ipv4.ip_forward" is /proc/sys/net/ipv4/ip_forward; with a slash in it the dots are parts of names: sysctl(8). */
/*
 * The container's own procfs, and nothing that a volume, an image or somebody who races with us has put in its place or over a part
 * of it: what is written there would go elsewhere (CVE-2025-52881).
 */
static int open_setting(int root_fd, const char *path)
{
	struct open_how how = { .flags = O_WRONLY | O_CLOEXEC,
				.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV };
	autoclose int proc = fs_open_in_root(root_fd, "/proc", O_PATH | O_DIRECTORY | O_NOFOLLOW, 0, NULL);
	struct statfs what;
	struct stat top;
	int fd;

	if (proc < 0)
		return proc;
	if (fstatfs(proc, &what) < 0 || fstat(proc, &top) < 0)
		return -errno;
	/* Inode 1 is the top of a procfs, not a part of one that is mounted there. */
	if (what.f_type != PROC_SUPER_MAGIC || top.st_ino != 1)
		return -EXDEV;
	fd = (int)syscall(SYS_openat2, proc, path + strlen("/proc/"), &how, sizeof(how));
	return fd < 0 ? -errno : fd;
}

static int set_sysctl(struct start *st, const char *name, const char *value)
{
	char path[START_PATH_MAX];
	autoclose int fd = -1;
	size_t len = strlen(value);
	int n = snprintf(path, sizeof(path), "/proc/sys/%s", name);

	if (n < 0 || (size_t)n >= sizeof(path))
		return start_fail(st, ENAMETOOLONG, "set", name);
	for (char *p = path + strlen("/proc/sys/"); *p && !strchr(name, '/'); p++)
		if (*p == '.')
			*p = '/';
	fd = open_setting(st->root_fd, path);
	if (fd < 0)
		return start_fail(st, -fd, "open the kernel's setting", name);
	if (write(fd, value, len) != (ssize_t)len)
		return start_fail(st, errno, "set the kernel's setting", name);
	start_note(st, 0, "set", name, "", "write(\"%s\", \"%s\")", path, value);
	return 0;
}

int start_set_names(struct start *st)
{
	const struct strv *sysctl = &st->spec->linux_.sysctl;
	int r = set_host_name(st);

	if (r == 0 && st->clone_flags & CLONE_NEWNET)
		r = raise_loopback(st);
	for (size_t i = 0; i + 1 < sysctl->len && r == 0; i += 2)
		r = set_sysctl(st, sysctl->items[i], sysctl->items[i + 1]);
	return r;
}

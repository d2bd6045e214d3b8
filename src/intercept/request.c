#include "intercept/request.h"

#include "base/cleanup.h"
#include "intercept/status.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

#ifndef SECCOMP_ADDFD_FLAG_SEND
#define SECCOMP_ADDFD_FLAG_SEND (1UL << 1)
#endif
#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL /* kernel 6.9: a pidfd of one thread */
#endif

enum { PAGE = 4096, FIRST_READ = 256, YOUNG_NS = 5 * 1000 * 1000 };

int intercept_level = 2;

bool request_is_alive(const struct request *r)
{
	return ioctl(r->worker->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &r->id) == 0;
}

uint64_t request_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

bool request_may_answer(const struct request *r)
{
	return request_now_ns() - r->received_ns < YOUNG_NS || request_is_alive(r);
}

int request_read(const struct request *r, uint64_t address, void *dst, size_t len)
{
	struct iovec local = { dst, len }, remote = { (void *)(uintptr_t)address, len };

	if (len == 0)
		return 0;
	return process_vm_readv(r->tid, &local, 1, &remote, 1, 0) == (ssize_t)len ? 0 : -EFAULT;
}

int request_write(const struct request *r, uint64_t address, const void *src, size_t len)
{
	struct iovec local = { (void *)(uintptr_t)src, len }, remote = { (void *)(uintptr_t)address, len };

	if (len == 0)
		return 0;
	return process_vm_writev(r->tid, &local, 1, &remote, 1, 0) == (ssize_t)len ? 0 : -EFAULT;
}

/* As much as can be read of LEN bytes, which don't cross into a page that may be missing. */
static ssize_t read_some(const struct request *r, uint64_t address, char *dst, size_t len)
{
	struct iovec local = { dst, len }, remote = { (void *)(uintptr_t)address, len };

	return process_vm_readv(r->tid, &local, 1, &remote, 1, 0);
}

int request_read_string(const struct request *r, uint64_t address, char *dst, size_t size)
{
	size_t have = 0, want = FIRST_READ;

	while (have < size) {
		size_t to_page_end = PAGE - (size_t)((address + have) % PAGE);
		const char *end;
		ssize_t n;

		if (want > to_page_end)
			want = to_page_end;
		if (want > size - have)
			want = size - have;
		n = read_some(r, address + have, dst + have, want);
		if (n <= 0)
			return -EFAULT;
		end = memchr(dst + have, '\0', (size_t)n);
		if (end)
			return (int)(end - dst);
		have += (size_t)n;
		want = PAGE;
	}
	return -ENAMETOOLONG;
}

int request_answer_fd(struct request *r, int fd, bool cloexec)
{
	struct seccomp_notif_addfd add = {
		.id = r->id,
		.flags = SECCOMP_ADDFD_FLAG_SEND,
		.srcfd = (uint32_t)fd,
		.newfd_flags = cloexec ? O_CLOEXEC : 0,
	};

	if (ioctl(r->worker->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add) < 0)
		return -errno;
	return ANSWER_SENT;
}

int request_get_fd(const struct request *r, int nr)
{
	autoclose int pidfd = (int)syscall(SYS_pidfd_open, r->tid, 0);
	int fd;

	/* Not the first thread: its own pidfd where the kernel has such, else that of the group, whose table it nearly always shares. */
	if (pidfd < 0)
		pidfd = (int)syscall(SYS_pidfd_open, r->tid, PIDFD_THREAD);
	if (pidfd < 0)
		pidfd = (int)syscall(SYS_pidfd_open, status_tgid(r->tid), 0);
	if (pidfd < 0)
		return -errno;
	fd = (int)syscall(SYS_pidfd_getfd, pidfd, nr, 0);
	return fd < 0 ? -errno : fd;
}

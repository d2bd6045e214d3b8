/* What a command and the program that called it hand over to one another: a terminal, descriptors, a number in a file. */
#include "lifecycle/create.h"

#include "base/num.h"
#include "base/str.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { FDS_MAX = 128 };

static int connect_to(const char *path, struct err *err)
{
	autoclose int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), place = -1;
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	if (sock < 0)
		return err_errno(err, errno, "make a socket");
	/* By a descriptor: a path may be longer than a socket's address. */
	place = open(path, O_PATH | O_CLOEXEC);
	if (place < 0)
		return err_errno(err, errno, "open the console socket '%s'", path);
	snprintf(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d", place);
	if (connect(sock, (struct sockaddr *)&a, sizeof(a)) < 0)
		return err_errno(err, errno, "connect to the console socket '%s'", path);
	return TAKE_FD(sock);
}

/* The message is the terminal's name, as runc sends it; readers want one that is not empty. */
int life_send_console(const char *path, int console, struct err *err)
{
	autoclose int sock = connect_to(path, err);
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	char name[] = "/dev/ptmx";
	struct iovec iov = { .iov_base = name, .iov_len = strlen(name) };
	struct msghdr h = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control)
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&h);

	if (sock < 0)
		return sock;
	if (console < 0)
		return err_set(err, EINVAL, "a console socket without a terminal");
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &console, sizeof(int));
	if (sendmsg(sock, &h, MSG_NOSIGNAL) < 0)
		return err_errno(err, errno, "send the terminal over '%s'", path);
	return 0;
}

int life_write_pid_file(const char *path, pid_t pid, struct err *err)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%d", (int)pid);
	int r = fs_write_file(AT_FDCWD, path, text, (size_t)n, 0644, 0, err);

	return r < 0 ? err_wrap(err, "write the pid file") : 0;
}

static uint32_t listen_fds(void)
{
	const char *text = getenv("LISTEN_FDS");
	uint32_t n = 0;

	if (text)
		num_parse_u32(text, FDS_MAX, &n);
	return n;
}

int life_extra_fds(uint32_t preserve, int *fds, size_t *ret_len, uint32_t *ret_listen, struct err *err)
{
	uint32_t listen = ret_listen ? listen_fds() : 0, total = listen + preserve;

	if (preserve > FDS_MAX || total > FDS_MAX)
		return err_set(err, E2BIG, "more than %d descriptors to pass on", FDS_MAX);
	for (uint32_t i = 0; i < total; i++) {
		fds[i] = 3 + (int)i;
		if (fcntl(fds[i], F_GETFD) < 0)
			return err_set(err, EBADF, "--preserve-fds: descriptor %d is not open", fds[i]);
	}
	*ret_len = total;
	if (ret_listen)
		*ret_listen = listen;
	return 0;
}

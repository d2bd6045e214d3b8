#include "sys/msg.h"

#include "base/cleanup.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int msg_pair(int ret[2], struct err *err)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(err, errno, "make a socket pair");
	/* Room for the largest message, whatever the system's default is. */
	for (int i = 0; i < 2; i++)
		(void)setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &(int){ 2 * MSG_MAX }, sizeof(int));
	ret[0] = pair[0];
	ret[1] = pair[1];
	return 0;
}

int msg_send(int sock, const void *data, size_t len, const int *fds, size_t fds_len, struct err *err)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int) * MSG_FDS_MAX)];
	} control = { 0 };
	struct iovec iov = { (void *)(uintptr_t)data, len };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (len > MSG_MAX || fds_len > MSG_FDS_MAX)
		return err_set(err, EMSGSIZE, "message of %zu bytes and %zu descriptors is too large", len, fds_len);
	if (fds_len > 0) {
		m.msg_control = &control;
		m.msg_controllen = CMSG_SPACE(sizeof(int) * fds_len);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int) * fds_len);
		memcpy(CMSG_DATA(&control.header), fds, sizeof(int) * fds_len);
	}
	while (sendmsg(sock, &m, MSG_OWN_FLAGS) < 0) {
		if (errno != EINTR)
			return err_errno(err, errno, "send a message");
	}
	return 0;
}

/* Moves the descriptors of M into FDS; what doesn't fit is closed. Returns their number or -EBADMSG. */
static int take_fds(struct msghdr *m, int *fds, size_t fds_max)
{
	size_t count = 0, surplus = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (count < fds_max) {
				fds[count++] = fd;
			} else {
				close(fd);
				surplus++;
			}
		}
	}
	if (surplus == 0 && !(m->msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		return (int)count;
	for (size_t i = 0; i < count; i++)
		close(fds[i]);
	return -EBADMSG;
}

int msg_receive(int sock, struct buf *buf, int *fds, size_t fds_max, struct err *err)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int) * MSG_FDS_MAX)];
	} control;
	struct iovec iov;
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
	};
	ssize_t n;
	int r, reset = 0;

	buf_reset(buf);
	if (buf_reserve(buf, MSG_MAX < buf->max ? MSG_MAX : buf->max) < 0)
		return err_oom(err);
	iov = (struct iovec){ buf->data, buf->cap - 1 };
	/*
	 * A peer that ended before it had read all makes ECONNRESET, once, in front of what it said last
	 * (unix_release_sock in the kernel): its last word may be the very error that made it end.
	 */
	do
		n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC);
	while (n < 0 && (errno == EINTR || (errno == ECONNRESET && !reset++)));
	if (n < 0)
		return err_errno(err, errno, "receive a message");
	r = take_fds(&m, fds, fds_max);
	if (r < 0)
		return err_set(err, EBADMSG, "received a message that is too large");
	if (n == 0)
		return err_set(err, ECONNRESET, "the other side has closed the connection");
	buf->len = (size_t)n;
	buf->data[n] = '\0';
	return r;
}

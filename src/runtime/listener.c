/*
 * A profile with SCMP_ACT_NOTIFY: the descriptor by which its calls are answered goes to whoever listens at listenerPath, with
 * the container process state as JSON. config-linux.md, "seccomp" and "The Container Process State".
 */
#include "base/cleanup.h"
#include "oci/fields.h"
#include "runtime/start.h"
#include "sys/fs.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { STATE_MAX = 1 << 20 };

static void add_member(struct buf *buf, const char *name, const char *value)
{
	buf_add_char(buf, ',');
	json_write_string(buf, name);
	buf_add_char(buf, ':');
	json_write_string(buf, value);
}

static void write_state(const struct start *st, pid_t pid, struct buf *buf)
{
	const struct oci_seccomp *seccomp = &st->spec->linux_.seccomp;
	const struct strv *notes = &st->spec->annotations;
	const char *slash = st->bundle ? strrchr(st->bundle, '/') : NULL;

	buf_add_str(buf, "{\"ociVersion\":");
	json_write_string(buf, st->spec->version);
	buf_addf(buf, ",\"fds\":[\"seccompFd\"],\"pid\":%d", (int)pid);
	if (seccomp->listener_metadata)
		add_member(buf, "metadata", seccomp->listener_metadata);
	buf_add_str(buf, ",\"state\":{\"ociVersion\":");
	json_write_string(buf, st->spec->version);
	add_member(buf, "id", st->options->id ? st->options->id : slash ? slash + 1 : "");
	add_member(buf, "status", st->target ? "running" : "creating");
	buf_addf(buf, ",\"pid\":%d", (int)(st->target ? st->target->pid : pid));
	add_member(buf, "bundle", st->bundle ? st->bundle : "");
	for (size_t i = 0; i + 1 < notes->len; i += 2) {
		buf_add_str(buf, i ? "," : ",\"annotations\":{");
		json_write_string(buf, notes->items[i]);
		buf_add_char(buf, ':');
		json_write_string(buf, notes->items[i + 1]);
	}
	buf_add_str(buf, notes->len ? "}}}" : "}}");
}

static int connect_to(const char *path, struct err *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(address.sun_path))
		return err_set(err, ENAMETOOLONG, "linux.seccomp.listenerPath '%s' is longer than %zu bytes", path,
			       sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		err_errno(err, errno, "connect to linux.seccomp.listenerPath '%s'", path);
		return err_hint(err,
				"whoever answers the profile's calls has to listen there before the container is made");
	}
	return TAKE_FD(fd);
}

/* The descriptor goes with the first byte, and only with that. */
static int send_first(int to, const struct buf *text, int fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { .iov_base = text->data, .iov_len = text->len };
	struct msghdr h = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes)
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&h);
	ssize_t n;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	do
		n = sendmsg(to, &h, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : (int)n;
}

int start_pass_seccomp(struct start *st, pid_t pid, int fd, struct err *err)
{
	const char *path = st->spec->linux_.seccomp.listener_path;
	autobuf struct buf text = BUF_INIT(STATE_MAX);
	autoclose int listener = fd, to = -1;
	int sent;

	if (listener < 0 || !path)
		return err_set(err, EBADMSG, "the container's process sent no seccomp descriptor");
	write_state(st, pid, &text);
	if (text.error)
		return err_errno(err, -text.error, "write the container process state");
	to = connect_to(path, err);
	if (to < 0)
		return to;
	sent = send_first(to, &text, listener);
	if (sent < 0)
		return err_errno(err, -sent, "send to linux.seccomp.listenerPath '%s'", path);
	return fs_write_all(to, text.data + sent, text.len - (size_t)sent, err);
}

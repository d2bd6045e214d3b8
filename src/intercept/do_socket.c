/* Sockets of the local family: whose the node is, and who the peer says to be. */
#include "base/cleanup.h"
#include "intercept/client.h"
#include "intercept/create.h"
#include "intercept/file.h"
#include "intercept/handlers.h"
#include "intercept/helper.h"
#include "intercept/intern.h"
#include "intercept/proc.h"
#include "intercept/status.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif

enum { SENT_CONTROL_MAX = 1024 }; /* bytes of a message's control data that are looked at */

/* Reads the address if it is a path. False if it is anything else. */
static bool read_path(struct request *r, struct sockaddr_un *ret, socklen_t *ret_len)
{
	size_t len = arg_u32(r, 2);

	if (len <= offsetof(struct sockaddr_un, sun_path) || len > sizeof(*ret))
		return false;
	memset(ret, 0, sizeof(*ret));
	if (request_read(r, r->args[1], ret, len) < 0)
		return false;
	*ret_len = (socklen_t)len;
	return ret->sun_family == AF_UNIX && ret->sun_path[0] != '\0';
}

/*
 * Binds the caller's socket as the caller would: with the very same address, since others read it back; a
 * relative one from the caller's working folder.
 */
static int bind_as_caller(struct request *r, int sock, const struct sockaddr_un *address, socklen_t len)
{
	char cwd[32];
	int result = 0;

	snprintf(cwd, sizeof(cwd), "%d/cwd", (int)r->tid);
	if (address->sun_path[0] != '/' && chdir(cwd) < 0)
		return -errno;
	if (bind(sock, (const struct sockaddr *)address, len) < 0)
		result = -errno;
	if (fchdir(HELPER_PROC) < 0)
		abort();
	return result;
}

int do_bind(struct request *r)
{
	autoplace struct place p;
	autonewplace struct new_place n = { .dir = -1 };
	char path[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
	struct sockaddr_un address;
	autoclose int sock = -1;
	socklen_t len;
	int result;

	PLACE_EMPTY(&p);
	if (!read_path(r, &address, &len))
		return ANSWER_CONTINUE;
	snprintf(path, sizeof(path), "%.*s", (int)sizeof(address.sun_path), address.sun_path);
	if (place_init_string(&p, r, AT_FDCWD, path) < 0)
		return ANSWER_CONTINUE;
	result = create_prepare(r, &p, &n);
	if (result != 0)
		return result;
	sock = request_get_fd(r, arg_int(r, 0));
	if (sock < 0)
		return ANSWER_CONTINUE;
	create_use_umask(r);
	result = bind_as_caller(r, sock, &address, len);
	if (result < 0)
		return result;
	return file_set_owner_at(n.dir, n.name, &(struct owner){ .uid = n.uid, .gid = n.gid });
}

/* DATA as getsockopt gives an option: cut to the room that there is, and its length told. */
static int answer_option(struct request *r, const void *data, uint32_t len, bool may_cut)
{
	uint32_t room;

	if (request_read(r, r->args[4], &room, sizeof(room)) < 0)
		return -EFAULT;
	if (room > INT32_MAX)
		return -EINVAL;
	if (room < len && !may_cut)
		return request_write(r, r->args[4], &len, sizeof(len)) < 0 ? -EFAULT : -ERANGE;
	if (room < len)
		len = room;
	if (request_write(r, r->args[3], data, len) < 0)
		return -EFAULT;
	return request_write(r, r->args[4], &len, sizeof(len));
}

int do_getsockopt(struct request *r)
{
	autoclose int sock = -1;
	const struct cred *peer;
	struct ucred u;
	pid_t inner;
	socklen_t len = sizeof(u);
	int result;

	if (arg_int(r, 1) != SOL_SOCKET)
		return ANSWER_CONTINUE;
	sock = request_get_fd(r, arg_int(r, 0));
	if (sock < 0 || getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &u, &len) < 0 || u.pid <= 0)
		return ANSWER_CONTINUE;
	if (!request_is_alive(r))
		return -ESRCH;
	peer = client_cred(u.pid);
	/* The peer has ended, and took what it was with it. */
	if (!peer)
		return ANSWER_CONTINUE;
	if (arg_int(r, 2) == SO_PEERCRED) {
		inner = status_inner_pid(u.pid);
		u.pid = inner > 0 ? inner : 0; /* as of a process that the namespace doesn't have */
		u.uid = peer->uid[ID_EFFECTIVE];
		u.gid = peer->gid[ID_EFFECTIVE];
		result = answer_option(r, &u, sizeof(u), true);
	} else {
		result = answer_option(r, peer->groups, peer->groups_len * (uint32_t)sizeof(uint32_t), false);
	}
	intern_unref(peer);
	return result;
}

/* As scm_check_creds of net/core/scm.c; the number of the process is checked by the kernel itself. */
static bool may_say(const struct cred *c, const struct ucred *u)
{
	bool is_own_uid = u->uid == c->uid[ID_REAL] || u->uid == c->uid[ID_EFFECTIVE] || u->uid == c->uid[ID_SAVED];
	bool is_own_gid = u->gid == c->gid[ID_REAL] || u->gid == c->gid[ID_EFFECTIVE] || u->gid == c->gid[ID_SAVED];

	return (is_own_uid || cred_can(c, CAP_SETUID)) && (is_own_gid || cred_can(c, CAP_SETGID));
}

/* The credentials at ADDRESS become those that the kernel knows. */
static int send_as_root(struct request *r, uint64_t address)
{
	static const uint32_t root[] = { 0, 0 };
	struct ucred u;

	if (request_read(r, address, &u, sizeof(u)) < 0 || (u.uid == 0 && u.gid == 0))
		return ANSWER_CONTINUE;
	if (!may_say(request_cred(r), &u))
		return -EPERM;
	if (!request_is_alive(r))
		return -ESRCH;
	/* Where it can't be written the kernel says EINVAL, as it would without us. */
	(void)request_write(r, address + offsetof(struct ucred, uid), root, sizeof(root));
	return ANSWER_CONTINUE;
}

/*
 * Credentials of a user in a message: the kernel can't pass them on, since it knows no such user. It is given root's in their
 * place, and the receiver sees these; that a client can't connect at all would be worse.
 */
int do_sendmsg(struct request *r)
{
	__attribute__((aligned(8))) uint8_t control[SENT_CONTROL_MAX];
	struct msghdr m;
	size_t len;

	if (request_read(r, r->args[1], &m, sizeof(m)) < 0 || m.msg_controllen < CMSG_LEN(sizeof(struct ucred)))
		return ANSWER_CONTINUE;
	len = m.msg_controllen < sizeof(control) ? m.msg_controllen : sizeof(control);
	if (request_read(r, (uint64_t)(uintptr_t)m.msg_control, control, len) < 0)
		return ANSWER_CONTINUE;
	for (size_t at = 0; at + CMSG_LEN(sizeof(struct ucred)) <= len;) {
		struct cmsghdr h;

		memcpy(&h, control + at, sizeof(h));
		if (h.cmsg_level == SOL_SOCKET && h.cmsg_type == SCM_CREDENTIALS &&
		    h.cmsg_len == CMSG_LEN(sizeof(struct ucred)))
			return send_as_root(r, (uint64_t)(uintptr_t)m.msg_control + at + CMSG_LEN(0));
		if (h.cmsg_len < sizeof(h) || h.cmsg_len > len - at)
			break;
		at += CMSG_ALIGN(h.cmsg_len);
	}
	return ANSWER_CONTINUE;
}

#include "intercept/guest.h"

#include "base/cleanup.h"
#include "base/buf.h"
#include "intercept/client.h"
#include "intercept/helper.h"
#include "intercept/serve.h"
#include "sys/msg.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* Who connects has its message ready. */
enum { PATIENCE_MS = 1000, MESSAGE_MAX = sizeof(struct helper_guest) + HELPER_GROUPS_MAX * sizeof(uint32_t) };

int guest_door = -1;

static int compare_ids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* GROUPS has room for HELPER_GROUPS_MAX. */
static int parse(const struct buf *message, pid_t *ret_pid, struct cred *c, uint32_t *groups)
{
	struct helper_guest g;

	if (message->len < sizeof(g))
		return -EBADMSG;
	memcpy(&g, message->data, sizeof(g));
	if (g.groups_len > HELPER_GROUPS_MAX || message->len != sizeof(g) + g.groups_len * sizeof(uint32_t))
		return -EBADMSG;
	memcpy(groups, message->data + sizeof(g), g.groups_len * sizeof(uint32_t));
	qsort(groups, g.groups_len, sizeof(uint32_t), compare_ids);
	cred_init_root(c, g.bounding);
	for (int i = 0; i < IDS; i++) {
		c->uid[i] = g.uid;
		c->gid[i] = g.gid;
	}
	c->effective = g.effective;
	c->permitted = g.permitted;
	c->inheritable = g.inheritable;
	c->ambient = g.ambient;
	c->umask = g.umask & 0777;
	c->groups = groups;
	c->groups_len = g.groups_len;
	*ret_pid = g.pid;
	return 0;
}

/* The guest is known before its first call can be answered. */
static int take_in(const struct buf *message, int listener)
{
	uint32_t groups[HELPER_GROUPS_MAX];
	struct cred c;
	pid_t pid;
	int r = parse(message, &pid, &c, groups);

	if (r == 0)
		r = client_admit(pid, &c);
	if (r < 0) {
		close(listener);
		return r;
	}
	return serve_guest(listener);
}

void guest_admit(void)
{
	autoclose int sock = accept4(guest_door, NULL, NULL, SOCK_CLOEXEC);
	struct pollfd p = { .fd = sock, .events = POLLIN };
	autobuf struct buf message = BUF_INIT(MESSAGE_MAX + 1);
	struct helper_report report = { 0 };
	int listener, n;

	if (sock < 0 || poll(&p, 1, PATIENCE_MS) <= 0)
		return;
	n = msg_receive(sock, &message, &listener, 1, NULL);
	if (n < 0)
		return;
	report.code = n == 1 ? -take_in(&message, listener) : EBADMSG;
	snprintf(report.text, sizeof(report.text), "%s",
		 report.code == EAGAIN ? "too many processes have joined the container at once"
				       : strerror(report.code));
	(void)msg_send(sock, &report, sizeof(report), NULL, 0, NULL);
}

/*
 * libexec/cloche/intercept: answers the intercepted calls of one container (src/intercept).
 *
 * It is started by intercept_spawn with an O_PATH of the outer /proc and a control socket, over which the listener
 * and a pidfd of the container's pid 1 come once these are there. It joins the container's user and mount namespace,
 * so that "/" is the container's and files belong to root there, but stays in the outer pid namespace: the
 * container can't see it, and the numbers in notifications are those of the outer /proc, its working folder.
 */
#include "base/cleanup.h"
#include "base/err.h"
#include "base/num.h"
#include "intercept/client.h"
#include "intercept/confine.h"
#include "intercept/filter.h"
#include "intercept/guest.h"
#include "intercept/helper.h"
#include "intercept/keep.h"
#include "intercept/place.h"
#include "intercept/proc.h"
#include "intercept/serve.h"
#include "sys/msg.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

static int join_container(struct err *err)
{
	if (setns(HELPER_INIT, CLONE_NEWUSER) < 0)
		return err_errno(err, errno, "join the container's user namespace");
	if (setns(HELPER_INIT, CLONE_NEWNS) < 0)
		return err_errno(err, errno, "join the container's mount namespace");
	if (fchdir(HELPER_PROC) < 0)
		return err_errno(err, errno, "enter the outer /proc");
	return 0;
}

/* Whom files of the machine's belong to, where that isn't root. */
static struct {
	bool set;
	uint32_t uid, gid;
} keep;

/* "UID:GID" */
static int parse_keep(char *text)
{
	char *gid = strchr(text, ':');

	if (!gid)
		return -EINVAL;
	*gid++ = '\0';
	keep.set = true;
	return num_parse_u32(text, INT32_MAX, &keep.uid) < 0 || num_parse_u32(gid, INT32_MAX, &keep.gid) < 0 ? -EINVAL
													     : 0;
}

static int set_up(pid_t init, struct err *err)
{
	int r = join_container(err);

	if (r < 0)
		return r;
	r = place_init_root();
	if (r < 0)
		return err_errno(err, -r, "open the container's root");
	proc_init();
	if (keep.set)
		keep_init(keep.uid, keep.gid, "self/mountinfo");
	r = client_init(init);
	if (r < 0)
		return err_errno(err, -r, "read what the container's process is");
	r = serve_init(HELPER_LISTENER, err);
	return r < 0 ? r : confine_joined(err);
}

static void report(const struct err *err)
{
	struct helper_report h = { .code = err->code };

	memcpy(h.text, err->msg, strnlen(err->msg, sizeof(h.text) - 1));
	(void)msg_send(HELPER_CONTROL, &h, sizeof(h), NULL, 0, NULL);
	close(HELPER_CONTROL);
}

/* Waits until there is a container: the number of its pid 1, and descriptors at the lowest free places, which are ours. */
static int receive_container(pid_t *ret_init, struct err *err)
{
	autobuf struct buf message = BUF_INIT(sizeof(*ret_init));
	int fds[3];
	int n = msg_receive(HELPER_CONTROL, &message, fds, ARRAY_SIZE(fds), err);

	if (n < 0)
		return n;
	if (n < 2 || fds[0] != HELPER_LISTENER || fds[1] != HELPER_INIT || (n > 2 && fds[2] != HELPER_DOOR) ||
	    message.len != sizeof(*ret_init))
		return err_set(err, EBADMSG, "what came is no container");
	memcpy(ret_init, message.data, sizeof(*ret_init));
	guest_door = n > 2 ? HELPER_DOOR : -1;
	return 0;
}

int main(int argc, char **argv)
{
	struct err err = { 0 };
	pid_t init;

	if (argc < 2 || argc > 3 || argv[1][0] < '1' || argv[1][0] > '3' || argv[1][1] != '\0') {
		fprintf(stderr, "cloche-intercept: is started by cloche\n");
		return 2;
	}
	intercept_level = argv[1][0] - '0';
	if (argc == 3 && parse_keep(argv[2]) < 0)
		return 2;
	/* The container waits for what comes after receive_container. A caller that has ended before it had one hears no reason. */
	if (serve_raise_limit(&err) < 0 || confine_self(&err) < 0 || receive_container(&init, &err) < 0 ||
	    set_up(init, &err) < 0) {
		report(&err);
		return 1;
	}
	report(&err);
	if (serve_alone(HELPER_LISTENER, HELPER_INIT, init)) {
		/* Where there can be no threads, one does it all. */
		while (serve_start(HELPER_LISTENER) < 0 && serve_alone(HELPER_LISTENER, HELPER_INIT, init))
			;
		serve_watch(HELPER_LISTENER, HELPER_INIT);
	}
	/* Not by return: the other threads may be in the middle of anything. */
	_exit(0);
}

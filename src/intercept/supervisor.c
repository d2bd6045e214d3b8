#include "intercept/supervisor.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "intercept/helper.h"
#include "sys/msg.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

/* Waits for the helper's word: READY, or "CODE text" of what failed. */
static int wait_until_ready(int control, struct err *err)
{
	autobuf struct buf reply = BUF_INIT(sizeof(struct helper_report) + 1);
	struct helper_report report;
	int r = msg_receive(control, &reply, NULL, 0, NULL);

	if (r < 0)
		return err_set(err, -r, "the supervisor ended before it was ready: %s", strerror(-r));
	if (reply.len != sizeof(report))
		return err_set(err, EBADMSG, "the supervisor said %zu bytes instead of %zu", reply.len, sizeof(report));
	memcpy(&report, reply.data, sizeof(report));
	report.text[sizeof(report.text) - 1] = '\0';
	if (report.code != 0)
		return err_set(err, report.code, "%s", report.text);
	return 0;
}

int intercept_spawn(const struct intercept_options *options, struct intercept_helper *ret, struct err *err)
{
	autoclose int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC), here = -1, there = -1;
	autofree char *path = NULL;
	char level[] = { (char)('0' + options->level), '\0' };
	char keep[32] = "";
	char *argv[] = { (char *)(uintptr_t) "cloche-intercept", level, options->keep ? keep : NULL, NULL };
	struct process p = PROCESS_INIT;
	int pair[2], r;

	snprintf(keep, sizeof(keep), "%u:%u", options->keep_uid, options->keep_gid);
	if (proc < 0)
		return err_errno(err, errno, "intercept: open '/proc'");
	r = helper_path("intercept", &path, err);
	if (r >= 0)
		r = msg_pair(pair, err);
	if (r < 0)
		return err_wrap(err, "intercept");
	here = pair[0];
	there = pair[1];

	/* Nothing of the caller's: it may outlive the caller, and whoever reads its stderr waits for its end. */
	const int fds[HELPER_FDS] = { -1, -1, -1, proc, there };
	struct spawn s = {
		.path = path, .argv = argv, .fds = fds, .fds_len = HELPER_FDS, .new_session = true, .dont_wait = true
	};

	r = spawn_start(&s, &p, err);
	if (r < 0)
		return err_wrap(err, "intercept");
	*ret = (struct intercept_helper){ p, TAKE_FD(here), -1 };
	return 0;
}

int intercept_attach(struct intercept_helper *helper, int listener, pid_t init, struct err *err)
{
	autoclose int pidfd = (int)syscall(SYS_pidfd_open, init, 0);
	const int fds[] = { listener, pidfd, helper->door };
	int r;

	if (pidfd < 0)
		return err_errno(err, errno, "intercept: open the container's process %d", (int)init);
	r = msg_send(helper->control, &init, sizeof(init), fds, helper->door >= 0 ? 3 : 2, err);
	/* If it has ended already, its last word says why. */
	if (r >= 0 || r == -EPIPE)
		r = wait_until_ready(helper->control, err);
	close(TAKE_FD(helper->control));
	if (helper->door >= 0)
		close(TAKE_FD(helper->door));
	return r < 0 ? err_wrap(err, "intercept") : 0;
}

void intercept_helper_done(struct intercept_helper *helper)
{
	process_done(&helper->process);
	if (helper->control >= 0)
		close(TAKE_FD(helper->control));
	if (helper->door >= 0)
		close(TAKE_FD(helper->door));
}

/* --- the door --- */

/* The address of DIR's door, by the descriptor of DIR that is returned: an address holds 107 bytes, less than many a path has. */
static int door_address(const char *dir, struct sockaddr_un *ret, struct err *err)
{
	int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_errno(err, errno, "open '%s'", dir);
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d/ids.sock", fd);
	return fd;
}

int intercept_open_door(struct intercept_helper *helper, const char *dir, struct err *err)
{
	autoclose int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), dir_fd = -1;
	struct sockaddr_un address;

	dir_fd = door_address(dir, &address, err);
	if (dir_fd < 0)
		return err_wrap(err, "intercept");
	if (unlinkat(dir_fd, "ids.sock", 0) < 0 && errno != ENOENT)
		return err_errno(err, errno, "intercept: replace '%s/ids.sock'", dir);
	if (sock < 0 || bind(sock, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(sock, 64) < 0)
		return err_errno(err, errno, "intercept: make '%s/ids.sock'", dir);
	helper->door = TAKE_FD(sock);
	return 0;
}

static int announce(int sock, const struct intercept_guest *g, int listener, struct err *err)
{
	autobuf struct buf message = BUF_INIT(MSG_MAX);
	struct helper_guest head = {
		.pid = g->pid,
		.uid = g->uid,
		.gid = g->gid,
		.umask = g->umask,
		.groups_len = (uint32_t)g->groups_len,
		.bounding = g->bounding,
		.effective = g->effective,
		.permitted = g->permitted,
		.inheritable = g->inheritable,
		.ambient = g->ambient,
	};
	int r;

	if (g->groups_len > HELPER_GROUPS_MAX)
		return err_set(err, E2BIG, "more than %d groups", HELPER_GROUPS_MAX);
	buf_add(&message, &head, sizeof(head));
	buf_add(&message, g->groups, g->groups_len * sizeof(g->groups[0]));
	if (message.error)
		return err_oom(err);
	r = msg_send(sock, message.data, message.len, &listener, 1, err);
	return r < 0 ? r : wait_until_ready(sock, err);
}

int intercept_admit(const char *dir, const struct intercept_guest *guest, int listener, struct err *err)
{
	autoclose int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), dir_fd = -1;
	struct sockaddr_un address;
	int r;

	dir_fd = door_address(dir, &address, err);
	if (dir_fd < 0)
		return err_wrap(err, "intercept");
	if (sock < 0 || connect(sock, (struct sockaddr *)&address, sizeof(address)) < 0)
		return err_errno(err, errno, "intercept: find the container's supervisor of ids");
	r = announce(sock, guest, listener, err);
	return r < 0 ? err_wrap(err, "intercept") : 0;
}

int intercept_start(const struct intercept_options *options, int listener, pid_t init, struct process *ret,
		    struct err *err)
{
	CLEANUP(intercept_helper_done) struct intercept_helper helper = INTERCEPT_HELPER_INIT;
	int r = intercept_spawn(options, &helper, err);

	if (r >= 0)
		r = intercept_attach(&helper, listener, init, err);
	if (r < 0)
		return r;
	*ret = helper.process;
	helper = INTERCEPT_HELPER_INIT;
	return 0;
}

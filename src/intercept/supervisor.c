#include "intercept/supervisor.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "intercept/helper.h"
#include "sys/msg.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Waits for the helper's word: READY, or "CODE text" of what failed. */
static int wait_until_ready(int control, struct err *err)
{
	autobuf struct buf reply = BUF_INIT(sizeof(struct helper_report) + 1);
	struct helper_report report;
	int r = msg_receive(control, &reply, NULL, 0, err);

	if (r < 0)
		return err_wrap(err, "the supervisor ended before it was ready");
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
	char *argv[] = { (char *)(uintptr_t) "cloche-intercept", level, NULL };
	struct process p = PROCESS_INIT;
	int pair[2], r;

	if (proc < 0)
		return err_errno(err, errno, "intercept: open '/proc'");
	r = helper_path("intercept", &path, err);
	if (r >= 0)
		r = msg_pair(pair, err);
	if (r < 0)
		return err_wrap(err, "intercept");
	here = pair[0];
	there = pair[1];

	const int fds[HELPER_FDS] = { -1, -1, STDERR_FILENO, proc, there };
	struct spawn s = {
		.path = path, .argv = argv, .fds = fds, .fds_len = HELPER_FDS, .new_session = true, .dont_wait = true
	};

	r = spawn_start(&s, &p, err);
	if (r < 0)
		return err_wrap(err, "intercept");
	*ret = (struct intercept_helper){ p, TAKE_FD(here) };
	return 0;
}

int intercept_attach(struct intercept_helper *helper, int listener, pid_t init, struct err *err)
{
	autoclose int pidfd = (int)syscall(SYS_pidfd_open, init, 0);
	const int fds[] = { listener, pidfd };
	int r;

	if (pidfd < 0)
		return err_errno(err, errno, "intercept: open the container's process %d", (int)init);
	r = msg_send(helper->control, &init, sizeof(init), fds, ARRAY_SIZE(fds), err);
	if (r >= 0)
		r = wait_until_ready(helper->control, err);
	close(TAKE_FD(helper->control));
	return r < 0 ? err_wrap(err, "intercept") : 0;
}

void intercept_helper_done(struct intercept_helper *helper)
{
	process_done(&helper->process);
	if (helper->control >= 0)
		close(TAKE_FD(helper->control));
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

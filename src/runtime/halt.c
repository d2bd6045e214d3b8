/*
 * The halt between `create` and `start` where these are two commands: the container's process outlives the first and is let
 * go by the second.
 *
 * It waits at a fifo in a folder of the caller's, "go", and has a second one, "report", for why its program could not be
 * executed. Both are open in it for reading and writing: so it waits though nobody else has them open, and
 *
 *     "go" can be opened for writing     it is alive and has not executed its program: the kernel says so, no file does
 *     the end of file of "report"        it has executed its program, or has ended
 *
 * A socket would do the same with an accept(2), a recvmsg(2) and a sendmsg(2) that the container's own profile, which is in
 * force by then, may forbid; a read and a write no profile forbids that lets a program run at all. The two are closed by
 * the exec, and lead nowhere: whoever got hold of them could start the container, and no more.
 *
 * Until the caller has written down who the process is (runtime_leave) the process waits at the socket of the start, whose
 * end is its end, so a caller that is killed leaves none behind.
 */
#include "base/cleanup.h"
#include "runtime/start.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static const char go_name[] = "go", report_name[] = "report";

static int make_fifo(int dir_fd, const char *name, struct err *err)
{
	int fd;

	if (mkfifoat(dir_fd, name, 0600) < 0)
		return err_errno(err, errno, "make the fifo '%s'", name);
	fd = openat(dir_fd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? err_errno(err, errno, "open the fifo '%s'", name) : fd;
}

int runtime_halt_make(int dir_fd, struct runtime_halt *ret, struct err *err)
{
	autoclose int go = make_fifo(dir_fd, go_name, err);
	int report = go < 0 ? go : make_fifo(dir_fd, report_name, err);

	if (report < 0)
		return report;
	*ret = (struct runtime_halt){ TAKE_FD(go), report };
	return 0;
}

void runtime_halt_done(struct runtime_halt *h)
{
	if (h->go >= 0)
		close(h->go);
	if (h->report >= 0)
		close(h->report);
	*h = RUNTIME_HALT_INIT;
}

int runtime_halt_remove(int dir_fd)
{
	unlinkat(dir_fd, go_name, 0);
	unlinkat(dir_fd, report_name, 0);
	return 0;
}

bool runtime_is_halted(int dir_fd)
{
	autoclose int fd = openat(dir_fd, go_name, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);

	return fd >= 0;
}

int runtime_leave(struct container_process *p, struct err *err)
{
	if (p->control < 0 || send(p->control, "", 1, MSG_NOSIGNAL) != 1)
		return err_set(err, ECANCELED, "the container's process has ended");
	close(TAKE_FD(p->control));
	return 0;
}

/* --- the halted process --- */

static int read_byte(int fd)
{
	char byte;
	ssize_t n;

	do
		n = read(fd, &byte, 1);
	while (n < 0 && errno == EINTR);
	return n == 1 ? 0 : n < 0 ? -errno : -ECANCELED;
}

/* Is there something that may be executed at the LEN bytes FOLDER, and NAME below? 0 or a negative errno. */
static int look_at(const char *folder, size_t len, const char *name)
{
	char file[PATH_MAX];
	int n = snprintf(file, sizeof(file), "%.*s%s%s", (int)len, folder, len ? "/" : "", name);

	if (n < 0 || (size_t)n >= sizeof(file))
		return -ENAMETOOLONG;
	return faccessat(AT_FDCWD, file, X_OK, AT_EACCESS) < 0 ? -errno : 0;
}

/*
 * A program that isn't there is told by `create` already, as runc and crun do: engines make 127 of that. Looked up as init will
 * (init/init.c); what can't be known before the exec is left to `start`.
 */
static int find_program(const struct start *st)
{
	const char *name = st->spec->process.args.items[0], *path = strv_env_get(&st->spec->process.env, "PATH");
	int r, result = -ENOENT;

	if (strchr(name, '/'))
		return look_at("", 0, name);
	if (!path)
		path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	for (;;) {
		size_t len = strcspn(path, ":");

		r = look_at(path, len, name);
		if (r == 0)
			return 0;
		if (r == -EACCES)
			result = r;
		if (!path[len])
			return result;
		path += len + 1;
	}
}

int start_halt(struct start *st)
{
	struct start_exec_failure ready = { .kind = START_READY };
	int r = find_program(st);

	if (r == -ENOENT || r == -ENOTDIR || r == -EACCES) {
		ready = (struct start_exec_failure){ START_EXEC_FAILED, -r };
		(void)!write(st->child_end, &ready, sizeof(ready));
		_exit(EXIT_FAILURE);
	}

	if (write(st->child_end, &ready, sizeof(ready)) != sizeof(ready))
		return start_fail(st, errno, "tell that it is ready", NULL);
	r = read_byte(st->child_end);
	if (r < 0)
		return start_fail(st, -r, "wait for the caller", NULL);
	/* From here on the caller may be gone. */
	close(st->child_end);
	st->child_end = st->report;
	st->report = -1;
	st->reports_by_fifo = true;
	r = read_byte(st->go);
	if (r < 0)
		return start_fail(st, -r, "wait for the start", NULL);
	return 0;
}

/* --- whoever starts it --- */

/* Reads one message from a fifo: they are shorter than PIPE_BUF, so it is whole. 1; 0: none; -errno. */
static int read_report(int fd, struct start_message *m)
{
	ssize_t n;

	_Static_assert(sizeof(*m) <= 4096, "a message is written to a fifo in one");
	memset(m, 0, sizeof(*m));
	do
		n = read(fd, m, sizeof(*m) - 1);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	return n >= (ssize_t)sizeof(struct start_exec_failure);
}

static int wait_for_report(int report, int pidfd, struct start_message *m, struct err *err)
{
	struct pollfd fds[] = { { .fd = report, .events = POLLIN }, { .fd = pidfd, .events = POLLIN } };
	int r;

	for (;;) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return err_errno(err, errno, "wait for the container's process");
		if (!fds[0].revents && !fds[1].revents)
			continue;
		r = read_report(report, m);
		return r < 0 ? err_errno(err, -r, "hear from the container's process") : r;
	}
}

int runtime_let_go(int dir_fd, int pidfd, const struct oci_spec *spec, int *ret_exit_code, struct err *err)
{
	autoclose int go = openat(dir_fd, go_name, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW), report = -1;
	const struct runtime_options options = { .exit_code = ret_exit_code };
	const struct start st = { .spec = spec, .options = &options };
	struct start_message m;
	int r;

	if (go < 0)
		return err_set(err, errno == ENXIO ? ESRCH : errno, "the container does not wait to be started: %s",
			       errno == ENXIO ? "its process has ended" : strerror(errno));
	report = openat(dir_fd, report_name, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	if (report < 0)
		return err_errno(err, errno, "open the fifo '%s'", report_name);
	if (write(go, "", 1) != 1)
		return err_errno(err, errno, "let the container's process go");
	close(TAKE_FD(go));
	r = wait_for_report(report, pidfd, &m, err);
	return r == 1 ? start_failure(&st, &m, err) : r;
}

#include "sys/userns.h"

#include "base/cleanup.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

/* Whatever this machine gives us; without user namespaces there is nothing to test. */
static bool can_make(struct idmap *ids)
{
	pid_t pid;
	int status;

	if (idmap_detect(ids, NULL) < 0)
		return false;
	pid = fork();
	if (pid == 0)
		_exit(unshare(CLONE_NEWUSER) < 0);
	return waitpid(pid, &status, 0) == pid && status == 0;
}

static int be_root(void *arg, struct err *err)
{
	int *copied = arg;

	*copied = 7; /* in the child's memory only */
	if (geteuid() != 0 || getegid() != 0)
		return err_set(err, EPERM, "is user %u", (unsigned)geteuid());
	if (mount("tmpfs", "/tmp", "tmpfs", 0, NULL) < 0)
		return err_errno(err, errno, "mount");
	return 3;
}

static int fail_with_hint(void *arg, struct err *err)
{
	(void)arg;
	err_set(err, EXDEV, "on purpose");
	return err_hint(err, "do nothing");
}

static int end(void *arg, struct err *err)
{
	(void)arg;
	(void)err;
	_exit(9);
}

static void functions_run_as_root_of_their_own(void **state)
{
	struct err err = { 0 };
	struct idmap ids;
	int number = 0;

	(void)state;
	if (!can_make(&ids))
		skip();
	if (userns_run(&ids, USERNS_MOUNT, be_root, &number, &err) != 3)
		fail_msg("%s", err.msg);
	assert_int_equal(number, 0);
	assert_int_equal(userns_run(NULL, 0, fail_with_hint, NULL, NULL), -EXDEV);
	assert_int_equal(userns_run(&ids, 0, fail_with_hint, NULL, &err), -EXDEV);
	assert_string_equal(err.msg, "on purpose");
	assert_string_equal(err.hint, "do nothing");
	assert_int_equal(userns_run(&ids, 0, end, NULL, &err), -ECHILD);
}

static void programs_run_as_root_of_their_own(void **state)
{
	char *const argv[] = { "sh", "-c", "[ $(id -u) = 0 ] && mount -t tmpfs tmpfs /tmp", NULL };
	char *const envp[] = { "PATH=/usr/bin:/bin", NULL };
	const int fds[] = { -1, -1, 2 };
	const struct spawn s = { .path = "/bin/sh", .argv = argv, .envp = envp, .fds = fds, .fds_len = 3 };
	struct process p = PROCESS_INIT;
	struct err err = { 0 };
	struct idmap ids;
	int status;

	(void)state;
	if (!can_make(&ids))
		skip();
	if (userns_start(&s, &ids, USERNS_MOUNT, &p, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(process_wait(&p, &status, &err), 0);
	assert_int_equal(status, 0);
}

static void maps_that_are_not_ours_are_refused(void **state)
{
	const int fds[] = { -1, -1, 2 };
	char *const argv[] = { "true", NULL };
	const struct spawn s = { .path = "/bin/true", .argv = argv, .fds = fds, .fds_len = 3 };
	struct process p = PROCESS_INIT;
	struct err err = { 0 };
	struct idmap ids;

	(void)state;
	if (!can_make(&ids) || geteuid() == 0)
		skip();
	idmap_single(&ids, 0, 0);
	assert_true(userns_start(&s, &ids, 0, &p, &err) < 0);
	assert_true(err.msg[0] && err.hint[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_run_as_root_of_their_own),
		cmocka_unit_test(programs_run_as_root_of_their_own),
		cmocka_unit_test(maps_that_are_not_ours_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "tests/unit/test.h"

#include "base/cleanup.h"
#include "sys/msg.h"
#include "sys/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void the_child_has_the_named_descriptors_only(void **state)
{
	static char *argv[] = { "sh", "-c", "ls /proc/self/fd | tr '\\n' ' '", NULL };
	static char *envp[] = { "PATH=/usr/bin:/bin", NULL };
	int pipe_fds[2], stray = open("/dev/null", O_RDONLY), status;
	struct process p = PROCESS_INIT;
	char out[64] = { 0 };

	(void)state;
	assert_int_equal(pipe(pipe_fds), 0);
	const int fds[] = { -1, pipe_fds[1], 2 };
	const struct spawn s = { .path = "/bin/sh", .argv = argv, .envp = envp, .fds = fds, .fds_len = 3 };

	assert_int_equal(spawn_start(&s, &p, NULL), 0);
	close(pipe_fds[1]);
	assert_int_equal(process_wait(&p, &status, NULL), 0);
	assert_int_equal(status, 0);
	assert_true(read(pipe_fds[0], out, sizeof(out) - 1) > 0);
	/* 3 is what ls itself opens. */
	assert_string_equal(out, "0 1 2 3 ");
	close(pipe_fds[0]);
	close(stray);
}

static void a_program_that_is_not_there_is_the_callers_error(void **state)
{
	static char *argv[] = { "nowhere", NULL };
	const int fds[] = { -1, -1, -1 };
	const struct spawn s = { .path = "/nowhere", .argv = argv, .fds = fds, .fds_len = 3 };
	struct process p = PROCESS_INIT;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(spawn_start(&s, &p, &err), -ENOENT);
	assert_string_equal(err.msg, "start '/nowhere': exec: No such file or directory");
	assert_int_equal(p.pidfd, -1);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void messages_carry_descriptors_and_respect_the_room(void **state)
{
	autobuf struct buf b = BUF_INIT(MSG_MAX);
	int pair[2], fds[2] = { 0, 1 }, got[2] = { -1, -1 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(msg_pair(pair, NULL), 0);
	assert_int_equal(msg_send(pair[0], "hi", 2, fds, 2, NULL), 0);
	assert_int_equal(msg_receive(pair[1], &b, got, 2, NULL), 2);
	assert_string_equal(b.data, "hi");
	assert_true(fcntl(got[0], F_GETFD) & FD_CLOEXEC);
	close(got[0]);
	close(got[1]);

	assert_int_equal(msg_send(pair[0], "hi", 2, fds, 2, NULL), 0);
	assert_int_equal(msg_receive(pair[1], &b, got, 1, &err), -EBADMSG);
	close(pair[0]);
	assert_int_equal(msg_receive(pair[1], &b, got, 1, &err), -ECONNRESET);
	close(pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_child_has_the_named_descriptors_only),
		cmocka_unit_test(a_program_that_is_not_there_is_the_callers_error),
		cmocka_unit_test(messages_carry_descriptors_and_respect_the_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "tests/unit/test.h"

#include "engine/container/attach.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct ends {
	int client, monitor;
};

static struct ends connect_ends(void)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	return (struct ends){ fds[0], fds[1] };
}

static void say_exit(int monitor, int32_t code)
{
	char message[1 + sizeof(code)] = { ATTACH_EXIT };

	memcpy(message + 1, &code, sizeof(code));
	assert_int_equal(send(monitor, message, sizeof(message), 0), sizeof(message));
}

static void the_last_word_is_heard_by_who_was_not(void **state)
{
	char message[ATTACH_MESSAGE_MAX], end = ATTACH_END;
	struct ends e = connect_ends();

	(void)state;
	/* Input's end is under way while the container ends: the kernel makes an error of what was left unread. */
	assert_int_equal(send(e.client, &end, 1, 0), 1);
	say_exit(e.monitor, 7);
	close(e.monitor);
	assert_int_equal(attach_hear(e.client, message), 5);
	assert_int_equal(message[0], ATTACH_EXIT);
	assert_int_equal(attach_hear(e.client, message), 0);
	close(e.client);
}

static void a_session_ends_with_the_exit_code(void **state)
{
	enum attach_result result;
	char end = ATTACH_END;
	int code;
	struct ends e = connect_ends();
	struct attach_options o = { .sock = e.client, .pidfd = -1 };

	(void)state;
	assert_int_equal(send(e.client, &end, 1, 0), 1);
	say_exit(e.monitor, 7);
	close(e.monitor);
	assert_int_equal(attach_stay(&o, &result, &code, NULL), 0);
	assert_int_equal(result, ATTACH_RESULT_EXITED);
	assert_int_equal(code, 7);
	close(e.client);
}

static void a_monitor_that_says_nothing_was_lost(void **state)
{
	enum attach_result result;
	int code;
	struct ends e = connect_ends();
	struct attach_options o = { .sock = e.client, .pidfd = -1 };

	(void)state;
	close(e.monitor);
	assert_int_equal(attach_stay(&o, &result, &code, NULL), 0);
	assert_int_equal(result, ATTACH_RESULT_LOST);
	close(e.client);
}

static void one_too_many_is_told_so(void **state)
{
	enum attach_result result;
	char full = ATTACH_FULL;
	int code;
	struct err err = { 0 };
	struct ends e = connect_ends();
	struct attach_options o = { .sock = e.client, .pidfd = -1 };

	(void)state;
	assert_int_equal(send(e.monitor, &full, 1, 0), 1);
	close(e.monitor);
	assert_true(attach_stay(&o, &result, &code, &err) < 0);
	assert_non_null(strstr(err.msg, "64 commands"));
	err_clear(&err);
	close(e.client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_word_is_heard_by_who_was_not),
		cmocka_unit_test(a_session_ends_with_the_exit_code),
		cmocka_unit_test(a_monitor_that_says_nothing_was_lost),
		cmocka_unit_test(one_too_many_is_told_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Messages between processes, and what is left of them when one side ends early. */
#include "tests/unit/test.h"

#include "sys/msg.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static void test_descriptors_come_along(void **state)
{
	struct buf b = BUF_INIT(MSG_MAX + 1);
	int pair[2], fds[2], p[2];
	char c = 0;

	(void)state;
	assert_int_equal(msg_pair(pair, NULL), 0);
	assert_int_equal(pipe(p), 0);
	assert_int_equal(msg_send(pair[0], "two", 3, p, 2, NULL), 0);
	assert_int_equal(msg_receive(pair[1], &b, fds, 2, NULL), 2);
	assert_string_equal(buf_str(&b), "two");
	assert_int_equal(write(fds[1], "x", 1), 1);
	assert_int_equal(read(p[0], &c, 1), 1);
	assert_int_equal(c, 'x');
	assert_true(fcntl(fds[0], F_GETFD) & FD_CLOEXEC);
	/* More than there is room for is refused, and closed. */
	assert_int_equal(msg_send(pair[0], "two", 3, p, 2, NULL), 0);
	assert_int_equal(msg_receive(pair[1], &b, fds, 1, NULL), -EBADMSG);
	for (int i = 0; i < 2; i++) {
		close(pair[i]);
		close(p[i]);
	}
	buf_done(&b);
}

static void test_the_last_word_of_one_that_ends_is_heard(void **state)
{
	struct buf b = BUF_INIT(MSG_MAX + 1);
	int pair[2];

	(void)state;
	assert_int_equal(msg_pair(pair, NULL), 0);
	assert_int_equal(msg_send(pair[0], "not read", 8, NULL, 0, NULL), 0);
	assert_int_equal(msg_send(pair[1], "last word", 9, NULL, 0, NULL), 0);
	close(pair[1]);
	assert_int_equal(msg_receive(pair[0], &b, NULL, 0, NULL), 0);
	assert_string_equal(buf_str(&b), "last word");
	assert_int_equal(msg_receive(pair[0], &b, NULL, 0, NULL), -ECONNRESET);
	close(pair[0]);
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_descriptors_come_along),
		cmocka_unit_test(test_the_last_word_of_one_that_ends_is_heard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "tests/unit/test.h"

#include "sys/leave.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* What is told by the process that stays behind, and from where it is let go. */
struct behind {
	int out, in;
	pid_t before;
	char *word; /* of the memory that was ours */
};

struct said {
	pid_t pid, before, session;
	bool is_null[3];
	char word[16];
};

static void tell(void *arg)
{
	const struct behind *b = arg;
	struct said said = { .pid = getpid(), .before = b->before, .session = getsid(0) };
	struct stat null, st;
	char byte;

	stat("/dev/null", &null);
	for (int fd = 0; fd <= 2; fd++)
		said.is_null[fd] = fstat(fd, &st) == 0 && st.st_rdev == null.st_rdev;
	memcpy(said.word, b->word, sizeof(said.word));
	(void)!read(b->in, &byte, 1);
	(void)!write(b->out, &said, sizeof(said));
}

static void abort_at_once(void *arg)
{
	(void)arg;
	abort();
}

/* Ends as a command does, with something left to do. */
static pid_t start_leaving(int out[2], int in[2], bool replaced)
{
	pid_t pid;

	assert_int_equal(pipe(out), 0);
	assert_int_equal(pipe(in), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct behind *b = calloc(1, sizeof(*b));

		close(out[0]);
		close(in[1]);
		*b = (struct behind){ out[1], in[0], getpid(), strdup("left in memory!") };
		if (replaced)
			leave_behind(abort_at_once, NULL);
		leave_behind(tell, b);
		leave(7);
	}
	close(out[1]);
	close(in[0]);
	return pid;
}

static void whoever_waits_hears_of_our_end_first(void **state)
{
	int out[2], in[2], status;
	struct said said;
	pid_t pid = start_leaving(out, in, false);

	(void)state;
	/* What is left behind waits for the byte that comes below. */
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
	assert_int_equal(write(in[1], "x", 1), 1);
	assert_int_equal(read(out[0], &said, sizeof(said)), sizeof(said));
	assert_int_equal(said.before, pid);
	assert_int_not_equal(said.pid, pid);
	assert_string_equal(said.word, "left in memory!");
	/* That was all of it: the process ends. */
	assert_int_equal(read(out[0], &said, sizeof(said)), 0);
	close(out[0]);
	close(in[1]);
}

static void it_has_neither_our_terminal_nor_our_output(void **state)
{
	int out[2], in[2];
	struct said said;
	pid_t pid = start_leaving(out, in, false);

	(void)state;
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	close(in[1]);
	assert_int_equal(read(out[0], &said, sizeof(said)), sizeof(said));
	for (int fd = 0; fd <= 2; fd++)
		assert_true(said.is_null[fd]);
	assert_int_equal(said.session, said.pid);
	close(out[0]);
}

static void the_last_that_was_asked_for_is_done(void **state)
{
	int out[2], in[2], status;
	struct said said;
	pid_t pid = start_leaving(out, in, true);

	(void)state;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 7);
	close(in[1]);
	assert_int_equal(read(out[0], &said, sizeof(said)), sizeof(said));
	close(out[0]);
}

static void with_nothing_left_it_is_an_exit(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0)
		leave(9);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whoever_waits_hears_of_our_end_first),
		cmocka_unit_test(it_has_neither_our_terminal_nor_our_output),
		cmocka_unit_test(the_last_that_was_asked_for_is_done),
		cmocka_unit_test(with_nothing_left_it_is_an_exit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

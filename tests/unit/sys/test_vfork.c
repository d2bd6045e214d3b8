#include "tests/unit/test.h"

#include "sys/vfork.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int seen;

static void set_seen(void *arg)
{
	seen = *(int *)arg;
	_exit(7);
}

static void the_child_has_our_memory_and_has_ended_when_we_go_on(void **state)
{
	int value = 42, status;
	pid_t noted = 0, pid;

	(void)state;
	if (!vfork_shares_memory())
		skip();
	seen = 0;
	pid = vfork_call(0, set_seen, &value, &noted);
	assert_true(pid > 0);
	assert_int_equal(noted, pid);
	assert_int_equal(seen, 42);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
}

static void exec_true(void *arg)
{
	char *const argv[] = { (char *)"true", NULL };

	(void)arg;
	execv("/bin/true", argv);
	_exit(1);
}

static void a_program_runs_beside_us(void **state)
{
	pid_t noted, pid = vfork_call(0, exec_true, NULL, &noted);
	int status;

	(void)state;
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* Deeper than a page or two, as the steps of a container's start are. */
static void use_stack(void *arg)
{
	volatile char deep[100 * 1024];

	(void)arg;
	for (size_t i = 0; i < sizeof(deep); i += 512)
		deep[i] = 1;
	_exit(deep[512] == 1 ? 0 : 1);
}

static void its_stack_is_its_own_and_large(void **state)
{
	pid_t noted, pid = vfork_call(0, use_stack, NULL, &noted);
	int status;

	(void)state;
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void look_at_mask(void *arg)
{
	sigset_t now;

	(void)arg;
	sigprocmask(SIG_SETMASK, NULL, &now);
	_exit(sigismember(&now, SIGTERM) == 1 && sigismember(&now, SIGUSR1) == 1 ? 0 : 1);
}

static void signals_are_blocked_in_it_and_not_in_us(void **state)
{
	pid_t noted, pid = vfork_call(0, look_at_mask, NULL, &noted);
	sigset_t now;
	int status;

	(void)state;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	sigprocmask(SIG_SETMASK, NULL, &now);
	assert_int_equal(sigismember(&now, SIGTERM), 0);
}

static void a_refusal_is_an_errno(void **state)
{
	pid_t noted = 0;

	(void)state;
	/* clone(2): the two exclude each other. */
	errno = 0;
	assert_int_equal(vfork_call(CLONE_NEWNS | CLONE_FS, set_seen, NULL, &noted), -1);
	assert_int_equal(errno, EINVAL);
}

/* --- the child that is left behind --- */

static int left_pipe[2];

static void write_later(void *arg)
{
	char byte;

	(void)arg;
	/* Ends when the process that left has closed its end by ending. */
	close(left_pipe[1]);
	(void)!read(left_pipe[0], &byte, 1);
	(void)!write(STDOUT_FILENO, "left", 4);
	_exit(0);
}

static void what_is_left_behind_goes_on_after_us(void **state)
{
	int out[2], status;
	char text[8] = { 0 };
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(out), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(out[1], STDOUT_FILENO);
		close(out[0]);
		close(out[1]);
		if (pipe(left_pipe) == 0)
			vfork_and_leave(write_later, NULL, 5);
		_exit(1);
	}
	close(out[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 5);
	assert_int_equal(read(out[0], text, sizeof(text) - 1), 4);
	assert_string_equal(text, "left");
	close(out[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_child_has_our_memory_and_has_ended_when_we_go_on),
		cmocka_unit_test(a_program_runs_beside_us),
		cmocka_unit_test(its_stack_is_its_own_and_large),
		cmocka_unit_test(signals_are_blocked_in_it_and_not_in_us),
		cmocka_unit_test(a_refusal_is_an_errno),
		cmocka_unit_test(what_is_left_behind_goes_on_after_us),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

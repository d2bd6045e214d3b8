#include "engine/exec/wait.h"

#include "base/cleanup.h"
#include "runtime/console.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

/*
 * Nobody waits for the program any more. Its terminal would hang up with our descriptor, so a child of ours keeps that until
 * the program has ended.
 */
int exec_leave(struct container_process *p, struct err *err)
{
	pid_t pid;

	/* If we lead a session, its terminal hangs up when we end, perhaps before the child has left it. */
	signal(SIGHUP, SIG_IGN);
	pid = p->console >= 0 ? fork() : 1;
	if (pid < 0)
		return err_errno(err, errno, "fork");
	if (pid == 0) {
		/* Whoever waits for the end of our output must not wait for this. */
		close_range(0, 2, 0);
		setsid();
		console_drain(p);
		_exit(0);
	}
	/* It is not ours to kill. */
	if (p->pidfd >= 0)
		close(p->pidfd);
	if (p->console >= 0)
		close(p->console);
	*p = CONTAINER_PROCESS_INIT;
	return 0;
}

int exec_wait(struct container_process *p, bool interactive, struct detach_keys *keys, struct err *err)
{
	struct console_options console = {
		.in = interactive ? 0 : -1, .out = 1, .interactive = interactive, .pass_signals = true, .keys = keys
	};
	int status, r = console_run(p, &console, &status, err);

	if (r == CONSOLE_DETACHED)
		return exec_leave(p, err);
	return r < 0 ? r : container_exit_code(status);
}

/*
 * libexec/cloche/net: the user-mode network of one container (docs/ARCHITECTURE.md, "The network helper"). Started by
 * net_helper_spawn, it becomes two processes: the keeper, which is this one, and the stack.
 */
#include "base/cleanup.h"
#include "base/err.h"
#include "net/confine.h"
#include "net/keeper.h"
#include "net/stack.h"
#include "net/wire.h"
#include "sys/msg.h"
#include "sys/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* For name service by TCP, where libslirp can reach it and nobody else. -1: there is none. */
static int open_names_socket(void)
{
	const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = STACK_NAMES_SOCKET };
	autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 64) < 0)
		return -1;
	return TAKE_FD(fd);
}

static _Noreturn void run_stack(int keeper, bool isolated)
{
	struct err err = { 0 };
	int names = -1;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(NET_FD_CONTROL);
	if (isolated && isolate_stack() == 0)
		names = open_names_socket();
	if (stack_run(keeper, names, &err) < 0)
		_exit(1);
	_exit(0);
}

static int start_stack(int pair[2], struct process *ret, struct err *err)
{
	bool isolated = true;

	ret->pid = spawn_clone(isolate_stack_flags(), &ret->pidfd);
	if (ret->pid < 0) {
		isolated = false;
		ret->pid = spawn_clone(0, &ret->pidfd);
	}
	if (ret->pid < 0)
		return err_errno(err, errno, "start the network's stack");
	if (ret->pid == 0) {
		close(pair[0]);
		run_stack(pair[1], isolated);
	}
	close(pair[1]);
	return 0;
}

int main(int argc, char **argv)
{
	struct process stack = PROCESS_INIT;
	struct err err = { 0 };
	int pair[2];

	(void)argv;
	if (argc != 1 || fcntl(NET_FD_CONTROL, F_SETFD, FD_CLOEXEC) < 0) {
		fprintf(stderr, "cloche-net: is started by cloche\n");
		return 2;
	}
	/* We may outlive the command that started us, and who reads its stderr by a pipe waits for the last that holds it. */
	dup2(STDOUT_FILENO, STDERR_FILENO);
	if (msg_pair(pair, &err) < 0 || start_stack(pair, &stack, &err) < 0)
		return 1;
	/* The stack ends with us, by its PDEATHSIG and by the end of the socket between us: nobody waits for it. */
	_exit(keeper_run(NET_FD_CONTROL, &stack, pair[0], &err) < 0);
}

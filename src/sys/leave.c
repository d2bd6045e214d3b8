#include "sys/leave.h"

#include "sys/vfork.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

static struct {
	void (*fn)(void *arg);
	void *arg;
} behind;

void leave_behind(void (*fn)(void *arg), void *arg)
{
	behind.fn = fn;
	behind.arg = arg;
}

static void do_behind(void *arg)
{
	int null_fd;

	(void)arg;
	/* Whoever waits for the end of our output must not wait for this. */
	null_fd = open("/dev/null", O_RDWR);
	for (int fd = 0; fd <= 2 && null_fd >= 0; fd++)
		dup2(null_fd, fd);
	if (null_fd < 0)
		close_range(0, 2, 0);
	else if (null_fd > 2)
		close(null_fd);
	setsid();
	behind.fn(behind.arg);
	_exit(0);
}

void leave(int code)
{
	if (behind.fn)
		vfork_and_leave(do_behind, NULL, code);
	exit(code);
}

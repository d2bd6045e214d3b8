/*
 * measure [-n COUNT] COMMAND [ARG...]: runs COMMAND, or COUNT of it at once, with output to /dev/null, and prints
 * "<wall clock in us> <largest resident set in KiB of any process that was waited for>".
 *
 * It is a program of its own because a child's largest resident set begins with that of the process that
 * forked it: a large parent would be what is measured.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int start(char **argv)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid < 0 ? -errno : 0;
	int null_fd = open("/dev/null", O_RDWR);

	dup2(null_fd, 0);
	dup2(null_fd, 1);
	execvp(argv[0], argv);
	perror(argv[0]);
	_exit(127);
}

int main(int argc, char **argv)
{
	int first = 1, count = 1, failed = 0, status;
	struct rusage usage;
	double began;

	if (argc > 3 && strcmp(argv[1], "-n") == 0) {
		count = (int)strtol(argv[2], NULL, 10);
		first = 3;
	}
	if (first >= argc || count < 1)
		return 2;
	began = now_us();
	for (int i = 0; i < count; i++)
		if (start(argv + first) < 0)
			return 2;
	for (int i = 0; i < count; i++)
		if (wait(&status) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
			failed = 1;
	began = now_us() - began;
	getrusage(RUSAGE_CHILDREN, &usage);
	printf("%.0f %ld\n", began, usage.ru_maxrss);
	return failed;
}

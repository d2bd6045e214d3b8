/*
 * duel [-n ROUNDS] [-g GAP_US] COMMAND... -- COMMAND... [-- …]: runs the commands in turns, ROUNDS times each, with
 * input and output /dev/null, and prints a line a round: for each command wall clock in us, CPU time of it and all that
 * it waited for in us, and the largest resident set of any one of these in KiB.
 *
 * One process does all rounds, since a Python between two runs of 5 ms would leave its marks in every cache. The
 * order is turned round each round, so that none always comes after the same other; the gap lets what a command leaves
 * to the background end before the next begins.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { COMMANDS_MAX = 8 };

extern char **environ;

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double us_of(const struct timeval *t)
{
	return (double)t->tv_sec * 1e6 + (double)t->tv_usec;
}

struct result {
	double wall, cpu;
	long peak_kib;
};

/* Runs it to its end; 0 if it failed. */
static int run(char **argv, const posix_spawn_file_actions_t *files, struct result *ret)
{
	struct rusage usage;
	double began = now_us();
	int status;
	pid_t pid;

	if (posix_spawnp(&pid, argv[0], files, NULL, argv, environ) != 0 || wait4(pid, &status, 0, &usage) < 0)
		return 0;
	ret->wall = now_us() - began;
	ret->cpu = us_of(&usage.ru_utime) + us_of(&usage.ru_stime);
	ret->peak_kib = usage.ru_maxrss;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int round_of(char ***commands, int len, int number, long gap_us, const posix_spawn_file_actions_t *files)
{
	struct result results[COMMANDS_MAX];

	for (int i = 0; i < len; i++) {
		int at = (i + number) % len;

		if (gap_us > 0)
			usleep((useconds_t)gap_us);
		if (!run(commands[at], files, &results[at])) {
			fprintf(stderr, "duel: '%s' failed\n", commands[at][0]);
			return 0;
		}
	}
	for (int i = 0; i < len; i++)
		printf("%s%.0f %.0f %ld", i ? " " : "", results[i].wall, results[i].cpu, results[i].peak_kib);
	putchar('\n');
	return 1;
}

int main(int argc, char **argv)
{
	char **commands[COMMANDS_MAX];
	long rounds = 100, gap_us = 0;
	posix_spawn_file_actions_t files;
	int opt, len = 0;

	while ((opt = getopt(argc, argv, "+n:g:")) > 0) {
		if (opt == '?')
			return 2;
		*(opt == 'n' ? &rounds : &gap_us) = strtol(optarg, NULL, 10);
	}
	for (int i = optind; i < argc; i++) {
		int begins = i == optind || !argv[i - 1];

		if (begins && len == COMMANDS_MAX)
			return 2;
		if (begins)
			commands[len++] = argv + i;
		if (strcmp(argv[i], "--") == 0)
			argv[i] = NULL;
	}
	if (len < 1)
		return 2;
	posix_spawn_file_actions_init(&files);
	for (int fd = 0; fd < 2; fd++)
		posix_spawn_file_actions_addopen(&files, fd, "/dev/null", O_RDWR, 0);
	for (long i = 0; i < rounds; i++)
		if (!round_of(commands, len, (int)i, gap_us, &files))
			return 1;
	return 0;
}

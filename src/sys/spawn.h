/*
 * Starting a program with exactly the descriptors that it is meant to have.
 *
 * Every other descriptor is closed in the child (close_range), so nothing leaks into helpers. The child
 * reports the stage and errno of a failure before exec through a pipe; that error is the caller's.
 */
#pragma once

#include "base/err.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct spawn {
	const char *path;     /* program, by its path; argv[0] is its base name unless argv says otherwise */
	char *const *argv;    /* ends with NULL */
	char *const *envp;    /* NULL: an empty environment */
	const int *fds;	      /* fds[i] becomes descriptor i in the child; -1: /dev/null */
	size_t fds_len;	      /* at least 3 */
	bool die_with_parent; /* SIGKILL when the thread that started it ends (PR_SET_PDEATHSIG) */
	bool new_session;     /* setsid */
	/* Returns before the program is executed; if that fails, the child ends with 127 and says nothing. */
	bool dont_wait;
	/* Runs in the child just before exec, async-signal-safe only: 0, or a negative errno. May be NULL. */
	int (*setup)(void *arg);
	void *setup_arg;
	uint64_t clone_flags; /* further CLONE_NEW* flags */
	/* Runs in the parent once the child exists; the child waits until it has returned 0. May be NULL. */
	int (*on_child)(pid_t pid, void *arg, struct err *err);
	void *on_child_arg;
};

struct process {
	pid_t pid;
	int pidfd; /* owned; -1: none */
};

/*
 * As fork(2) with FLAGS (CLONE_NEW*, CLONE_FILES, CLONE_PARENT), *RET_PIDFD a pidfd in the parent: clone3(2), or clone(2) where a filter answers
 * clone3 with ENOSYS, since it cannot see the flags, as the default profiles of container tools do. -1 with errno.
 */
pid_t spawn_clone(uint64_t flags, int *ret_pidfd);

/* Starts it. On success RET owns a pidfd. */
int spawn_start(const struct spawn *s, struct process *ret, struct err *err);
/* Waits for its end; the wait status as in wait(2). Closes the pidfd. Resumes when interrupted. */
int process_wait(struct process *p, int *ret_status, struct err *err);
void process_kill(struct process *p, int sig);
/* Kills (SIGKILL) and reaps if it is still there: for cleanup attributes. */
void process_done(struct process *p);
#define PROCESS_INIT ((struct process){ 0, -1 })

/*
 * The path of a helper program ("layer"): libexec/cloche/NAME beside our own executable, one folder up,
 * or where the build installs it. -ENOENT with a hint. The caller owns the string.
 */
int helper_path(const char *name, char **ret, struct err *err);

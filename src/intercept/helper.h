/* What the command and the supervisor that it starts agree upon. Private to supervisor.c and the helper's main. */
#pragma once

/* Descriptors of the helper. */
enum {
	HELPER_STDERR = 2,
	HELPER_PROC,	/* O_PATH of the caller's /proc */
	HELPER_CONTROL, /* comes in: the number of pid 1 (pid_t) with the two below; goes out: one struct helper_report */
	HELPER_FDS,	/* so many from the start */
	HELPER_LISTENER = HELPER_FDS, /* of the seccomp filter */
	HELPER_INIT,		      /* pidfd of the container's pid 1 */
};

/* Sent once: calls are answered from now on (code 0), or why they can't be. */
struct helper_report {
	int code; /* positive errno */
	char text[512];
};

/* What the command and the supervisor that it starts agree upon. Private to supervisor.c and the helper's main. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/* Descriptors of the helper. */
enum {
	HELPER_STDERR = 2,
	HELPER_PROC, /* O_PATH of the caller's /proc */
	HELPER_CONTROL, /* comes in: the number of pid 1 (pid_t) with the two or three below; goes out: one struct helper_report */
	HELPER_FDS,		      /* so many from the start */
	HELPER_LISTENER = HELPER_FDS, /* of the seccomp filter */
	HELPER_INIT,		      /* pidfd of the container's pid 1 */
	HELPER_DOOR,		      /* a listening socket, at which guests are announced; may be missing */
};

/* Sent once: calls are answered from now on (code 0), or why they can't be. */
struct helper_report {
	int code; /* positive errno */
	char text[512];
};

/*
 * What comes through the door: who a guest is, followed by its supplementary groups, with the listener of its own filter. A
 * helper_report is the answer.
 */
struct helper_guest {
	pid_t pid; /* as the outer /proc has it */
	uint32_t uid, gid, umask, groups_len;
	uint64_t bounding, effective, permitted, inheritable, ambient;
};
enum { HELPER_GROUPS_MAX = 4096 };

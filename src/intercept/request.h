/*
 * One intercepted call, as its handler sees it: who called with which arguments, the caller's memory and
 * credentials, and what may be answered.
 *
 * What the arguments say is hostile: sizes are bounded before memory is taken, the caller's memory is
 * read once, and nothing that lasts is done to a file or a process before request_is_alive has said that
 * the caller's number still means the caller.
 */
#pragma once

#include "intercept/cred.h"

#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* One thread of the supervisor. Its root, working folder and umask are its own (CLONE_FS). */
struct worker {
	int listener;
	int umask;		/* as set at the moment; -1: unknown */
	uint64_t received_ns;	/* when the last notification came */
	_Atomic unsigned turns; /* one more when a call comes, one more when it is answered */
	bool was_waiting;	/* it was there already (load.h) */
	struct seccomp_notif *notif;
	struct seccomp_notif_resp *reply;
};

struct request {
	struct worker *worker;
	uint64_t id;
	pid_t tid; /* the calling thread, as the supervisor's pid namespace numbers it */
	int nr;
	uint64_t received_ns; /* CLOCK_MONOTONIC */
	const uint64_t *args;
	int64_t value; /* what the call returns when the handler returns 0 */

	const struct cred *cred; /* request_cred's, with a reference */
	uint64_t cred_word;	 /* the real RLIMIT_LOCKS that it was found by */
};

/* What a handler returns beside a negative errno (the call fails so) and 0 (the call returns request.value). */
enum {
	ANSWER_CONTINUE = 1, /* let the kernel do the call as it stands */
	ANSWER_SENT = 2,     /* the answer is on its way already */
};

/* Level of the emulation; set once at the start. */
extern int intercept_level;

/*
 * True while the caller is still in this call. Until then its number may have become another process's:
 * ask after opening what the number led to, and before acting on it.
 */
bool request_is_alive(const struct request *r);
/*
 * The same for an answer into the caller's memory, without a system call where the request is so young that
 * its number can't have come round (that takes tens of thousands of new processes).
 */
bool request_may_answer(const struct request *r);
uint64_t request_now_ns(void);

/* Exactly LEN bytes at ADDRESS: 0 or -EFAULT. */
int request_read(const struct request *r, uint64_t address, void *dst, size_t len);
int request_write(const struct request *r, uint64_t address, const void *src, size_t len);
/* A string of less than SIZE bytes; its length, -EFAULT, or -ENAMETOOLONG. */
int request_read_string(const struct request *r, uint64_t address, char *dst, size_t size);

/* Argument I as what the kernel's prototype says. */
static inline int arg_int(const struct request *r, int i)
{
	return (int)r->args[i];
}
static inline uint32_t arg_u32(const struct request *r, int i)
{
	return (uint32_t)r->args[i];
}

/*
 * Gives the caller a duplicate of FD as the call's result, in one step. ANSWER_SENT, or a negative errno
 * (-EMFILE …).
 */
int request_answer_fd(struct request *r, int fd, bool cloexec);

/* A duplicate (close-on-exec) of the caller's descriptor NR, as pidfd_getfd gives it; negative errno. */
int request_get_fd(const struct request *r, int nr);

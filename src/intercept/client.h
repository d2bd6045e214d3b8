/*
 * Which credentials a process of the container has.
 *
 * The kernel has ignored RLIMIT_LOCKS since 2.4.24, keeps it over fork, clone and exec, and lets us set it
 * for our processes. Its soft value is a word of ours:
 *
 *     infinite, or not ours    the set number 0: root, as the container began
 *     MAGIC | number           that interned set
 *     + PENDING | …            an exec that changes credentials is under way; whether it happened is
 *                              found out at the next call of whoever carries the word
 *     + MIXED                  threads differ (a raw setresuid): client.c has a table by thread
 *
 * So nothing has to follow forks and exits, and no number of a process can be mistaken for an older one.
 */
#pragma once

#include "intercept/request.h"

/* Learns from the container's pid 1 (its number, as we see it) what the first set is. 0 or negative errno. */
int client_init(pid_t init);

/* Makes C those of the process PID (its number, as we see it), which has just joined the container. 0 or negative errno. */
int client_admit(pid_t pid, const struct cred *c);

/* The caller's credentials; cached in R, which holds the reference until request_done. Never NULL. */
const struct cred *request_cred(struct request *r);
/* Makes C those of the caller (one thread, or the process if all its threads agree). 0, -EAGAIN, -ESRCH. */
int request_set_cred(struct request *r, const struct cred *c);
void request_done(struct request *r);

/*
 * The caller is about to exec and has AFTER if that succeeds. Afterwards the call has to be continued.
 * 0 or negative errno.
 */
int request_expect_exec(struct request *r, const struct cred *after);

/* The credentials of any thread by its number as we see it, with a reference; NULL if it is gone. */
const struct cred *client_cred(pid_t tid);
/*
 * The same by its number in the container, through the container's own /proc; NULL if there is no such
 * process, or no /proc.
 */
const struct cred *client_cred_inside(uint32_t pid);

/* True once a process has been seen with a root or mount namespace of its own, or with ids that aren't root's. */
bool client_any_own_root(void);
bool client_any_user(void);

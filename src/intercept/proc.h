/* The container's /proc: whose a process is, and what its status file says of ids. */
#pragma once

#include "intercept/place.h"

#include <sys/stat.h>

/* The number that TID's process has in the innermost pid namespace it is in; -1 if it is gone. */
int proc_inner_pid(pid_t tid);

/*
 * The credentials of the process that the caller numbers PID (in the container's own pid namespace), with a reference,
 * or NULL; proc_cred_unref ends it (and leaves the caller's own, which R holds, alone).
 */
const struct cred *proc_cred_of(struct request *r, uint32_t pid);
void proc_cred_unref(struct request *r, const struct cred *c);

/* At the start: which device the container's /proc is. */
void proc_init(void);
/* Whether ST is of the container's /proc. */
bool proc_holds(const struct stat *st);
/* ST, which proc_holds, is what P leads to: gives it the owner that the process has. */
void proc_show_owner(const struct place *p, bool follow, struct stat *st);
/* For an open for reading of P: if it is a status file of a process, answers with its content as the container should see it; else ANSWER_CONTINUE. */
int proc_open_status(struct request *r, const struct place *p, bool cloexec);

/* The container's /proc: whose a process is, and what its files say of ids. */
#pragma once

#include "intercept/place.h"

#include <sys/stat.h>

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
/*
 * For an open for reading of P: if it is the file "status" or "limits" of a process, answers with its content as the container
 * should see it; else ANSWER_CONTINUE.
 */
int proc_open_shown(struct request *r, const struct place *p, bool cloexec);

/*
 * Making files for users other than root: the supervisor makes the file, by the caller's umask, and writes
 * its owner on it before the caller sees it. What root makes in an ordinary folder belongs to root:root as
 * it stands, so the kernel makes it.
 */
#pragma once

#include "intercept/place.h"

struct new_place {
	int dir;	   /* O_PATH of the folder; owned: -1 if there is none */
	const char *name;  /* within the struct place */
	uint32_t uid, gid; /* whose the new file is */
};

/*
 * Finds the folder and whose a new file in it is (fsuid; fsgid, or the folder's group if it is set-gid). 0 where we
 * have to make it, ANSWER_CONTINUE where the kernel does it right or finds the error.
 */
int create_prepare(struct request *r, const struct place *p, struct new_place *ret);
void create_done(struct new_place *n);
#define autonewplace CLEANUP(create_done)

/* Gives the worker the caller's umask for what it makes next. */
void create_use_umask(struct request *r);

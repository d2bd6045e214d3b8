/*
 * Interned credentials: each set that is in use has one number, which a process carries in its own
 * RLIMIT_LOCKS (client.h), so the kernel itself hands it on over fork, clone and exec.
 *
 * Sets are immutable. A set that no process carries is found by intern_collect and forgotten. Safe for
 * several threads.
 */
#pragma once

#include "intercept/cred.h"

enum { INTERN_MAX = 32768 };		 /* sets at a time */
enum { INTERN_GROUPS_MEMORY = 8 << 20 }; /* bytes for all their supplementary groups */

/* Empties the table and gives ROOT, which is copied, the number 0; it is never collected. 0 or -ENOMEM. */
int intern_init(const struct cred *root);

/*
 * The number of the set that equals C, made if needed; -EAGAIN if there are too many (the kernel's own
 * answer when it can't hold more credentials). *RET has a reference.
 */
int intern_add(const struct cred *c, const struct cred **ret);
/* The set of that number with a reference, or NULL if there is none. */
const struct cred *intern_get(uint32_t index);
void intern_unref(const struct cred *c);

/* True once enough sets have been added since the last collection that one is due. */
bool intern_wants_collection(void);
/*
 * Forgets the sets that IS_USED does not report. IS_USED marks with intern_mark all numbers that processes
 * carry and returns false if it could not find out. A set goes only when two collections in a row did
 * not find it used (one runs at a time): a process that was being forked may be missed by one.
 */
void intern_collect(bool (*mark_used)(void *arg), void *arg);
void intern_mark(uint32_t index);

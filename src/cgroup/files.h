/* Single files of a control group. Private to cgroup/. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Writes TEXT into DIR/FILE. 0 or a negative errno. */
int cgroup_put(const char *dir, const char *file, const char *text);
/* Its content, or a negative errno. */
int cgroup_get(const char *dir, const char *file, struct buf *text);
/* A file that is one number. "max" is UINT64_MAX. */
int cgroup_get_u64(const char *dir, const char *file, uint64_t *ret);
/* The number behind the word KEY at the beginning of a line of TEXT ("anon 4096"). False: it isn't there. */
bool cgroup_key_u64(const char *text, const char *key, uint64_t *ret);
/* Version 2: gives the controllers WANTED (by blanks) to DIR's children. -EBUSY: it has processes; -ENOENT: it lacks one itself. */
int cgroup_hand_on(const char *dir, const char *wanted);

/*
 * .dockerignore: which paths of a build's context are left out. The rules of docker's reference: a
 * pattern a line, cleaned as a path, '#' in the first column makes a comment, '!' takes back; what lies in
 * a folder that a pattern matches is matched with it; the last pattern that matches decides.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum { DOCKERIGNORE_MAX = 1024 * 1024, DOCKERIGNORE_PATTERNS_MAX = 10000 };

struct dockerignore_pattern;

struct dockerignore {
	struct dockerignore_pattern *items;
	size_t len, cap;
};

/* NAME stands for the file in errors (-EBADMSG with its line, -E2BIG). RET is to be released also on failure. */
int dockerignore_parse(const char *name, const char *text, size_t len, struct dockerignore *ret, struct err *err);
void dockerignore_done(struct dockerignore *di);
/* Whether PATH (relative, clean, '/' between components) is left out. */
bool dockerignore_excludes(const struct dockerignore *di, const char *path);
/* Whether something below the folder PATH may be taken in although PATH is left out: whether it must be read at all. */
bool dockerignore_may_include_below(const struct dockerignore *di, const char *path);

/* A walk through a whole tree: folders before what is in them, names in bytewise order. No link is followed. */
#pragma once

#include "base/err.h"
#include "layer/limits.h"
#include "layer/subject.h"

struct walk {
	/*
	 * S is at w->path; the root has "". Returns 1: into this folder; 0: on to the next. What stands behind path_len in
	 * path is the visitor's to use, with room for a whole name.
	 */
	int (*visit)(struct walk *w, struct subject *s, struct err *err);
	/* All that is in the folder at w->path has been visited. May be NULL. */
	int (*leave)(struct walk *w, struct err *err);
	void *arg;

	/* Set by walk_tree. */
	char path[LAYER_PATH_MAX + LAYER_NAME_MAX + 2];
	size_t path_len;
	int depth;   /* 0: the root */
	bool failed; /* the path is in the error already */
};

/* The working folder is changed. */
int walk_tree(struct walk *w, int tree_fd, struct err *err);

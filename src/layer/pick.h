/*
 * Chosen files of a tree, one by one: what COPY and HASH have in common. Paths are resolved inside the
 * tree's root, the last component is not followed. The working folder is changed.
 */
#pragma once

#include "base/err.h"
#include "codec/owner.h"
#include "layer/limits.h"

#include <stdbool.h>
#include <sys/stat.h>

struct picked {
	int fd; /* of a file or folder, readable; -1 for others */
	struct stat st;
	struct owner owner;	       /* with owners; type and device of a stand-in */
	const char *below;	       /* the path below what was asked for: "" for itself, "a/b" */
	char link[LAYER_PATH_MAX + 1]; /* target of a symbolic link, else "" */
};

/* The folder that the last path was in: most files of a list are in the same one as the one before. */
struct pick_parent {
	char *path; /* owned; NULL: none yet */
	int fd;
};
#define PICK_PARENT_INIT ((struct pick_parent){ .fd = -1 })
void pick_parent_done(struct pick_parent *p);

struct picker {
	int root_fd;		    /* borrowed */
	struct pick_parent *parent; /* borrowed; kept from one call to the next */
	bool recurse;
	bool owners; /* read owner attributes */
	/* Folders come before what is in them. */
	int (*each)(void *arg, const struct picked *p, struct err *err);
	void *arg;
};

/* PATH ("." for the root itself), and with recurse all below it in bytewise order. */
int pick(const struct picker *k, const char *path, struct err *err);

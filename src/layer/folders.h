/*
 * Folders that are not finished while something may still be put into them: their times, and a setgid
 * bit, which what is made in them would inherit, are set at the very end.
 */
#pragma once

#include "base/err.h"
#include "layer/tree.h"

#include <stddef.h>
#include <stdint.h>

struct pending_folder {
	char *path; /* owned */
	uint32_t mode;
	uint32_t mtime_nsec;
	int64_t mtime;
};

struct folders {
	struct pending_folder *items; /* owned */
	size_t len, cap;
};

/* PATH is copied; it is as tree_open_parent takes it. */
int folders_add(struct folders *f, const char *path, uint32_t mode, int64_t mtime, uint32_t mtime_nsec,
		struct err *err);
/* Sets what was left. Folders that are something else by now are passed over. */
int folders_finish(const struct folders *f, struct tree *t, struct err *err);
void folders_done(struct folders *f);

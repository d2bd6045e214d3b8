/* A file of a tree, as the record of a tree has it (codec/tree_record.h). */
#pragma once

#include "codec/tree_record.h"
#include "layer/inodes.h"
#include "layer/limits.h"
#include "layer/subject.h"

struct describer {
	struct attributes attrs;
	struct inodes inodes;
	uint8_t *room; /* owned */
	char link[LAYER_PATH_MAX + 1];
};

int describer_init(struct describer *d, struct err *err);
void describer_done(struct describer *d);
/*
 * All but the content. 1; or 0: no layer can hold it (a socket), or it stands for nothing (an overlay's whiteout). PATH and
 * strings of RET are borrowed until the next call. Times and sizes of folders' own, which follow from what is in them, are 0.
 */
int describe(struct describer *d, const struct subject *s, const char *path, struct tree_record_entry *ret,
	     struct err *err);
/* The content of what was described as a file, which is read to its end. */
int describe_content(struct describer *d, const struct subject *s, uint64_t *ret, struct err *err);

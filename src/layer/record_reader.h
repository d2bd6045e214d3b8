/* The record of a tree, read line by line; its order is checked on the way. */
#pragma once

#include "codec/tree_record.h"

struct record_reader {
	int fd; /* borrowed */
	struct tree_record_time made;
	struct tree_record_entry entry; /* the current one, if not `ended` */
	bool ended;
	uint64_t lines;
	struct buf text, line; /* what was read and not used; the current line */
	size_t used;
	char last[TREE_RECORD_PATH_MAX + 1];
};

/* Reads up to the first entry, the root. -EBADMSG. Released also after an error. */
int record_reader_open(struct record_reader *r, int fd, struct err *err);
void record_reader_done(struct record_reader *r);
int record_reader_next(struct record_reader *r, struct err *err);

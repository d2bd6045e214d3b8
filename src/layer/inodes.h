/* Files with several names: the name under which each was met first. */
#pragma once

#include "base/buf.h"

#include <stdint.h>
#include <sys/types.h>

struct inode_slot {
	dev_t dev;
	ino_t ino;
	uint32_t name_at; /* in names, plus one; 0: the slot is free */
};

struct inodes {
	struct inode_slot *slots; /* owned; a power of two, at most half full */
	size_t cap, len;
	struct buf names; /* NUL-terminated, one behind the other */
};

void inodes_init(struct inodes *i);
void inodes_done(struct inodes *i);
/* 1: met before, *RET_NAME is the first name, borrowed until the next call. 0: now noted as NAME. -ENOMEM, -E2BIG. */
int inodes_meet(struct inodes *i, dev_t dev, ino_t ino, const char *name, const char **ret_name);

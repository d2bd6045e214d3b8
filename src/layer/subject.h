/* A file of a tree as a walk meets it, and what its attributes say. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "codec/owner.h"
#include "codec/tar.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* FD (readable), or where that is -1 NAME in the working folder. */
struct subject {
	int fd;
	const char *name;
	struct stat st;
};

/* Opens what can be opened and looks at it. Links, nodes and sockets are only looked at. TYPE: DT_*; the caller closes ret->fd. */
int subject_open(int dir_fd, const char *name, uint8_t type, struct subject *ret, struct err *err);

enum { ATTRIBUTES_LIST_ROOM = 65536 };

/* Of one file at a time. */
struct attributes {
	struct tar_xattr items[TAR_XATTRS_MAX]; /* those that a layer carries, sorted by name */
	size_t len;
	bool has_owner; /* the file says whom it belongs to: codec/owner.h */
	struct owner owner;
	bool opaque; /* an overlay's mark */
	struct buf values;
	char list[ATTRIBUTES_LIST_ROOM];
};

void attributes_init(struct attributes *a);
void attributes_done(struct attributes *a);
/*
 * What S has. MARKS: the tree is an overlay's upper folder, whose marks are taken; one that makes it more than its content
 * is refused (-EOPNOTSUPP).
 */
int attributes_read(struct attributes *a, const struct subject *s, bool marks, struct err *err);

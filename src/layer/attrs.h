/*
 * Owners, attributes, permission bits and times of a file that was just made, in the order in which they
 * don't undo each other: owner (a chown strips suid and capabilities), our attribute, the archive's
 * attributes, bits, times.
 */
#pragma once

#include "base/err.h"
#include "codec/owner.h"
#include "codec/tar.h"
#include "layer/tree.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* How a tree's owners are kept, and what could not be kept. */
struct attrs_policy {
	bool single;	   /* one id is mapped: owners are attributes */
	bool no_owners;	   /* everything is 0:0 */
	bool always_chown; /* what is made may not belong to 0:0 by itself (a folder with setgid) */
	uint64_t lost_xattrs, lost_owners;
};

/* The file: FD (not O_PATH), or NAME in DIR_FD where FD is -1. */
struct attrs_target {
	int fd, dir_fd;
	const char *name;
	mode_t type; /* S_IFMT bits of the inode */
};

/* Owner; DEVICE says what a stand-in stands for, NULL if it is none. */
int attrs_set_owner(struct attrs_policy *p, struct tree *t, const struct attrs_target *at, uint32_t uid, uint32_t gid,
		    const struct owner *device, struct err *err);
/* The archive's attributes, without those that are ours, the overlay's, or not allowed here. */
int attrs_set_xattrs(struct attrs_policy *p, struct tree *t, const struct attrs_target *at,
		     const struct tar_xattr *xattrs, size_t len, struct err *err);
/* One attribute of ours; an error if it can't be. */
int attrs_set_own(struct tree *t, const struct attrs_target *at, const char *name, const void *value, size_t len,
		  struct err *err);
int attrs_set_mtime(const struct attrs_target *at, int64_t sec, uint32_t nsec, struct err *err);

/* True for attributes that an archive may not bring and that no layer carries: ours and the overlay's. */
bool attrs_is_private(const char *name);

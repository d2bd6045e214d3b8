/*
 * What COPY and ADD take from a context: sources with wildcards become a list of files and folders, in an
 * order that depends on nothing but the context, without what .dockerignore leaves out.
 *
 * Along the way a signature is collected: names, kinds, modes, and for files what the kernel says of them
 * (device, inode, size, mtime, ctime). While it stays the same, so does the content, so that it needn't be
 * read again to see that a cached step still fits.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "codec/dockerignore.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SOURCES_MAX = 2 * 1024 * 1024, SOURCES_DEPTH_MAX = 256 }; /* entries of one instruction; folders in folders */

/* What one source word, or one match of it, stands for. */
struct source_root {
	char *path; /* below the context, links resolved; "." for the context itself; owned */
	char *name; /* its last component as it was written; owned */
	bool is_dir;
};

struct source_entry {
	char *path;  /* below the context; owned */
	size_t root; /* index of the root it belongs to */
	bool is_dir;
};

struct sources {
	struct source_root *roots;
	size_t roots_len, roots_cap;
	struct source_entry *entries; /* a folder comes before what is in it */
	size_t entries_len, entries_cap;
	struct buf signature;
	int64_t newest_ns; /* latest ctime met, ns since 1970 */
	uint64_t bytes;	   /* of all regular files */
	bool shallow;	   /* set before the first one is added: folders are listed, not what is in them */
};

#define SOURCES_INIT ((struct sources){ .signature = BUF_INIT(512 * 1024 * 1024) })
void sources_done(struct sources *s);

/*
 * Adds what PATTERN names in the folder CONTEXT_FD. IGNORE may be NULL. A plain name that isn't there, or is left
 * out: -ENOENT; a pattern may match nothing. Nothing outside of the context is ever read.
 */
int sources_add(struct sources *s, int context_fd, const struct dockerignore *ignore, const char *pattern,
		struct err *err);

/* Adds a root, with itself as its only entry, that was found elsewhere (and no signature). */
int sources_add_found(struct sources *s, const char *path, const char *name, bool is_dir, struct err *err);

/* Whether the destination as it was written names a folder: it ends with a slash, or is "." or "..". */
bool sources_dest_is_dir(const char *dest);

/*
 * Where entry AT goes, as an absolute path in the image: DEST is absolute and clean; INTO says that it is a folder
 * into which files go by their names. The caller owns the result; NULL without memory.
 */
char *sources_dest(const struct sources *s, size_t at, const char *dest, bool into);

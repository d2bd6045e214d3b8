/*
 * A tree of folders that archive entries are written to. Names come from outside: they are cleaned
 * (tree_clean_name) and then resolved by openat2 from the root, so that nothing outside can be reached,
 * whatever links the archive has made before. Folders that were opened are kept in a small cache.
 */
#pragma once

#include "base/err.h"
#include "layer/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	TREE_CACHE = 128,
	TREE_LINKS_MAX = 40, /* as the kernel: path_resolution(7) */
};

struct tree_folder {
	int fd; /* O_PATH */
	uint32_t hash;
	char *path; /* owned; NULL: the slot is free */
};

struct tree {
	int root_fd; /* borrowed */
	/*
	 * Links: as in a container whose root this is (an archive is unpacked into an existing root), or only
	 * those that stay below (a new tree).
	 */
	bool in_root;
	const char *prefix; /* borrowed; in the root, before all names; "" for none */
	int cwd_fd;	    /* where fchdir has been; not owned */
	/* Called for each parent that was missing and has been made. May be NULL. */
	int (*on_make)(void *arg, int parent_fd, const char *name, struct err *err);
	void *on_make_arg;
	int links;	     /* that led nowhere and are being followed, one behind the other */
	bool removed_folder; /* a folder was replaced: earlier paths may now be something else */
	struct tree_folder cache[TREE_CACHE];
};

void tree_init(struct tree *t, int root_fd, bool in_root, const char *prefix);
void tree_done(struct tree *t);

/*
 * RAW without "./", double and trailing slashes; "" is the root itself. EBADMSG: absolute, or has "..";
 * E2BIG: over the limits of a path.
 */
int tree_clean_name(const char *raw, char dst[static LAYER_PATH_MAX + 1], struct err *err);

/*
 * The folder PATH (LEN bytes of a cleaned name), made with its parents if missing. The descriptor is
 * borrowed until the next call.
 */
int tree_open_folder(struct tree *t, const char *path, size_t len, struct err *err);
/* The folder that holds NAME (cleaned); *RET_BASE is its last component, "." for the root itself. */
int tree_open_parent(struct tree *t, const char *name, const char **ret_base, struct err *err);
/* Whatever NAME is in DIR_FD goes away, and the cache forgets what may be stale. */
int tree_remove(struct tree *t, int dir_fd, const char *name, struct err *err);
/* Makes DIR_FD the working folder, for calls on attributes, which know no *at form in older kernels. */
int tree_enter(struct tree *t, int dir_fd, struct err *err);

/*
 * Where a path of a container's call leads, as one path that the supervisor can use itself.
 *
 * The supervisor's root is the container's, its working folder the /proc that its own process numbers
 * belong to. So
 *
 *     an absolute path          is used as it is
 *     a relative one            becomes TID/cwd/PATH or TID/fd/N/PATH
 *     a descriptor              becomes TID/fd/N, which is followed
 *     /proc/self/fd/N, /dev/fd/N, /dev/stdin …   become TID/fd/N: self would be ourselves
 *
 * and a caller with a root of its own is joined there for the length of the call (chroot to TID/root and
 * back). The outer /proc can't be reached by a path of the caller: what is put in front ends in a link
 * that leads away from it, and its remainder is only what comes behind.
 *
 * What a handler can't resolve it lets the kernel do (ANSWER_CONTINUE), which then finds the error, or
 * finds what only the caller's own view has.
 */
#pragma once

#include "intercept/request.h"

#include <limits.h>

struct place {
	struct request *request;
	bool entered;	      /* the worker's root is the caller's at the moment */
	bool is_descriptor;   /* leads through TID/fd/N itself, so it is followed in any case */
	bool is_renamed;      /* another name of a descriptor, as /dev/stdout: nothing can be made in its place */
	char asked[PATH_MAX]; /* as the caller wrote it */
	char path[PATH_MAX];  /* for us */
};

/*
 * The path string at ADDRESS relative to DIRFD. An empty one is DIRFD itself if MAY_BE_EMPTY (AT_EMPTY_PATH; ADDRESS may then
 * be 0), else -ENOENT. -EFAULT, -ENAMETOOLONG. Whatever the result, place_done ends it.
 */
int place_init(struct place *p, struct request *r, int dirfd, uint64_t address, bool may_be_empty);
/* The same for a string that is here already; it isn't empty. */
int place_init_string(struct place *p, struct request *r, int dirfd, const char *path);
/* A descriptor of the caller. */
int place_init_fd(struct place *p, struct request *r, int fd);
void place_done(struct place *p);
/* Large, and filled in as far as it is used: not to be zeroed at each call. */
#define autoplace CLEANUP(place_done) __attribute__((uninitialized))
#define PLACE_EMPTY(p) ((p)->request = NULL, (p)->entered = false)

/* An O_PATH descriptor of what P leads to. Negative errno. */
int place_open(const struct place *p, bool follow);
/*
 * An O_PATH descriptor of the folder that P's last component is in; *RET_NAME is that component, within P. -EINVAL
 * if there is none ("/", "..", a descriptor by whatever name).
 */
int place_open_parent(const struct place *p, const char **ret_name);

enum { FD_PATH_MAX = 32 };
/* "self/fd/FD": our own descriptor as a path. */
void place_fd_path(int fd, char dst[static FD_PATH_MAX]);

/* At the start: remembers our root, to come back to it. 0 or negative errno. */
int place_init_root(void);

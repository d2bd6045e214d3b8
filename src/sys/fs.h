/*
 * The file system, as this project uses it. Two rules hold here so that they hold everywhere:
 * a path that comes from an image or a container is resolved by fs_open_in_root and nothing else, and
 * what must last is written aside and renamed.
 *
 * All functions return 0 or more, or a negative errno; with an ERR they say on which path they failed.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/*
 * Opens /dev/null for those of descriptors 0, 1 and 2 that are closed, so that nothing of ours gets such a number and is
 * taken for someone's standard input. The first thing that a program does.
 */
void fs_hold_standard_fds(void);

/*
 * Opens PATH (absolute or relative, any symbolic links) as seen by a process whose root is ROOT_FD:
 * nothing outside can be reached, magic links of procfs are refused (openat2, RESOLVE_IN_ROOT |
 * RESOLVE_NO_MAGICLINKS). O_CLOEXEC is added. Returns the descriptor.
 */
int fs_open_in_root(int root_fd, const char *path, int flags, mode_t mode, struct err *err);
/* As above, and no symbolic link may be met on the way (RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS); PATH is relative. */
int fs_open_beneath(int dir_fd, const char *path, int flags, mode_t mode, struct err *err);
/* As above, but links are followed as long as they stay below DIR_FD (RESOLVE_BENEATH); -EXDEV if one leads out. */
int fs_open_beneath_follow(int dir_fd, const char *path, int flags, mode_t mode, struct err *err);

/* Whole file of at most MAX bytes into BUF (over that: -E2BIG). DIR_FD may be AT_FDCWD. */
int fs_read_file(int dir_fd, const char *path, size_t max, struct buf *buf, struct err *err);
int fs_read_fd(int fd, size_t max, struct buf *buf, struct err *err);
/* All of it, through interruptions and short writes. */
int fs_write_all(int fd, const void *data, size_t len, struct err *err);

/* A whole new file, written in place: -EEXIST if there is one. MODE is exact, whatever the umask. */
int fs_write_new(int dir_fd, const char *path, const void *data, size_t len, mode_t mode, struct err *err);

enum fs_write_flags {
	FS_SYNC = 1,	  /* file and folder are on disk when it returns */
	FS_EXCLUSIVE = 2, /* -EEXIST instead of replacing */
};
/* A whole file, written aside in the same folder and renamed: readers see the old content or the new. */
int fs_write_file(int dir_fd, const char *path, const void *data, size_t len, mode_t mode, int flags, struct err *err);

/* mkdir -p; existing folders are fine. Returns 0. */
int fs_make_dirs(int dir_fd, const char *path, mode_t mode, struct err *err);
/* fs_make_dirs, then an O_PATH|O_DIRECTORY-free (readable) descriptor of the folder. */
int fs_open_dir_make(int dir_fd, const char *path, mode_t mode, struct err *err);

/*
 * Removes PATH and all below it. Never follows a symbolic link, never crosses onto another file system
 * or mount point (-EXDEV), makes unreadable folders of our own readable first, keeps going where it can
 * and then reports the first failure. What isn't there is fine.
 */
int fs_remove_tree(int dir_fd, const char *path, struct err *err);

/* flock on PATH, which is created (0600) if missing. Shared or exclusive; NONBLOCK: -EWOULDBLOCK if held. Returns the descriptor: close = unlock. */
int fs_lock(int dir_fd, const char *path, bool exclusive, bool nonblock, struct err *err);

/* The bytes of IN from the current offset to the end to OUT: reflink, else copy_file_range, else read and write; holes are kept where both are files. Returns 0. */
int fs_copy_data(int in, int out, uint64_t size, struct err *err);

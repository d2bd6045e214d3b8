/*
 * A file with its true owner: stat and attribute in one, and the table of those that can't hold an attribute
 * (pipes, sockets, terminals, files of file systems without user attributes).
 *
 * Paths are the supervisor's own (place.h). Those that end in a link of /proc (TID/fd/N, self/fd/N) have to be
 * followed to get to the file.
 */
#pragma once

#include "codec/owner.h"

#include <stdbool.h>
#include <sys/stat.h>

struct file {
	struct stat st; /* as it is on disk */
	struct owner owner;
};

/* 0 or negative errno. */
int file_look(const char *path, bool follow, struct file *ret);
/* The same of an O_PATH or other descriptor of ours. */
int file_look_fd(int fd, struct file *ret);
/* The owner alone, of a file whose stat is known. An attribute that can't be read or understood counts as none. */
void file_get_owner(const char *path, bool follow, const struct stat *st, struct owner *ret);

/* Sets the owner; FILE is what file_look_fd gave for FD, and is brought up to date. 0, -EROFS, -ENOSPC …. */
int file_set_owner_fd(int fd, struct file *file, const struct owner *owner);
/* The same for a symbolic link or another node NAME in the folder DIR_FD that was made just now. */
int file_set_owner_at(int dir_fd, const char *name, const struct owner *owner);

/* 0 if the file has no attribute: it is root's, if it isn't one that holds none (file_any_aside). -ERANGE if it has any; -ENOENT …. */
int file_has_attributes(const char *path, bool follow);
/* True once a file that holds no attribute has been given an owner. */
bool file_any_aside(void);

/* True once the stand-in of a device has been made or seen. */
bool file_any_stand_in(void);

/* Puts the owner, and a stand-in's type and number, into ST. */
void file_show(const struct owner *owner, struct stat *st);

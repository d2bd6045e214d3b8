/*
 * Whiteouts: the marks in an unpacked layer of what it deletes.
 *
 * The overlay's own are character devices 0:0. On a store that lies on an overlay itself (the root file system of a
 * container) the kernel lets nobody make those. There no overlay can be mounted either, so that only our own code reads
 * the layers, and a stand-in does: a socket that nobody may open with a modification time of its own. Archives can't
 * bring sockets, and what a container makes of this form hides what it could have deleted.
 *
 * A store that has stand-ins must never mount its layers as an overlay, wherever it is moved: store_set_copies_only.
 */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

bool whiteout_is(const struct stat *st);
bool whiteout_is_stand_in(const struct stat *st);
/*
 * Makes one; NAME must not exist (-EEXIST). Returns 0: an overlay's own; 1: a stand-in, which has its time already; or
 * a negative errno.
 */
int whiteout_make(int dir_fd, const char *name);

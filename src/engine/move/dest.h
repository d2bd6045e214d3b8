/*
 * Where an image is written to: blobs first, then what leads to them, and last what makes all of it count. Until dest_finish
 * a reader of the place finds what was there before.
 *
 * Our own store and docker-archive: are no such places: what goes there is unpacked on the way (into_store.h).
 */
#pragma once

#include "engine/move/source.h"

struct dest;

struct dest_blob {
	uint64_t transfer;
	bool is_under_way;
	const struct descriptor *descriptor; /* borrowed */
};

struct dest_ops {
	/* 1: the place has it already (MOUNT_FROM: a repository of the same registry that has it; NULL: none). */
	int (*has)(struct dest *d, const struct descriptor *blob, const char *mount_from, struct err *err);
	/* Writes the file FD, or begins to. */
	int (*start)(struct dest *d, const struct descriptor *blob, int fd, struct dest_blob *ret, struct err *err);
	/* IS_TOP: what the place is to name; else something that an index leads to. */
	int (*put)(struct dest *d, const struct document *doc, bool is_top, struct err *err);
	int (*finish)(struct dest *d, struct err *err);
};

struct dest {
	const struct dest_ops *ops;
	struct place place;
	struct remote remote;

	/* Folders. oci-archive: is one until it is packed. */
	int dir_fd;
	char *folder;	     /* its path; owned */
	char *aside;	     /* oci-archive: folder that is removed at the end; owned */
	struct strv members; /* oci-archive: what is in it */
};

/* PLACE is taken over. */
int dest_open(struct place *place, const struct remote_options *options, struct dest *ret, struct err *err);
/* Removes what was not finished. */
void dest_done(struct dest *d);
#define autodest CLEANUP(dest_done)

int dest_has_blob(struct dest *d, const struct descriptor *blob, const char *mount_from, struct err *err);
int dest_start_blob(struct dest *d, const struct descriptor *blob, int fd, struct dest_blob *ret, struct err *err);
int dest_wait_blob(struct dest *d, struct dest_blob *b, struct err *err);
int dest_put(struct dest *d, const struct document *doc, bool is_top, struct err *err);
int dest_finish(struct dest *d, struct err *err);
/* 1: the place names exactly this document already, with all that it leads to. */
int dest_is_unchanged(struct dest *d, const struct digest *top);

/* --- dest_layout.c --- */
int dest_open_layout(struct dest *d, struct err *err);

/*
 * Which files of a tree go into a layer, when not all of them do: what a first walk found, for the second one that writes. Files have
 * the numbers in which a walk (walk.h) meets them, the root 0.
 */
#pragma once

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct choice {
	uint32_t hash;	 /* of its path, to notice that the tree has changed meanwhile */
	uint32_t parent; /* the folder it is in; its own for the root */
	uint32_t next;	 /* behind all that is in it */
	bool wanted;
};

/* A name that the folder has lost. */
struct deletion {
	uint32_t folder, name_at; /* in names */
};

struct choices {
	struct choice *items; /* owned */
	size_t len, cap;
	struct deletion *deletions; /* owned; by folder, then as they were added */
	size_t deletions_len, deletions_cap;
	struct buf names;
	bool root_changed;
};

void choices_init(struct choices *c);
void choices_done(struct choices *c);
/* The next file; its number, -ENOMEM, or -E2BIG. */
int64_t choices_add(struct choices *c, const char *path, uint32_t parent);
/* The folders that a wanted file is in are wanted as well. */
void choices_want(struct choices *c, uint32_t number);
/* NAME is no longer in FOLDER, which thereby is wanted. 0 or -ENOMEM, -E2BIG. */
int choices_delete(struct choices *c, uint32_t folder, const char *name);
/* After the walk, before the next three. */
void choices_sort(struct choices *c);

/* What the first walk found for number AT, if it was PATH; NULL: the tree has changed. */
const struct choice *choices_at(const struct choices *c, size_t at, const char *path);
/* Deletion I (counted from 0) of FOLDER; NULL: there are no more. */
const char *choices_deletion(const struct choices *c, uint32_t folder, size_t i);

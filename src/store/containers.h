/*
 * Where containers live: containers/<id>/, containers/by-name/<name> -> ../<id>. What is in them is the
 * engine's; here is what the collector and all commands must agree on.
 */
#pragma once

#include "base/vec.h"
#include "store/image.h"
#include "store/store.h"

enum { CONTAINER_ID_MAX = 65 }; /* 64 hex digits and NUL */

/* A new random ID. */
void container_new_id(char dst[static CONTAINER_ID_MAX]);
/*
 * Makes containers/<id>/ (0700) with its file "roots", which keeps IMG (NULL: none) and its layers from
 * the collector, and takes NAME (NULL: none), which fails with -EEXIST if another container has it.
 * Returns a descriptor of the folder. Not synced: this is the start path.
 */
int container_make(struct store *s, const char *id, const char *name, const struct store_image *img, struct err *err);
/* Gives NAME to the container ID, whatever other names it has: -EEXIST if another has it. */
int container_take_name(struct store *s, const char *id, const char *name, struct err *err);
/* Takes NAME away. Fine if it isn't there. */
int container_drop_name(struct store *s, const char *name, struct err *err);
/* By name, ID, or the beginning of an ID that is unique. -ENOENT with a hint. */
int container_find(struct store *s, const char *text, char ret_id[static CONTAINER_ID_MAX], struct err *err);
/* A descriptor of containers/<id>/. */
int container_open(struct store *s, const char *id, struct err *err);
/* All IDs, in no order. */
int containers_list(struct store *s, struct strv *ret, struct err *err);
/* Gives the name free and moves the folder to trash/; the caller has made sure that it is not running and nothing is mounted there. */
int container_trash(struct store *s, const char *id, const char *name, struct err *err);

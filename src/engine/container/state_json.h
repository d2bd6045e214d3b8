/* The small JSON files of a container's folder. Private to engine/container. */
#pragma once

#include "oci/json.h"

#include <time.h>

enum { STATE_JSON_MAX = 1 << 20 };

/* A new file, written in place: a reader that meets it half-written sees a container that is just being made. */
int state_write(int dir_fd, const char *name, const json_t *object, struct err *err);
int state_read(int dir_fd, const char *name, json_t **ret, struct err *err);
/* A time that is zero is left out, and missing ones stay as they are. */
int state_add_time(json_t *object, const char *key, const struct timespec *t);
int state_get_time(const struct json_at *at, const char *key, struct timespec *ret, struct err *err);

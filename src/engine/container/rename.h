/* Another name for a container, whether it runs or not. */
#pragma once

#include "base/err.h"
#include "store/store.h"

/* -EEXIST: another container has that name. -EINVAL: it is none. Nothing but the name changes. */
int container_rename(struct store *s, const char *id, const char *name, struct err *err);

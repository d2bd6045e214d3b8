/* Changing the limits of a container, running or not. */
#pragma once

#include "base/err.h"
#include "oci/resources.h"
#include "store/store.h"

/*
 * Lets CHANGE work on the limits of container ID, applies them to its processes if it runs, and then writes them into its
 * config.json, which the next start obeys. If the machine refuses one, config.json stays as it was. Two such calls at once come one after the other.
 */
int container_update_limits(struct store *s, const char *id,
			    int (*change)(struct oci_resources *r, const void *arg, struct err *err), const void *arg,
			    struct err *err);

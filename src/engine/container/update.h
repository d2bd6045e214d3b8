/* Changing the limits of a container, running or not. */
#pragma once

#include "base/err.h"
#include "monitor/restart.h"
#include "oci/resources.h"
#include "store/store.h"

/*
 * Lets CHANGE work on the limits of container ID, applies them to its processes if it runs, and then writes them into its
 * config.json, which the next start obeys. If the machine refuses one, config.json stays as it was. Two such calls at once come one after the other.
 */
int container_update_limits(struct store *s, const char *id,
			    int (*change)(struct oci_resources *r, const void *arg, struct err *err), const void *arg,
			    struct err *err);

/*
 * Sets when the container is started again: in its record for later lives, and in the file `policy` for the monitor of this
 * one, which reads it when the life ends. -EINVAL: it is removed at its end.
 */
int container_update_restart(struct store *s, const char *id, enum restart_policy policy, int64_t max, struct err *err);

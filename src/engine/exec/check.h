/* One health check of a container that runs, for its monitor. */
#pragma once

#include "base/err.h"
#include "store/store.h"

/* Runs the check in the container ID; its output is ours. Returns its exit code: 0, or not. */
int run_monitored_check(const struct store_options *store, const char *id, struct err *err);

/* Commands that do the same to each of several containers: `stop`, `kill`, `rm` … */
#pragma once

#include "base/err.h"
#include "base/vec.h"
#include "store/containers.h"
#include "store/store.h"

/* Opens the store that the global options name. */
int cli_open_store(struct store **ret, struct err *err);

/*
 * Calls DO_ONE for each of NAMES, found by name or ID, and prints the name (unless SILENT) where it succeeds, as docker does; errors are
 * printed for each, after COMMAND. Returns the command's exit code: 0, or 1 if any failed.
 */
struct each {
	const char *command;
	bool silent;
	int (*do_one)(struct store *s, const char *id, const char *name, void *arg, struct err *err);
	void *arg;
};
int cli_for_each(struct store *s, const struct each *each, const struct strv *names);

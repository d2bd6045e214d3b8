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
/* Of commands that deal with several at once, so many are under way together. */
enum { EACH_WINDOW = 64 };

/* Says what became of one: its name or, if R is negative, the error. Returns 0 or, if that is so, 1. */
int cli_each_result(const struct each *each, const char *name, int r, struct err *err);
int cli_for_each(struct store *s, const struct each *each, const struct strv *names);

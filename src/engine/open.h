/* What every use case starts with: whose ids, which store. */
#pragma once

#include "base/cleanup.h"
#include "base/err.h"
#include "store/store.h"
#include "sys/idmap.h"

struct engine {
	struct idmap ids;
	struct store *store;
};

/* ROOT and RUNROOT may be NULL: the usual places (struct store_options). */
int engine_open(const char *root, const char *runroot, struct engine *ret, struct err *err);
/* Closes the store. */
void engine_done(struct engine *e);
#define autoengine CLEANUP(engine_done)

/*
 * The end of a command that changed images: removes what it left in tmp/ and trash/, and collects if FORCE or
 * if another command asked for it. What goes wrong here is no fault of the command's and is met again next time.
 */
void engine_tidy(struct engine *e, bool force);

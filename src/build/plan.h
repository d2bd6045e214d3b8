/*
 * What a Dockerfile asks for: its stages, how they lean on one another, and which of them the target needs.
 * Nothing is looked up outside of the file here.
 */
#pragma once

#include "base/err.h"
#include "base/vec.h"
#include "codec/dockerfile.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { PLAN_STAGES_MAX = 1000 };

struct plan_stage {
	size_t from;	    /* index of its FROM */
	size_t end;	    /* index behind its last instruction */
	char *name;	    /* as in AS; NULL: none; owned */
	char *base;	    /* what FROM names, expanded; owned */
	ssize_t base_stage; /* the stage that this is; -1: an image, or scratch */
	bool scratch;
	bool needed; /* the target is this stage or leans on it */
};

struct plan {
	const struct dockerfile *df; /* borrowed */
	struct strv globals;	     /* ARGs before the first FROM, and those that are always there: "NAME=value" */
	struct plan_stage *stages;
	size_t stages_len, target;
};

struct plan_options {
	const struct strv *build_args; /* "NAME=value" */
	const char *target;	       /* name or number of a stage; NULL: the last */
	const char *platform;	       /* of this machine: "linux/amd64" */
};

/*
 * DF is borrowed as long as RET lives. RET is to be released also on failure. Errors: -EBADMSG at the place
 * in the file; -ENOENT for a target that isn't there; -EOPNOTSUPP, at the place, for what is known and not
 * there yet, in a stage that is needed.
 */
int plan_make(const struct dockerfile *df, const struct plan_options *options, struct plan *ret, struct err *err);
void plan_done(struct plan *p);

/* The stage before stage BEFORE that TEXT means in COPY --from or FROM: by name or (BY_NUMBER) number; -1: none. */
ssize_t plan_find_stage(const struct plan *p, size_t before, const char *text, bool by_number);

/*
 * -EOPNOTSUPP, at its place, if the instruction asks for something of docker's reference that isn't there yet;
 * -EBADMSG for flags with values that the reference doesn't know.
 */
int plan_check_supported(const struct dockerfile *df, const struct dockerfile_instruction *in, struct err *err);

/* What one build holds from its beginning to its end. Private to build*.c. */
#pragma once

#include "build/key.h"
#include "build/plan.h"
#include "build/vars.h"
#include "codec/dockerfile.h"
#include "codec/dockerignore.h"
#include "engine/build/build.h"
#include "engine/build/context.h"
#include "engine/build/layers.h"
#include "engine/merged_root.h"
#include "store/image.h"
#include "store/store.h"
#include "sys/idmap.h"

#include <time.h>

/* A stage under way, or finished. */
struct build_state {
	bool done;
	struct store_image image; /* configuration and layers so far; no digests of its own */
	struct strv args;	  /* ARG in scope: "NAME=value" */
	bool cmd_is_own;
	char created[TIME_RFC3339_MAX]; /* when the last step was carried out; "": before any */
	size_t step, steps;		/* numbers in the progress */
};

struct build_session {
	const struct build_options *options;
	const struct build_events *events;
	struct build_result *result;
	struct idmap ids;
	struct store *store;
	struct build_context context;
	struct dockerfile df;
	struct plan plan;
	struct build_state *states; /* one a stage of the plan */
	size_t states_len;
	struct build_layers layers;
	struct strv used_args;	    /* names of --build-arg that something asked for */
	char now[TIME_RFC3339_MAX]; /* the build's time, or SOURCE_DATE_EPOCH */
	bool told_of_copies;
	/* hosts, hostname, resolv.conf for RUN; NULL until the first with such a network */
	char *files_dir, *private_files_dir;
};

/* An instruction being carried out, and where it is from: the Dockerfile, or an image's ONBUILD. */
struct build_at {
	struct build_session *s;
	struct build_state *state;
	size_t stage; /* index in the plan */
	const struct dockerfile *df;
	const struct dockerfile_instruction *in;
	struct vars vars;
	size_t layers; /* that the stage had before it */
};

/* Fills in ERR at the instruction's place. */
#define build_fail(at, offset, err, code, ...)                                                                         \
	dockerfile_error((at)->df, (at)->in, (offset), (err), (code), __VA_ARGS__)

/* The line of the progress that is under way. */
struct build_timer {
	struct build_step step;
	char stage[96];
	char *text; /* owned */
	uint64_t start_us;
};
/* Starts the clock; nothing is shown yet. */
int build_step_begin(struct build_session *s, const struct build_state *state, size_t stage, const char *text,
		     struct build_timer *t, struct err *err);
/* The step wasn't found in the cache: its work begins. */
void build_step_work(struct build_session *s, struct build_timer *t);
void build_step_end(struct build_session *s, struct build_timer *t, int result);
void build_notice(const struct build_session *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The image that FROM or --from names; brought from its registry where the options say so. */
int build_find_image(struct build_session *s, const char *name, struct store_image *ret, struct err *err);

/* Carries out a stage whose parents are done. */
int build_stage_run(struct build_session *s, size_t stage, struct err *err);

/* Instructions that change files; each adds at most one layer and one line of history. */
int build_run(struct build_at *at, struct err *err);
int build_copy(struct build_at *at, struct err *err);
int build_workdir(struct build_at *at, struct err *err);

/* --- steps that may make a layer (build_step.c) --- */

/* Begins a step's key: what it is, and the layers below (unless it leans on none). */
void build_key_begin(const struct build_at *at, const char *what, bool with_parents, struct key *k);
/* 1: the step was made before, and its layer is added; 0: not. */
int build_step_find(struct build_at *at, const struct digest *key, struct err *err);
/*
 * Makes the parents' layers ready and an upper folder, calls FN, and turns the folder into a layer, unless FN returns 0:
 * nothing was changed. What was made is remembered for KEY, which FN may set. With BUILD_MADE_BEFORE it has found the step in
 * the cache after all, and what it made is dropped; that is 1 then.
 */
enum { BUILD_MADE_BEFORE = 2 };
typedef int (*build_make_fn)(struct build_at *at, struct build_upper *u, void *arg, struct err *err);
int build_step_make(struct build_at *at, const struct digest *key, build_make_fn fn, void *arg, struct err *err);
/* An overlay of the stage's layers (or of none, WITHOUT_PARENTS) with the step's folder, to work in. */
int build_step_root(struct build_at *at, struct build_upper *u, bool without_parents, const char *probe,
		    struct merged_root *ret, struct err *err);

/* What the step has made is found by KEY too. */
int build_step_alias(struct build_at *at, const struct digest *key, struct err *err);

struct run_user;
/* SPEC ("user", "user:group", numbers or names of the image, which ROOT_FD leads to). The caller releases RET. */
int build_find_user(int root_fd, const char *spec, struct run_user *ret, struct err *err);

/* The line of history for what was done: whether it made a layer is seen from the stage. */
int build_history(const struct build_at *at, const char *created_by, struct err *err);

/*
 * `cloche build`: from a context and a Dockerfile to an image.
 *
 * Theory of operation. The stages that the target leans on are carried out one after the other. A stage's file
 * system is a list of layers; an instruction that changes files gets an overlay of them with an empty upper
 * folder, and afterwards that folder *is* the new layer: the layer helper walks it once for tar, digests and
 * compression, and it is renamed to its place in layers/, so nothing is ever unpacked again. Instructions that
 * change only the configuration cost nothing.
 *
 * Before a step runs, its key is looked up (build_cache.h). What was made is put in place in batches, after one
 * sync of the disk (build_layers.h), before a name can lead to it. Killed at any moment, a build leaves steps that
 * are finished, and a folder in tmp/ that the next command sweeps.
 */
#pragma once

#include "base/err.h"
#include "base/vec.h"
#include "codec/digest.h"
#include "engine/image/find.h"
#include "store/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum build_network { BUILD_NETWORK_PRIVATE, BUILD_NETWORK_HOST, BUILD_NETWORK_NONE };

struct build_options {
	const char *context;	/* folder or archive; "-": an archive or just a Dockerfile on stdin */
	const char *file;	/* -f: "-": stdin; NULL: "Dockerfile" in the context */
	const char *target;	/* stage; NULL: the last */
	struct strv tags;	/* names for the result; none: it stays untagged */
	struct strv build_args; /* "NAME=value" */
	struct strv labels;	/* "name=value" */
	enum build_network network;
	bool no_cache;
	enum pull_policy pull; /* of images that FROM and --from name */
	int64_t epoch;	       /* SOURCE_DATE_EPOCH; -1: not given */
};

/* A line of the progress. */
struct build_step {
	const char *stage; /* "2/3", "builder 1/4" */
	const char *text;  /* the instruction as it stands in the file, on one line */
	bool cached;
	uint64_t us; /* how long it took; on_step_end only */
};

struct build_events {
	void (*on_step)(const struct build_step *step, void *arg); /* its work begins: it was not in the cache */
	void (*on_output)(const char *data, size_t len,
			  void *arg); /* of its command, as it comes; LEN 0: a second has gone by */
	void (*on_step_end)(const struct build_step *step, int result, void *arg); /* RESULT: 0 or a negative errno */
	void (*on_notice)(const char *text, void *arg);
	void *arg;
};

struct build_result {
	struct digest id;  /* of the image */
	struct strv names; /* that it got, as people write them */
	bool begun;	   /* a step was carried out or looked up: what fails from then on is the build, not us */
};
void build_result_done(struct build_result *r);

/*
 * Builds. STORE's `single` is set by us; stdin is read only where the options say so. RET (zeroed) is to be
 * released also on failure. A RUN that ends with another code than 0: -ECHILD, with the place in the Dockerfile.
 */
int build_image(const struct store_options *store, const struct build_options *options,
		const struct build_events *events, struct build_result *ret, struct err *err);

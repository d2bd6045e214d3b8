/*
 * `cloche fsck`: is all in the store what its name says?
 *
 * Blobs are digested. Images are followed from their names to manifest, configuration and layers. An unpacked layer is compared
 * with what its blob gives when it is unpacked once more, both as archives (LAYER_MAKE, whose bytes depend on nothing but the
 * tree), so ids that are emulated, attributes and whiteouts count as they would for a container. Times don't: a build with
 * SOURCE_DATE_EPOCH leaves others in its tree. It runs beside other commands; what vanishes meanwhile is no damage.
 */
#pragma once

#include "base/vec.h"
#include "engine/image/remote.h"
#include "engine/open.h"

struct fsck_finding {
	const char *kind; /* "blob", "image", "layer" */
	char *name;	  /* digest, or name of the image; owned */
	char *problem;	  /* owned */
	bool repaired;
	char *why_not; /* what kept --repair from it; NULL: it wasn't asked for, or it is repaired; owned */
};
DEFINE_VEC(fsck_findings, struct fsck_finding)

struct fsck_report {
	struct fsck_findings findings;
	uint64_t blobs, images, layers; /* looked at */
	bool left;			/* something is damaged still */
};
void fsck_report_done(struct fsck_report *report);

struct fsck_options {
	bool repair;
	const char *
		from; /* a place (move/place.h) that has what is damaged; NULL: the registry that the image's name says */
	struct remote_options remote;
};

int engine_fsck(struct engine *e, const struct fsck_options *options, struct fsck_report *ret, struct err *err);

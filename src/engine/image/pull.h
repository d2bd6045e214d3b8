/*
 * `cloche pull`: an image from a registry.
 *
 * The manifest is asked for by its tag; if that leads to what the store has under this name already, nothing more is:
 * one request. The layers come side by side, each unpacked while it is received (load_remote.c). The manifest is kept as
 * it came, so digests are the registry's.
 */
#pragma once

#include "engine/image/remote.h"
#include "engine/open.h"
#include "oci/image.h"

/* What happens, for whoever shows it. Any member may be NULL. */
struct pull_events {
	/* The image has so many layers. */
	void (*on_image)(const struct image_manifest *m, void *arg);
	/* Transfer N brings layer INDEX, of SIZE bytes. */
	void (*on_layer)(uint64_t transfer, size_t index, uint64_t size, void *arg);
	void *arg;
};

struct pull_result {
	char name[REFERENCE_MAX + 256];	    /* as it is named in the store now */
	struct digest id, manifest, remote; /* remote: what the tag has in the registry: an index, perhaps */
	bool was_there;			    /* nothing had to be brought */
};

/*
 * PLATFORM: "os/arch[/variant]", or NULL: this machine. What it leaves in tmp/ after a failure is for the caller's
 * engine_tidy, since others may be in the middle of something with this store.
 */
int engine_pull(struct engine *e, const struct remote_options *options, const char *image, const char *platform,
		const struct pull_events *events, struct pull_result *ret, struct err *err);

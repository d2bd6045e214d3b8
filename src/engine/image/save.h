/*
 * `cloche save`: images as archives that docker, podman, skopeo and ourselves load. Blobs of OCI archives are the
 * store's, byte for byte; docker-archive has plain tars, as docker itself writes them. The same images give the
 * same bytes.
 */
#pragma once

#include "base/vec.h"
#include "codec/digest.h"
#include "engine/open.h"
#include "layer/client.h"

enum save_format { SAVE_DOCKER_ARCHIVE, SAVE_OCI_ARCHIVE, SAVE_OCI_DIR };

struct save_how {
	enum save_format format;
	/* docker-archive: of the whole; else only LAYER_PLAIN_TAR. */
	enum layer_compression compression;
	/*
	 * docker-archive only: as few bytes as loaders need (save_smallest.c says how). Layers and configuration are written
	 * anew, so the image gets another ID.
	 */
	bool smallest;
};

enum { SAVE_IMAGES_MAX = 1000 };

/*
 * Writes IMAGES as HOW says. Archives go to OUT_FD (file or pipe), from its current offset. For
 * SAVE_OCI_DIR, OUT_FD is a new
 * or empty folder.
 */
int engine_save(struct engine *e, const struct strv *images, const struct save_how *how, int out_fd, struct err *err);
/* The same for one image that nothing need name; NAME: what it is called in the archive, or NULL. */
int engine_save_manifest(struct engine *e, const struct digest *manifest, const char *name, enum save_format format,
			 int out_fd, struct err *err);

/*
 * `cloche load`: images from archives that docker, podman, skopeo, buildah or umoci wrote, or from an OCI image
 * layout in a folder.
 *
 * The layers are unpacked while they are read, so the first run is as fast as any. Their bytes are kept as they
 * came (nothing is compressed again), so are configurations, whose digest is the image's ID, and the manifests of
 * OCI layouts.
 */
#pragma once

#include "base/vec.h"
#include "engine/open.h"
#include "oci/image.h"

enum { LOAD_IMAGES_MAX = 1000 };

struct loaded_image {
	char *name; /* normalised "docker.io/library/x:tag"; NULL: it came without one; owned */
	struct digest id;
};
DEFINE_VEC(loaded_images, struct loaded_image)
void loaded_images_done(struct loaded_images *images);

/*
 * Loads all images of the archive or folder FD. ORIGIN is its file name (NULL: a pipe): a bare tag of a layout
 * is a tag of that name. All of them get their names, or after an error none.
 */
int engine_load(struct engine *e, int fd, const char *origin, struct loaded_images *ret, struct err *err);

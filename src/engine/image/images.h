/* The images of the store: listing them, naming them, taking names away. */
#pragma once

#include "base/vec.h"
#include "engine/open.h"
#include "oci/image.h"
#include "store/ref.h"

/* One name of an image, or an image without a name. */
struct image_row {
	char *name; /* normalised "docker.io/library/x:tag"; NULL: untagged; owned */
	struct digest manifest, id;
	struct image_config config;
	uint64_t size;
	size_t containers; /* that were made from it */
	bool damaged;	   /* it can't be read: only name and manifest are set */
};
DEFINE_VEC(image_rows, struct image_row)
void image_rows_done(struct image_rows *rows);
#define autoimages CLEANUP(image_rows_done)

/*
 * All names and untagged images, the newest image first. FILTERS: "reference=PATTERN", "dangling=true|false",
 * "label=KEY[=VALUE]", "before=IMAGE", "since=IMAGE"; of one kind any must fit, of different kinds each.
 */
int engine_images(struct engine *e, const struct strv *filters, struct image_rows *ret, struct err *err);

/* Gives SOURCE (any way to say an image) the name TARGET. */
int engine_tag(struct engine *e, const char *source, const char *target, struct err *err);

/*
 * Takes a name away, or, asked by ID, the image with its only name. The image goes with its last name, unless a
 * container was made from it: then it needs FORCE and stays, without a name, until the containers are gone.
 * RET_LINES says what was done as docker does: "Untagged: …", "Deleted: sha256:…". The space comes back with
 * engine_tidy(e, true), once for several.
 */
int engine_remove_image(struct engine *e, const char *image, bool force, struct strv *ret_lines, struct err *err);

/* The manifest of the image that a container was made from; false if that is not known. */
bool container_manifest(struct store *s, const char *id, struct digest *ret);
/* How many containers were made from the image with this ID; RET_ID becomes one of them, or "". */
int image_users(struct store *s, const struct digest *id, size_t *ret_count, char ret_id[static 65], struct err *err);

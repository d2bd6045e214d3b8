/* Shared by save*.c: what goes into the archive, each member once. */
#pragma once

#include "engine/image/save.h"
#include "layer/client.h"
#include "store/image.h"

/* An image, with the names it was asked by. */
struct saved_image {
	struct store_image img;
	struct strv names; /* normalised "name:tag" */
};

struct saved_member {
	char *name; /* in the archive; owned */
	char *text; /* content, or NULL: BLOB; owned */
	size_t text_len;
	struct digest blob;
	char staged[24]; /* instead of both: a file of saver.tmp; "": no */
	bool decompress;
	uint64_t plain_size;
};
DEFINE_VEC(saved_members, struct saved_member)

struct saver {
	struct engine *engine;
	struct save_how how;
	struct store_tmp tmp; /* only with how.smallest */
	struct saved_image *images;
	size_t images_len;
	struct saved_members members;
};

bool saver_has(const struct saver *s, const char *name);
/* A member whose content is TEXT (taken over as it is, copied). */
int saver_add_text(struct saver *s, const char *name, const void *text, size_t len, struct err *err);
/* A member whose content is the file STAGED of s->tmp. */
int saver_add_staged(struct saver *s, const char *name, const char *staged, struct err *err);
/* A member whose content is a blob of the store; added once. */
int saver_add_blob(struct saver *s, const char *name, const struct digest *blob, struct err *err);
/* The same, uncompressed; DIFF_ID says what that must be. */
int saver_add_plain(struct saver *s, const char *name, const struct descriptor *layer, const struct digest *diff_id,
		    struct err *err);

int save_docker(struct saver *s, struct err *err);   /* members of a docker-archive */
int save_smallest(struct saver *s, struct err *err); /* the same, see the file */
/* Names as docker has them, without its own host. */
int save_docker_names(const struct strv *names, struct strv *ret, struct err *err);
int save_oci(struct saver *s, struct err *err); /* members of an OCI image layout */

/*
 * Where images are, in skopeo's words (containers-transports(5)):
 *
 *     docker://NAME                      a registry
 *     oci:FOLDER[:NAME]                  an OCI image layout, and the image that is called so in it
 *     oci-archive:FILE[:NAME]            the same in a tar
 *     docker-archive:FILE[:NAME|:@N]     what `docker save` writes; N counts from 0
 *     dir:FOLDER                         one image: manifest.json, and a file for each blob
 *     store:NAME                         our own store
 */
#pragma once

#include "base/cleanup.h"
#include "base/err.h"

#include <stdbool.h>

enum place_kind { PLACE_DOCKER, PLACE_OCI, PLACE_OCI_ARCHIVE, PLACE_DOCKER_ARCHIVE, PLACE_DIR, PLACE_STORE };

enum { PLACE_NAME_MAX = 1024, PLACE_INDEX_MAX = 1000 };

struct place {
	enum place_kind kind;
	char *path; /* of a folder or file; owned; NULL: docker, store */
	char *name; /* owned; NULL: none was said */
	int index;  /* docker-archive: which image; -1: not said */
};
void place_done(struct place *p);
#define autoplace CLEANUP(place_done)

/* -EINVAL: no such transport, or too little behind it. */
int place_parse(const char *text, struct place *ret, struct err *err);
/* Whether TEXT begins with the name of a transport, of ours or of skopeo's. */
bool place_is_one(const char *text);
/* Whether our own store has a part in reading from there, or (AS_DEST) in writing. */
bool place_needs_store(enum place_kind kind, bool as_dest);
/* "docker://", "oci:" … */
const char *place_prefix(enum place_kind kind);

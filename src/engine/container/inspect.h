/* What `docker container inspect` says of a container, and its mounts with where each comes from. */
#pragma once

#include "engine/open.h"
#include "oci/json.h"
#include "oci/spec.h"

/* RET is an object that the caller owns. -ENOENT: no such container. */
int engine_inspect_container(struct engine *e, const char *container, json_t **ret, struct err *err);
/* With SizeRw and SizeRootFs, for which its files are walked. */
int engine_inspect_container_size(struct engine *e, const char *container, json_t **ret, struct err *err);

/* One mount of a container, or a folder of its root's overlay. */
struct container_mount {
	char *target; /* "/" … */
	char *type;   /* "overlay", "proc", "bind" … */
	char *source; /* for an overlay's folder, what it is: "layer 2 of 3" */
	char *note;   /* where it is, or its options */
	bool read_only;
};
DEFINE_VEC(container_mounts, struct container_mount)
void container_mounts_done(struct container_mounts *m);

/* Those that its config.json says, which is what was mounted: the root with its folders first, then in the order of the tree. */
int engine_container_mounts(struct engine *e, const char *container, struct container_mounts *ret, struct err *err);

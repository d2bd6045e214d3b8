/*
 * RUN --mount: folders that a command sees and that don't become part of its layer.
 *
 *     cache/mounts/<hex>/fs     a cache, found by its id; <hex>/lock: held by its users
 *
 * Where they are mounted there must be something to mount on. An additional lowest layer has it (as the skeleton
 * has /proc), so that nothing of it is written to the step's layer.
 */
#pragma once

#include "build/key.h"
#include "engine/build/session.h"
#include "oci/spec.h"

struct build_mount {
	char *target; /* absolute, clean */
	char *source; /* absolute; NULL: a tmpfs */
	bool read_only;
	bool is_file;  /* the source is one, and so the place must be */
	uint64_t size; /* of a tmpfs; 0: no limit */
	int lock;      /* of a cache, held while the command runs; else -1 */
};
DEFINE_VEC(build_mount_list, struct build_mount)

struct build_mounts {
	struct build_mount_list list;
	char *places; /* the folder of mount points: absolute; NULL: no mounts */
};
void build_mounts_done(struct build_mounts *m);

/* Reads all --mount of the instruction and adds to the key what the command will see of them. */
int build_mounts_key(struct build_at *at, struct key *k, struct err *err);
/* Makes them ready; waits for a locked cache. RET (zeroed) is to be released also on failure. */
int build_mounts_open(struct build_at *at, struct build_mounts *ret, struct err *err);
/* Adds them to the container's mounts. */
int build_mounts_add(const struct build_mounts *m, struct oci_spec *spec, struct err *err);

/* A container that runs, opened to be entered or looked into. */
#pragma once

#include "base/cleanup.h"
#include "base/err.h"
#include "oci/spec.h"
#include "runtime/runtime.h"
#include "store/containers.h"
#include "store/store.h"

#include <stdbool.h>

struct running {
	struct store *store; /* borrowed */
	char id[CONTAINER_ID_MAX];
	int dir_fd;		      /* containers/<id> */
	struct runtime_target target; /* its pid 1 */
	struct oci_spec spec;	      /* config.json; a default profile in it is seccomp_ready */
};
#define RUNNING_INIT ((struct running){ .dir_fd = -1, .target = RUNTIME_TARGET_INIT })

/* By name or ID, as container_find. -ESRCH, with a hint, if it doesn't run. -EBUSY if NOT_PAUSED, and it is. */
int running_open(struct store *s, const char *name, bool not_paused, struct running *ret, struct err *err);
void running_done(struct running *r);
#define autorunning CLEANUP(running_done)

/* The root folder as its pid 1 sees it (O_PATH), for fs_open_in_root. */
int running_open_root(const struct running *r, struct err *err);
